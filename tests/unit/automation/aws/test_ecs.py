"""Reads of ECS: in batches that ECS takes, across pages, and of what is gone."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from automation.aws import ecs
from automation.aws.ecs import ServiceName, Target

NAME = ServiceName("c", "s")


class FakeCloud:
    """Answers every call from a table, and remembers what was asked."""

    def __init__(self, listed: dict[str, list[str]] | None = None) -> None:
        self.listed = listed or {}
        self.asked: list[dict[str, Any]] = []

    def client(self, _service: str) -> FakeCloud:
        return self

    def pages(self, _service: str, _operation: str, _key: str, **given: Any) -> list[str]:
        return self.listed[given["desiredStatus"]]

    def describe_tasks(self, **given: Any) -> dict[str, Any]:
        self.asked.append(given)
        return {"tasks": [{"taskArn": arn} for arn in given["tasks"]]}

    def describe_service_revisions(self, **given: Any) -> dict[str, Any]:
        self.asked.append(given)
        return {"serviceRevisions": [{"serviceRevisionArn": a} for a in given.popitem()[1]]}

    def describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:  # noqa: N803
        if TargetGroupArn == "gone":
            raise ClientError({"Error": {"Code": "TargetGroupNotFound"}}, "DescribeTargetHealth")
        health = {"State": "unhealthy", "Reason": "Target.Timeout"}
        row = {"Target": {"Id": "10.0.0.1", "Port": 80}, "TargetHealth": health}
        return {"TargetHealthDescriptions": [row]}


def test_tasks_of_every_status_are_described_a_hundred_at_a_time() -> None:
    cloud = FakeCloud(
        {"RUNNING": [f"r{n}" for n in range(150)], "STOPPED": [f"s{n}" for n in range(70)]}
    )
    found = ecs.tasks(cloud, NAME, ("STOPPED", "RUNNING"))  # type: ignore[arg-type]
    assert [len(given["tasks"]) for given in cloud.asked] == [100, 100, 20]
    assert [found[0]["taskArn"], found[-1]["taskArn"]] == ["s0", "r149"]


def test_revisions_are_described_twenty_at_a_time_and_once_each() -> None:
    cloud = FakeCloud()
    found = ecs.service_revisions(cloud, [f"r{n % 30}" for n in range(60)])  # type: ignore[arg-type]
    assert len(found) == 30
    assert len(cloud.asked) == 2


def test_targets_of_every_group_are_read_and_a_deleted_group_has_none() -> None:
    balancers = [{"targetGroupArn": arn} for arn in ("gone", "group", "group")]
    found = ecs.targets(FakeCloud(), {"loadBalancers": balancers})  # type: ignore[arg-type]
    assert found == [Target("10.0.0.1", 80, "unhealthy", "Target.Timeout")]


@pytest.mark.parametrize("tags", [[], [{"key": "stack", "value": "dev"}]])
def test_a_copy_of_a_revision_has_what_can_be_registered(tags: list[dict[str, str]]) -> None:
    client = boto3.client(
        "ecs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    described = {
        "family": "f",
        "containerDefinitions": [{"name": "app"}],
        "cpu": "256",
        "taskDefinitionArn": "a",
        "revision": 3,
        "status": "INACTIVE",
        "compatibilities": ["FARGATE"],
        "requiresCompatibilities": ["FARGATE"],
        "tags": tags,
    }
    wanted = {
        "family": "f",
        "containerDefinitions": [{"name": "app"}],
        "cpu": "256",
        "requiresCompatibilities": ["FARGATE"],
    }
    cloud = FakeCloud()
    cloud.client = lambda _service: client  # type: ignore[method-assign]
    with Stubber(client) as stub:
        stub.add_response(
            "register_task_definition",
            {"taskDefinition": {"taskDefinitionArn": "new"}},
            wanted | ({"tags": tags} if tags else {}),
        )
        assert ecs.register(cloud, described) == "new"  # type: ignore[arg-type]
