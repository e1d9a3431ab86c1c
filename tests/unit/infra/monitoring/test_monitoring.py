"""Alarms and the dashboard: what they watch, whom they tell, and what the settings change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.monitoring import dashboard
from infra.monitoring.alarms import Limits, Watched, release_alarms, service_alarms
from localcloud.cloudwatch.evaluation import EXTRA_PERIODS, AlarmState, Condition, judge
from localcloud.cloudwatch.metric_math import evaluate
from tests.unit.infra.looks import default
from tests.unit.infra.recorder import REGION, Recording, record

LIMITS = Limits(errors=5, latency=1.0, tasks=2, insights=False)
ONE = Watched("cluster", "service", "app/lb/1", ["targetgroup/a/1"])
TWO = Watched("cluster", "service", "app/lb/1", ["targetgroup/a/1", "targetgroup/b/2"])
KINDS = {
    "target-errors",
    "slow-answers",
    "balancer-errors",
    "unhealthy-targets",
    "high-cpu",
    "high-memory",
    "too-few-tasks",
}


def alarms(recording: Recording) -> dict[str, dict[str, Any]]:
    return {
        each.inputs["name"].removeprefix("fargate-cd-dev-"): each.inputs
        for each in recording.of("MetricAlarm")
    }


def queries(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in alarm["metricQueries"]}


def test_every_condition_has_its_alarm() -> None:
    assert alarms(default()).keys() == KINDS


def test_without_monitoring_there_is_none_of_it() -> None:
    quiet = record({"monitoring": "false"})
    for token in ("MetricAlarm", "Dashboard", "EventRule", "Topic"):
        assert quiet.of(token) == []


@pytest.mark.parametrize("watched", [ONE, TWO])
def test_an_alarm_judges_exactly_one_value(watched: Watched) -> None:
    for alarm in (*release_alarms(watched, LIMITS), *service_alarms(watched, LIMITS)):
        assert bool(alarm.expression) == (len(alarm.metrics) > 1 or alarm.expression != "")
        assert alarm.breaching <= alarm.periods
        for identifier in alarm.metrics:
            assert identifier[0].islower(), "CloudWatch refuses other identifiers"
            assert not alarm.expression or identifier in alarm.expression
    for recorded in alarms(default()).values():
        judged = [each for each in recorded["metricQueries"] if each["returnData"]]
        assert len(judged) == 1


def test_errors_are_a_share_of_the_answers_of_all_target_groups() -> None:
    alarm = release_alarms(TWO, LIMITS)[0]
    assert alarm.expression == "100 * SUM([errors0, errors1]) / SUM([requests0, requests1])"
    assert alarm.metrics["errors1"].dimensions == {
        "TargetGroup": "targetgroup/b/2",
        "LoadBalancer": "app/lb/1",
    }


def test_the_alarms_watch_this_service_and_its_load_balancer() -> None:
    dimensions = queries(alarms(default())["high-cpu"])["used"]["metric"]["dimensions"]
    assert dimensions == {"ClusterName": "fargate-cd-dev", "ServiceName": "fargate-cd-dev"}
    dimensions = queries(alarms(default())["target-errors"])["errors0"]["metric"]["dimensions"]
    assert dimensions["LoadBalancer"].startswith("app/fargate-cd-dev-")
    assert dimensions["TargetGroup"].startswith("targetgroup/fargate-cd-dev-")


def test_no_news_is_good_news_except_of_tasks() -> None:
    missing = {kind: alarm["treatMissingData"] for kind, alarm in alarms(default()).items()}
    assert missing.pop("too-few-tasks") == "ignore"
    assert set(missing.values()) == {"notBreaching"}


@pytest.mark.parametrize(
    ("settings", "threshold"),
    [
        ({}, 2),
        ({"min_count": "1"}, 1),
        (
            {
                "scheduled_scaling": (
                    '[{"schedule": "cron(0 20 * * ? *)", "min_count": 1, "max_count": 4}]'
                )
            },
            1,
        ),
    ],
)
def test_too_few_are_fewer_than_the_settings_ever_allow(
    settings: dict[str, str], threshold: int
) -> None:
    assert alarms(record(settings))["too-few-tasks"]["threshold"] == threshold


def test_a_service_that_may_scale_to_nothing_has_no_such_alarm() -> None:
    nights = '[{"schedule": "cron(0 20 * * ? *)", "min_count": 0, "max_count": 4}]'
    assert "too-few-tasks" not in alarms(record({"scheduled_scaling": nights}))


def test_container_insights_tell_how_many_are_desired() -> None:
    alarm = alarms(record({"container_insights": "true"}))["too-few-tasks"]
    assert queries(alarm)["value"]["expression"] == (
        "IF(FILL(desired, REPEAT), FILL(desired, REPEAT) - FILL(running, 0))"
    )


# Minutes of running tasks, oldest first: `-` for no data. The last ones are the newest.
LIVES = {
    "not yet any data": ("-" * 17, "INSUFFICIENT_DATA"),
    "the first task's first minute": ("-" * 16 + "1", "INSUFFICIENT_DATA"),
    "the first full minute": ("-" * 15 + "12", "OK"),
    "the newest minutes are not published yet": ("2" * 15 + "--", "OK"),
    "one task short for long": ("2" * 7 + "1" * 10, "ALARM"),
    "all tasks stopped": ("2" * 7 + "-" * 10, "ALARM"),
    "all tasks stopped soon after the beginning": ("-" * 5 + "22" + "-" * 10, "ALARM"),
    "all tasks stopped an hour ago": ("-" * 17, "ALARM"),
    "they are back": ("-" * 8 + "2" * 9, "OK"),
}


@pytest.mark.parametrize("insights", [False, True], ids=["CPU samples", "Container Insights"])
@pytest.mark.parametrize("life", LIVES)
def test_too_few_tasks_waits_for_the_first_data_and_no_longer(life: str, insights: bool) -> None:
    minutes, state = LIVES[life]
    limits = Limits(errors=5, latency=1.0, tasks=2, insights=insights)
    (alarm,) = [each for each in service_alarms(ONE, limits) if each.kind == "too-few-tasks"]
    running = {60.0 * at: float(each) for at, each in enumerate(minutes) if each != "-"}
    times = [60.0 * at for at in range(len(minutes))][-alarm.periods - EXTRA_PERIODS :]
    known = {"running": running, "desired": dict.fromkeys(running, 2.0)}
    within = {name: {t: v for t, v in each.items() if t in times} for name, each in known.items()}
    series = evaluate(alarm.expression, within, times)
    condition = Condition(
        alarm.comparison, alarm.threshold, alarm.periods, alarm.breaching, alarm.missing
    )
    before = AlarmState.ALARM if "ago" in life else AlarmState.INSUFFICIENT_DATA
    assert judge(condition, [series.get(time) for time in times], before).state == state


def test_the_limits_are_settings() -> None:
    made = alarms(record({"error_limit": "2", "latency_limit": "250"}))
    assert made["target-errors"]["threshold"] == 2
    assert made["balancer-errors"]["threshold"] == 2
    assert made["slow-answers"]["threshold"] == 0.25


def test_alarms_tell_whoever_is_to_be_notified() -> None:
    assert all("alarmActions" not in each for each in alarms(default()).values())
    told = record({"notify_emails": '["a@example.org", "b@example.org"]'})
    topic = "arn:aws:sns:eu-central-1:123456789012:fargate-cd-dev"
    for alarm in alarms(told).values():
        assert alarm["alarmActions"] == alarm["okActions"] == [topic]
    assert len(told.of("TopicSubscription")) == 2
    assert "kmsMasterKeyId" not in told.one("Topic", "notifications-topic").inputs


def test_a_key_encrypts_what_is_told() -> None:
    told = record({"notify_emails": '["a@example.org"]', "customer_managed_key": "true"})
    assert ":key/" in told.one("Topic", "notifications-topic").inputs["kmsMasterKeyId"]
    statements = json.loads(told.one("Key").inputs["policy"])["Statement"]
    by_name = {each["Sid"]: each for each in statements}
    assert by_name["Alarms"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert by_name["Alarms"]["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html: EventBridge tells none.
    assert by_name["Events"]["Principal"] == {"Service": "events.amazonaws.com"}
    assert "Condition" not in by_name["Events"]
    topic = json.loads(told.one("TopicPolicy").inputs["policy"])["Statement"]
    (events,) = [each for each in topic if each["Sid"] == "Events"]
    assert "Condition" not in events


def test_the_service_is_watched_once_it_runs() -> None:
    service = default().one("Service", "service-service")
    for alarm in default().of("MetricAlarm"):
        waits = {urn.rsplit("::", 1)[-1] for urn in alarm.depends_on}
        assert ("service-service" in waits) == alarm.name.startswith("alarms-")
    assert not any("MetricAlarm" in urn for urn in service.depends_on)


def test_the_dashboard_marks_releases_in_every_graph() -> None:
    body = json.loads(default().one("Dashboard", "dashboard-dashboard").inputs["dashboardBody"])
    states, *graphs = body["widgets"]
    assert len(states["properties"]["alarms"]) == len(KINDS)
    assert len(graphs) == 6
    for graph in graphs:
        metrics = graph["properties"]["metrics"]
        rule, drawn = metrics[-2], metrics[-1]
        assert rule[:4] == ["AWS/Events", "TriggeredRules", "RuleName", "fargate-cd-dev-releases"]
        assert rule[4]["id"] == "release"
        assert drawn[0]["expression"] == "FILL(release, 0)"
        assert drawn[0]["yAxis"] == "right"
        assert graph["properties"]["region"] == REGION


def test_the_rule_of_releases_matches_this_services_deployments() -> None:
    rule = default().one("EventRule", "dashboard-releases").inputs
    pattern = json.loads(rule["eventPattern"])
    assert pattern["resources"] == [
        f"arn:aws:ecs:{REGION}:123456789012:service/fargate-cd-dev/fargate-cd-dev"
    ]
    assert pattern["detail"] == {"eventName": ["SERVICE_DEPLOYMENT_IN_PROGRESS"]}


def test_graphs_do_not_overlap() -> None:
    widgets = dashboard.body("eu-central-1", TWO, LIMITS, ["arn"], "rule")["widgets"]
    taken = [
        (x, y)
        for each in widgets
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
