"""Every physical name fits AWS's limits, however long the project's and the stack's names are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.policy.matrix import MATRIX, long_names
from tests.unit.infra.recorder import custom


@dataclass(frozen=True)
class Limit:
    """What AWS accepts as a name: the property, its longest value and its characters."""

    property: str
    longest: int
    pattern: str


LIMITS: Mapping[str, Limit] = {
    "aws:cloudwatch/dashboard:Dashboard": Limit("dashboardName", 255, r"[\w-]+"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Limit("name", 255, r"[\w-]+"),
    "aws:cloudwatch/eventRule:EventRule": Limit("name", 64, r"[\w.-]+"),
    "aws:codebuild/project:Project": Limit("name", 150, r"[A-Za-z0-9][\w-]{1,149}"),
    "aws:codepipeline/pipeline:Pipeline": Limit("name", 100, r"[A-Za-z0-9.@_-]+"),
    "aws:codepipeline/webhook:Webhook": Limit("name", 100, r"[A-Za-z0-9.@_-]+"),
    "aws:scheduler/schedule:Schedule": Limit("name", 64, r"[\w.-]+"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Limit("name", 64, r"[\w.-]+"),
    "aws:sfn/stateMachine:StateMachine": Limit("name", 80, r"[\w-]+"),
    "aws:sns/topic:Topic": Limit("name", 256, r"[\w-]+"),
    "aws:cloudwatch/logGroup:LogGroup": Limit("name", 512, r"[\w./#-]+"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Limit("policyName", 512, r"[\w-]+"),
    "aws:ec2/securityGroup:SecurityGroup": Limit(
        "name", 255, r"(?!sg-)[a-zA-Z0-9 ._:/()#,@+=;{}!$*-]+"
    ),
    "aws:ecr/repository:Repository": Limit("name", 256, r"[a-z0-9]+([._/-][a-z0-9]+)*"),
    "aws:ecs/cluster:Cluster": Limit("name", 255, r"[\w-]+"),
    "aws:ecs/service:Service": Limit("name", 255, r"[\w-]+"),
    "aws:ecs/taskDefinition:TaskDefinition": Limit("family", 255, r"[\w-]+"),
    "aws:iam/role:Role": Limit("name", 64, r"[\w+=,.@-]+"),
    "aws:iam/rolePolicy:RolePolicy": Limit("name", 128, r"[\w+=,.@-]+"),
    "aws:kms/alias:Alias": Limit("name", 256, r"alias/[\w/-]+"),
    "aws:lb/loadBalancer:LoadBalancer": Limit(
        "name", 32, r"(?!internal-)[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
    ),
    "aws:lb/targetGroup:TargetGroup": Limit("name", 32, r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"),
    "aws:s3/bucket:Bucket": Limit("bucket", 63, r"[a-z0-9][a-z0-9-]*[a-z0-9]"),
    "aws:ssm/parameter:Parameter": Limit("name", 1011, r"(/[\w.-]+)+"),
    "aws:wafv2/webAcl:WebAcl": Limit("name", 128, r"[\w-]+"),
    "aws:appautoscaling/policy:Policy": Limit("name", 256, r"\S+"),
    "aws:appautoscaling/scheduledAction:ScheduledAction": Limit("name", 256, r"\S+"),
}


@pytest.mark.parametrize("settings", MATRIX)
def test_names_fit(settings: str) -> None:
    for resource in custom(long_names(settings).resources):
        limit = LIMITS.get(resource.token)
        if limit is None:
            assert "name" not in resource.inputs or resource.token.startswith("aws:route53/"), (
                f"{resource.token} has a name; write its limit down here"
            )
            continue
        name = resource.inputs[limit.property]
        assert len(name) <= limit.longest, resource.token
        assert re.fullmatch(limit.pattern, name), f"{resource.token}: {name}"


@pytest.mark.parametrize("settings", MATRIX)
def test_names_of_a_type_are_distinct(settings: str) -> None:
    seen = set()
    for resource in custom(long_names(settings).resources):
        limit = LIMITS.get(resource.token)
        if limit is None or resource.token == "aws:iam/rolePolicy:RolePolicy":
            continue
        # A scaling policy's name belongs to what it scales.
        scaled = resource.inputs.get("resourceId")
        key = (resource.token, resource.inputs[limit.property], scaled)
        assert key not in seen, key
        seen.add(key)


@pytest.mark.parametrize("settings", MATRIX)
def test_descriptions_and_tags_fit(settings: str) -> None:
    for resource in custom(long_names(settings).resources):
        described = resource.inputs.get("description", "")
        assert len(described) <= 255, resource.name
        for key, value in resource.inputs.get("tags", {}).items():
            assert len(key) <= 128, resource.name
            assert len(value) <= 256, resource.name
