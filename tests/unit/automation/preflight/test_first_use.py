"""Service-linked roles and connections that must be there before the first update."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.preflight import first_use
from tests.unit.automation.preflight.stage import CONNECTED, Stage


class Fresh:
    """An account without service-linked roles, and with a connection in a state."""

    meta = SimpleNamespace(region_name="us-east-1")

    def __init__(self, decision: str = "allowed", connection: str = "AVAILABLE") -> None:
        self.decision, self.connection = decision, connection
        self.asked: list[dict[str, Any]] = []

    def client(self, _: str) -> Any:
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/u"}

    def get_role(self, **_: str) -> None:
        raise ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetRole")

    def get_connection(self, **_: str) -> dict[str, Any]:
        if not self.connection:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetConnection")
        return {"Connection": {"ConnectionStatus": self.connection}}

    def pages(self, *_: str, **given: Any) -> list[dict[str, Any]]:
        self.asked.append(given)
        (name,) = given["ActionNames"]
        return [{"EvalActionName": name, "EvalDecision": self.decision}]


def test_service_linked_roles_that_nobody_can_make_are_named(stage: Stage) -> None:
    stage.cloud = Fresh()
    assert list(first_use.service_linked_roles(stage.planned())) == []
    stage.cloud = Fresh("implicitDeny")
    found = list(first_use.service_linked_roles(stage.planned()))
    assert len(found) == 3
    assert "--aws-service-name ecs.amazonaws.com`" in found[0].setting
    asked = stage.cloud.asked[0]
    role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    assert asked["ResourceArns"] == [f"arn:aws:iam::123456789012:{role}"]
    context = {e["ContextKeyName"]: e["ContextKeyValues"] for e in asked["ContextEntries"]}
    assert context["iam:AWSServiceName"] == ["ecs.amazonaws.com"]
    stage.new = False
    assert list(first_use.service_linked_roles(stage.planned())) == []


@pytest.mark.parametrize(
    ("status", "problems"),
    [("AVAILABLE", []), ("PENDING", ["connection not ready"]), ("", ["connection not found"])],
)
def test_a_connection_must_be_there_and_finished(
    stage: Stage, status: str, problems: list[str]
) -> None:
    stage.cloud = Fresh(connection=status)
    assert list(first_use.connection(stage.planned())) == []
    stage.settings = CONNECTED
    assert [each.name for each in first_use.connection(stage.planned())] == problems
