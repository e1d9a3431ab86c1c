"""What AWS and releases change by themselves is told apart from what a person did."""

from __future__ import annotations

import json

import pytest

from automation.commands.refresh import summary
from automation.engine.progress import ResourceChange
from automation.recovery.drift import EXPECTED, Drift, classify, print_drift
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

STACK = "urn:pulumi:dev::fargate-cd::fargate-cd:infra:Service$"
SERVICE = f"{STACK}aws:ecs/service:Service::service-service"
GROUP = f"{STACK}aws:lb/targetGroup:TargetGroup::targets"
LISTENER = f"{STACK}aws:lb/listener:Listener::http"
TARGET = f"{STACK}aws:appautoscaling/target:Target::scaling"
PLAIN = Settings.parse({})


def changed(urn: str, *properties: str, operation: str = "refresh") -> ResourceChange:
    return ResourceChange(urn, operation, properties)


def by(found: list[Drift]) -> list[tuple[str, bool]]:
    return [(",".join(drift.properties), drift.by is None) for drift in found]


@pytest.mark.parametrize("name", ["desiredCount", "taskDefinition"])
def test_what_releases_and_autoscaling_change_is_expected(name: str) -> None:
    assert by(classify([changed(SERVICE, name)], PLAIN)) == [(name, False)]


def test_what_a_person_changed_is_told_apart_on_the_same_resource() -> None:
    found = classify([changed(SERVICE, "taskDefinition", "enableExecuteCommand")], PLAIN)
    assert by(found) == [("enableExecuteCommand", True), ("taskDefinition", False)]


@pytest.mark.parametrize(
    ("urn", "name", "settings"),
    [
        (LISTENER, "defaultActions[0].forward.targetGroups[0].weight", {"strategy": "canary"}),
        (
            TARGET,
            "minCapacity",
            {
                "scheduled_scaling": [
                    {"schedule": "cron(0 8 * * ? *)", "min_count": 1, "max_count": 2}
                ]
            },
        ),
    ],
)
def test_some_changes_are_expected_under_some_settings_only(
    urn: str, name: str, settings: dict[str, object]
) -> None:
    assert by(classify([changed(urn, name)], Settings.parse(settings))) == [(name, False)]
    assert by(classify([changed(urn, name)], PLAIN)) == [(name, True)]


def test_a_resource_that_is_gone_was_deleted_by_hand(captured: Captured) -> None:
    found = classify([changed(GROUP, operation="delete")], PLAIN)
    assert [(drift.operation, drift.by) for drift in found] == [("delete", None)]
    print_drift(captured.screen, found)
    assert "lb:TargetGroup targets: deleted" in captured.out.getvalue().replace("aws", "lb")


def test_the_report_names_what_a_person_did(captured: Captured) -> None:
    found = classify([changed(SERVICE, "desiredCount"), changed(GROUP, "healthCheck")], PLAIN)
    print_drift(captured.screen, found)
    lines = captured.out.getvalue().splitlines()
    assert lines[0] == "Changed by hand:"
    assert "healthCheck" in lines[1]
    assert lines[2].startswith("Changed by autoscaling:")
    assert summary(found) == "1 changed by hand, 1 by AWS or a release"
    assert summary([]) == "nothing drifted"
    documents = [drift.document() for drift in found]
    assert json.loads(json.dumps(documents))[1]["by"] == "hand"


def test_every_row_names_a_condition_that_is_known() -> None:
    assert {row.when for row in EXPECTED} <= {"", "shifts", "scheduled"}
