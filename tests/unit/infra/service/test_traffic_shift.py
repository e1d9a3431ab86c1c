"""Releases to which traffic is shifted: what ECS needs for them, and what it may change."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.settings.model import Settings, SettingsError
from tests.unit.infra.looks import default
from tests.unit.infra.recorder import Recording, record

SHIFTED = ("blue_green", "canary", "linear")
TOKEN = {"github_owner": "octo", "github_repository": "shop", "github_token": "word"}


@cache
def shifted(strategy: str) -> Recording:
    return record({"strategy": strategy})


def service(recording: Recording) -> dict[str, Any]:
    return recording.one("Service", "service-service").inputs


def test_rolling_is_the_default_and_needs_none_of_it() -> None:
    rolling = default()
    # In full, since ECS keeps what an update leaves out.
    configuration = {"strategy": "ROLLING", "bakeTimeInMinutes": "0"}
    assert service(rolling)["deploymentConfiguration"] == configuration
    assert service(rolling)["alarms"] == {"alarmNames": [], "enable": False, "rollback": False}
    assert rolling.of("ListenerRule") == []
    assert len(rolling.of("TargetGroup")) == 1


@pytest.mark.parametrize("strategy", SHIFTED)
def test_two_target_groups_take_turns(strategy: str) -> None:
    recording = shifted(strategy)
    groups = {each.name: each.inputs for each in recording.of("TargetGroup")}
    first, second = groups["load-balancer-targets"], groups["load-balancer-alternate"]
    assert first["name"] != second["name"]
    assert {**first, "name": ""} == {**second, "name": ""}
    (balancer,) = service(recording)["loadBalancers"]
    advanced = balancer["advancedConfiguration"]
    assert second["name"] in advanced["alternateTargetGroupArn"]
    assert first["name"] in balancer["targetGroupArn"]
    assert ":listener-rule/" in advanced["productionListenerRule"]
    assert advanced["roleArn"].endswith("role/fargate-cd-dev-shift-eu-central-1")


@pytest.mark.parametrize("strategy", SHIFTED)
def test_a_rule_before_all_traffic_holds_the_weights(strategy: str) -> None:
    rule = shifted(strategy).one("ListenerRule")
    (action,) = rule.inputs["actions"]
    assert [each["weight"] for each in action["forward"]["targetGroups"]] == [100, 0]
    assert rule.inputs["conditions"] == [{"pathPattern": {"values": ["/*"]}}]
    assert rule.inputs["priority"] == 50000
    assert rule.options["ignoreChanges"] == ["actions"], "ECS changes the weights"


@pytest.mark.parametrize("strategy", SHIFTED)
def test_alarms_take_a_bad_release_back(strategy: str) -> None:
    assert service(shifted(strategy))["alarms"] == {
        "alarmNames": ["fargate-cd-dev-target-errors", "fargate-cd-dev-slow-answers"],
        "enable": True,
        "rollback": True,
    }


def test_each_strategy_as_ecs_wants_it() -> None:
    assert service(shifted("blue_green"))["deploymentConfiguration"] == {
        "strategy": "BLUE_GREEN",
        "bakeTimeInMinutes": "5",
    }
    assert service(shifted("canary"))["deploymentConfiguration"] == {
        "strategy": "CANARY",
        "bakeTimeInMinutes": "5",
        "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": "3"},
    }
    assert service(shifted("linear"))["deploymentConfiguration"] == {
        "strategy": "LINEAR",
        "bakeTimeInMinutes": "5",
        "linearConfiguration": {"stepPercent": 10, "stepBakeTimeInMinutes": "3"},
    }


def test_ecs_may_shift_this_services_traffic_and_no_other() -> None:
    policy = shifted("canary").one("RolePolicy", "shift-policy").inputs["policy"]
    resources = {each["Sid"]: each["Resource"] for each in json.loads(policy)["Statement"]}
    assert len(resources["MoveTargets"]) == 2
    assert all(":targetgroup/fargate-cd-dev-" in arn for arn in resources["MoveTargets"])
    (rule,) = resources["ShiftWeights"]
    assert ":listener-rule/" in rule
    waits = shifted("canary").one("Service", "service-service").depends_on
    assert "shift-policy" in {urn.rsplit("::", 1)[-1] for urn in waits}


def test_the_second_group_is_watched_too() -> None:
    (alarm,) = [
        each.inputs
        for each in shifted("linear").of("MetricAlarm")
        if each.inputs["name"].endswith("target-errors")
    ]
    groups = {
        query["metric"]["dimensions"]["TargetGroup"]
        for query in alarm["metricQueries"]
        if "metric" in query
    }
    assert len(groups) == 2


@pytest.mark.parametrize(
    ("values", "minutes"),
    [
        ({}, 0),
        ({"strategy": "blue_green", "bake_minutes": 7}, 7),
        ({"strategy": "canary", "step_minutes": 4}, 9),
        ({"strategy": "linear", "step_percent": 50, "step_minutes": 4}, 9),
        ({"strategy": "linear", "step_percent": 30, "step_minutes": 1}, 8),
    ],
)
def test_how_long_a_release_is_watched(values: dict[str, object], minutes: int) -> None:
    assert Settings.parse(values).shift_minutes == minutes


def test_the_pipeline_waits_for_the_shift() -> None:
    stages = record({**TOKEN, "strategy": "canary"}).one("Pipeline", "pipeline-pipeline").inputs
    declared = stages["stages"]
    declared = declared["value"] if isinstance(declared, dict) else declared  # a secret
    deploy = declared[-1]["actions"][0]
    assert deploy["configuration"]["DeploymentTimeout"] == "38"


WRONG = (
    ({"strategy": "canary", "monitoring": False}, "strategy", "monitoring"),
    ({"strategy": "linear", "step_percent": 2}, "step_percent", "3 or more"),
    (
        {**TOKEN, "strategy": "linear", "step_minutes": 10},
        "strategy",
        "takes 95 minutes",
    ),
)


@pytest.mark.parametrize(("values", "name", "said"), WRONG)
def test_what_can_not_work_is_refused(values: dict[str, object], name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"fargate-cd:{name} = .*{said}"):
        Settings.parse(values)


def followed(recording: Recording) -> dict[str, Any]:
    policy = recording.one("Policy", "scaling-requests").inputs
    tracking: dict[str, Any] = policy["targetTrackingScalingPolicyConfiguration"]
    return tracking


@pytest.mark.parametrize("strategy", SHIFTED)
def test_scaling_follows_the_requests_of_both_target_groups(strategy: str) -> None:
    *counted, total = followed(shifted(strategy))["customizedMetricSpecification"]["metrics"]
    groups = [each["metricStat"]["metric"]["dimensions"][1]["value"] for each in counted]
    assert len(set(groups)) == 2
    assert [each["returnData"] for each in (*counted, total)] == [False, False, True]
    assert total["expression"] == "SUM([group1, group2])"


def test_scaling_follows_the_one_target_group_of_rolling() -> None:
    predefined = followed(default())["predefinedMetricSpecification"]
    assert predefined["predefinedMetricType"] == "ALBRequestCountPerTarget"
