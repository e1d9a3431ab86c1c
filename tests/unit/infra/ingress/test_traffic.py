"""Target groups of an update: what serves keeps its health path until it serves no more."""

from __future__ import annotations

from typing import Any

import pytest

from infra.ingress.traffic import FIRST, SECOND, Serving, TrafficPlan, plan
from infra.names import TRAFFIC
from infra.own_outputs import READ_OUTPUTS, unfinished
from infra.settings.model import Settings
from tests.unit.infra.recorder import Recording, record

RULE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/lb/5/f/9"


def planned(serving: Serving, **settings: object) -> TrafficPlan:
    return plan(Settings.parse(settings), serving)


def test_a_rolling_service_has_one_group_whichever_serves() -> None:
    assert planned(Serving()) == TrafficPlan(FIRST, {FIRST: "/"}, shifts=False, unfinished=False)
    found = planned(Serving(SECOND, SECOND, "/"))
    assert found == TrafficPlan(SECOND, {SECOND: "/"}, shifts=False, unfinished=False)


@pytest.mark.parametrize("strategy", ["rolling", "blue_green"])
@pytest.mark.parametrize("group", [FIRST, SECOND])
def test_another_path_is_the_other_groups_first(strategy: str, group: str) -> None:
    found = planned(Serving(group, FIRST, "/"), strategy=strategy, health_check_path="/new")
    assert found.paths[group] == "/"
    assert sorted(found.paths.values()) == ["/", "/new"]
    assert next(iter(found.paths)) == FIRST
    assert (found.serving, found.shifts, found.unfinished) == (group, True, True)


def test_once_the_traffic_has_moved_the_change_ends() -> None:
    moved = Serving(SECOND, FIRST, "/new")
    assert planned(moved, health_check_path="/new").paths == {SECOND: "/new"}
    shifted = planned(moved, strategy="canary", health_check_path="/new")
    assert shifted.paths == {FIRST: "/new", SECOND: "/new"}
    assert not shifted.unfinished


def after(first: str, paths: dict[str, str], heaviest: str | None, **config: str) -> Recording:
    """The program after an update that left these groups, and the traffic in one of them."""
    left = {"first": first, "paths": paths, "rule_arn": RULE if heaviest else "", "unfinished": 0}

    def rule(_: dict[str, Any]) -> dict[str, Any]:
        prefix = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup"
        names = {each.name.rpartition("-")[2]: each.inputs["name"] for each in groups}
        weights = [
            {"arn": f"{prefix}/{name}/73e2", "weight": 100 if group == heaviest else 0}
            for group, name in names.items()
        ]
        action = {"type": "forward", "order": 1, "forwards": [{"targetGroups": weights}]}
        return {"arn": RULE, "actions": [action], "conditions": []}

    groups = record({"strategy": "canary"}).of("TargetGroup")
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


def test_the_update_after_it_is_rolling_again_in_the_group_that_serves() -> None:
    recording = after(
        FIRST, {FIRST: "/", SECOND: "/new"}, SECOND, health_check_path="/new", strategy="rolling"
    )
    group = recording.one("TargetGroup")
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
    groups = {each.name: each.inputs for each in recording.of("TargetGroup")}
    assert groups["load-balancer-targets"]["name"] in balancer["targetGroupArn"]
    assert {each["healthCheck"]["path"] for each in groups.values()} == {"/"}
    (action,) = recording.one("Listener").inputs["defaultActions"]
    assert action["targetGroupArn"] == balancer["targetGroupArn"], "or each release would change it"
