"""The table: Pulumi's type → row. Rows stand in one file per service."""

from __future__ import annotations

from localcloud.providers.aws.spec import Spec
from localcloud.providers.aws.specs import ec2, ecr, ecs, elbv2, iam, logs, scaling, security_groups

SPECS: dict[str, Spec] = {
    spec.token: spec
    for module in (ec2, security_groups, elbv2, ecr, ecs, logs, iam, scaling)
    for spec in module.ROWS
}
