"""Permissions that the caller lacks, as IAM's simulator tells them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from automation.preflight import permissions
from tests.unit.automation.preflight.stage import Stage


class Simulator:
    """IAM's simulator with given decisions, for a user."""

    meta = SimpleNamespace(region_name="us-east-1")

    def __init__(self, missing: tuple[str, ...] = (), **decisions: str) -> None:
        self.decisions = decisions
        self.missing = list(missing)
        self.context: dict[str, list[str]] = {}

    def client(self, service: str) -> Any:
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/u"}

    def pages(self, *_: str, **given: Any) -> list[dict[str, Any]]:
        self.context = {e["ContextKeyName"]: e["ContextKeyValues"] for e in given["ContextEntries"]}
        return [
            {
                "EvalActionName": name,
                "EvalDecision": self.decisions.get(name.partition(":")[2], "allowed"),
                "MissingContextValues": self.missing,
            }
            for name in given["ActionNames"]
        ]


def test_an_action_that_is_denied_is_refused_and_one_that_may_be_allowed_is_told(
    stage: Stage,
) -> None:
    stage.cloud = Simulator(CreateVpc="explicitDeny", CreateRole="implicitDeny")
    found = list(permissions.permissions(stage.planned()))
    assert [problem.name for problem in found] == ["permission missing"]
    assert "ec2:CreateVpc" in found[0].cause
    assert "iam:CreateRole" in stage.captured.err.getvalue()


def test_a_denial_that_depends_on_an_unknown_key_is_no_refusal(stage: Stage) -> None:
    stage.cloud = Simulator(missing=("aws:MultiFactorAuthPresent",), CreateVpc="explicitDeny")
    assert list(permissions.permissions(stage.planned())) == []
    told = stage.captured.err.getvalue()
    assert "Can't tell whether you may call ec2:CreateVpc" in told
    assert "aws:MultiFactorAuthPresent" in told


def test_the_simulator_is_told_the_context_that_is_known(stage: Stage) -> None:
    stage.cloud = Simulator()
    stage.settings = {"tags": {"team": "shop"}}
    assert list(permissions.permissions(stage.planned())) == []
    context = stage.cloud.context
    assert context["aws:RequestedRegion"] == ["us-east-1"]
    assert context["aws:RequestTag/team"] == ["shop"]
    assert context["aws:TagKeys"] == ["environment", "project", "stack", "team"]
    assert context["iam:PassedToService"] == ["ecs-tasks.amazonaws.com"]
