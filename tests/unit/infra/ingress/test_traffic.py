"""Target groups of an update: what serves keeps its health path until it serves no more."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from infra.ingress.traffic import FIRST, SECOND, Check, Serving, TrafficPlan, plan
from infra.names import TRAFFIC
from infra.own_outputs import READ_OUTPUTS, unfinished
from infra.settings.model import Settings
from tests.unit.infra.recorder import Recording, record

GROUP = "TargetGroup"
RULE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/lb/5/f/9"


ROOT, NEW = Check("/", "200"), Check("/new", "200")


def planned(serving: Serving, **settings: object) -> TrafficPlan:
    return plan(Settings.parse(settings), serving)


def test_a_rolling_service_has_one_group_whichever_serves() -> None:
    assert planned(Serving()) == TrafficPlan(FIRST, {FIRST: ROOT}, shifts=False, unfinished=False)
    found = planned(Serving(SECOND, SECOND, ROOT))
    assert found == TrafficPlan(SECOND, {SECOND: ROOT}, shifts=False, unfinished=False)


@pytest.mark.parametrize("strategy", ["rolling", "blue_green"])
@pytest.mark.parametrize("group", [FIRST, SECOND])
@pytest.mark.parametrize(
    "settings", [{"health_check_path": "/new"}, {"health_check_codes": "200-204"}]
)
def test_another_check_is_the_other_groups_first(
    strategy: str, group: str, settings: dict[str, str]
) -> None:
    found = planned(Serving(group, FIRST, ROOT), strategy=strategy, **settings)
    assert found.checks[group] == ROOT
    (other,) = (found.checks[each] for each in found.checks if each != group)
    given = {"health_check_path": "/", "health_check_codes": "200"} | settings
    assert (other.path, other.codes) == tuple(given.values())
    assert next(iter(found.checks)) == FIRST
    assert (found.serving, found.shifts, found.unfinished) == (group, True, True)


def test_once_the_traffic_has_moved_the_change_ends() -> None:
    moved = Serving(SECOND, FIRST, NEW)
    assert planned(moved, health_check_path="/new").checks == {SECOND: NEW}
    shifted = planned(moved, strategy="canary", health_check_path="/new")
    assert shifted.checks == {FIRST: NEW, SECOND: NEW}
    assert not shifted.unfinished


@cache
def shifted() -> Recording:
    return record({"strategy": "canary"})


def after(
    first: str, paths: dict[str, str], heaviest: str | None, codes: str = "200", **config: str
) -> Recording:
    """The program after an update that left these groups, and the traffic in one of them."""
    left = {"first": first, "paths": paths, "rule_arn": RULE if heaviest else "", "unfinished": 0}
    left |= {"codes": dict.fromkeys(paths, codes)} if codes else {}

    def rule(_: dict[str, Any]) -> dict[str, Any]:
        prefix = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup"
        names = {each.name.rpartition("-")[2]: each.inputs["name"] for each in groups}
        weights = [
            {"arn": f"{prefix}/{name}/73e2", "weight": 100 if group == heaviest else 0}
            for group, name in names.items()
        ]
        action = {"type": "forward", "order": 1, "forwards": [{"targetGroups": weights}]}
        return {"arn": RULE, "actions": [action], "conditions": []}

    groups = shifted().of(GROUP)
    return record(
        config,
        answers={
            READ_OUTPUTS: lambda _: {"outputs": {TRAFFIC: left}},
            "aws:lb/getListenerRule:getListenerRule": rule,
        },
    )


def test_a_rolling_release_with_another_path_moves() -> None:
    recording = after(FIRST, {FIRST: "/"}, None, health_check_path="/new")
    service = recording.one("Service", "service-service").inputs
    (balancer,) = service["loadBalancers"]
    assert service["deploymentConfiguration"]["strategy"] == "BLUE_GREEN"
    assert service["alarms"] == {"alarmNames": [], "enable": False, "rollback": False}
    assert "advancedConfiguration" in balancer
    assert unfinished(recording.outputs)


def test_codes_that_the_running_version_does_not_answer_are_not_asked_of_it() -> None:
    recording = after(FIRST, {FIRST: "/"}, None, health_check_codes="204")
    matchers = {each.name: each.inputs["healthCheck"]["matcher"] for each in recording.of(GROUP)}
    assert matchers == {"load-balancer-targets": "200", "load-balancer-alternate": "204"}
    triggers = recording.one("Service", "service-service").inputs["triggers"]
    assert triggers["health_check_codes"] == "204", "no other property starts a deployment"
    assert recording.outputs[TRAFFIC]["codes"] == {FIRST: "200", SECOND: "204"}
    assert unfinished(recording.outputs)


def test_a_stack_that_noted_no_codes_moves_nothing() -> None:
    recording = after(FIRST, {FIRST: "/"}, None, codes="", health_check_codes="204")
    assert recording.one(GROUP).inputs["healthCheck"]["matcher"] == "204"
    assert not unfinished(recording.outputs)


def test_the_update_after_it_is_rolling_again_in_the_group_that_serves() -> None:
    recording = after(
        FIRST, {FIRST: "/", SECOND: "/new"}, SECOND, health_check_path="/new", strategy="rolling"
    )
    group = recording.one(GROUP)
    assert (group.name, group.inputs["healthCheck"]["path"]) == ("load-balancer-alternate", "/new")
    service = recording.one("Service", "service-service").inputs
    assert service["deploymentConfiguration"]["strategy"] == "ROLLING"
    (balancer,) = service["loadBalancers"]
    (action,) = recording.one("Listener").inputs["defaultActions"]
    assert group.inputs["name"] in balancer["targetGroupArn"] == action["targetGroupArn"]
    assert not unfinished(recording.outputs)
    assert recording.outputs[TRAFFIC]["first"] == SECOND


def test_releases_of_a_shifted_service_end_in_either_group() -> None:
    recording = after(FIRST, {FIRST: "/", SECOND: "/"}, SECOND, strategy="linear")
    (balancer,) = recording.one("Service", "service-service").inputs["loadBalancers"]
    groups = {each.name: each.inputs for each in recording.of(GROUP)}
    assert groups["load-balancer-targets"]["name"] in balancer["targetGroupArn"]
    assert {each["healthCheck"]["path"] for each in groups.values()} == {"/"}
    (action,) = recording.one("Listener").inputs["defaultActions"]
    assert action["targetGroupArn"] == balancer["targetGroupArn"], "or each release would change it"
