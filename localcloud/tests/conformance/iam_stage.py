"""What the tables of IAM and STS share: a row, refusals, policies, calls of ECS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.tests.unit.iam.running import ACCOUNT, REGION, Aws, policy

GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"

API = "https://docs.aws.amazon.com/IAM/latest/APIReference/"

LOGIC = GUIDE + "reference_policies_evaluation-logic.html"

REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/"

ECS_GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"

ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"

ELB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:"

LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:"

ROLE = f"arn:aws:iam::{ACCOUNT}:role/"

TASKS = "ecs-tasks.amazonaws.com"


@dataclass(frozen=True)
class Row:
    """One documented behaviour.

    Attributes:
        behaviour: what AWS does.
        page: where it says so.
        check: asserts it.
    """

    behaviour: str
    page: str
    check: Callable[[Aws], None]


def code(act: Callable[[], Any]) -> str:
    """The code of a refusal."""
    with pytest.raises(ClientError) as caught:
        act()
    return str(caught.value.response["Error"]["Code"])


def denied(act: Callable[[], Any], words: str = "") -> None:
    """Asserts that a call is refused for want of permission, in these words."""
    with pytest.raises(ClientError) as caught:
        act()
    error = caught.value.response["Error"]
    codes = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    assert error["Code"] in codes, error
    assert words in error["Message"]


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return policy({"Effect": "Deny", "Action": action, "Resource": resource, **more})


def trust(principal: Any, **conditions: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return policy({**row, "Condition": conditions} if conditions else row)


def ecs_behind(aws: Aws) -> None:
    """ECS with fixed answers: only the way to it is under test."""
    definition = {"taskDefinitionArn": f"{ECS}task-definition/web:1", "taskRoleArn": f"{ROLE}t"}
    aws.add(
        "ecs",
        CreateService={"service": {}},
        DescribeServices={"services": []},
        DescribeTaskDefinition={"taskDefinition": definition},
        ListTagsForResource={"tags": [{"key": "stack", "value": "dev"}]},
        RegisterTaskDefinition={"taskDefinition": {}},
        RunTask={"tasks": []},
        UpdateService={"service": {}},
    )


def register(ecs: Any, **roles: str) -> None:
    containers = [{"name": "web", "image": "web"}]
    ecs.register_task_definition(family="web", containerDefinitions=containers, **roles)
