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
    kms,
    logs,
    route53,
    s3,
    scaling,
    secrets,
    security_groups,
    sns,
    ssm,
    wafv2,
)

_MODULES = (
    ec2,
    security_groups,
    elbv2,
    ecr,
    ecs,
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
)

SPECS: dict[str, Spec] = {spec.token: spec for module in _MODULES for spec in module.ROWS}
