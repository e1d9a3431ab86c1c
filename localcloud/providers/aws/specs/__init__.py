"""The table: Pulumi's type → row. Rows stand in one file per service."""

from __future__ import annotations

from localcloud.providers.aws.spec import Spec
from localcloud.providers.aws.specs import (
    acm,
    cloudwatch,
    codebuild,
    codepipeline,
    connections,
    ec2,
    ecr,
    ecs,
    elbv2,
    events,
    iam,
    jobs,
    kms,
    listeners,
    logs,
    route53,
    routes,
    s3,
    scaling,
    secrets,
    security_group_rules,
    security_groups,
    sns,
    ssm,
    task_definitions,
    wafv2,
)

_MODULES = (
    ec2,
    routes,
    security_groups,
    security_group_rules,
    elbv2,
    listeners,
    ecr,
    ecs,
    task_definitions,
    logs,
    iam,
    scaling,
    cloudwatch,
    sns,
    events,
    kms,
    s3,
    acm,
    route53,
    wafv2,
    codebuild,
    codepipeline,
    connections,
    secrets,
    ssm,
    jobs,
)

SPECS: dict[str, Spec] = {spec.token: spec for module in _MODULES for spec in module.ROWS}
