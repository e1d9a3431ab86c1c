"""CloudWatch's metrics of load balancers: one row a behaviour that AWS documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localcloud.tests.conformance.elb_stage import (
    GUIDE,
    Row,
    Stage,
    Table,
    ask,
    condition,
    fixed,
    play,
    running,
)
from localcloud.tests.elb_harness import (
    Cloud,
    Network,
    Site,
    await_state,
    deregister,
    health,
    register,
)

TABLE = Table()
PAGE = GUIDE + "load-balancer-cloudwatch-metrics.html"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Network]]:
    with running(tmp_path_factory.mktemp("elb")) as cloud_and_network:
        yield cloud_and_network


def published(stage: Stage, made: Site, name: str, statistic: str, *kinds: str) -> float | None:
    """A metric's statistic over the last minutes; None where there is none."""
    values = {
        "LoadBalancer": made.load_balancer.split("loadbalancer/")[1],
        "TargetGroup": made.target_group.split(":")[-1],
    }
    now = datetime.now(UTC)
    metric = {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": name,
        "Dimensions": [{"Name": kind, "Value": values[kind]} for kind in kinds],
    }
    found: list[dict[str, Any]] = stage.cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "one", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": statistic}}
        ],
        StartTime=now - timedelta(minutes=30),
        EndTime=now + timedelta(minutes=30),
    )["MetricDataResults"]
    return sum(found[0]["Values"]) if found and found[0]["Values"] else None


@TABLE.row(PAGE, "requests and answers are counted by who answered")
def counts(stage: Stage) -> None:
    made, target = stage.served()
    stage.rule(made, 1, fixed("no", 404), condition("path-pattern", "/none"))
    for _ in range(5):
        ask(made.host)
    ask(made.host, "/none")
    target.status = 500
    ask(made.host)
    target.close()
    ask(made.host)
    stage.cloud.elb.data_plane.publish()
    both = "LoadBalancer", "TargetGroup"
    expected = {
        ("HTTPCode_Target_2XX_Count", both): 5,
        ("HTTPCode_Target_5XX_Count", both): 1,
        ("RequestCount", both): 6,
        ("RequestCountPerTarget", ("TargetGroup",)): 6,
        ("TargetConnectionErrorCount", both): 1,
        ("RequestCount", ("LoadBalancer",)): 8,
        ("HTTPCode_Target_2XX_Count", ("LoadBalancer",)): 5,
        ("HTTPCode_ELB_4XX_Count", ("LoadBalancer",)): 1,
        ("HTTPCode_ELB_5XX_Count", ("LoadBalancer",)): 1,
    }
    seen = {(name, kinds): published(stage, made, name, "Sum", *kinds) for name, kinds in expected}
    assert seen == expected


@TABLE.row(PAGE, "the response time of targets is in seconds")
def response_time(stage: Stage) -> None:
    made, target = stage.served()
    target.delay = 0.2
    for _ in range(3):
        ask(made.host)
    stage.cloud.elb.data_plane.publish()
    average = published(stage, made, "TargetResponseTime", "Average", "LoadBalancer", "TargetGroup")
    assert average is not None
    assert 0.2 <= average < 3


@TABLE.row(PAGE, "healthy and unhealthy targets are counted")
def hosts(stage: Stage) -> None:
    made, _ = stage.served()
    sick = stage.target(health_status=500)
    register(stage.cloud.client, made.target_group, sick)
    while health(stage.cloud.client, made.target_group)[sick.address]["State"] == "initial":
        """Until two checks have failed."""
    stage.cloud.elb.data_plane.publish()
    both = "LoadBalancer", "TargetGroup"
    assert published(stage, made, "HealthyHostCount", "Maximum", *both) == 1
    assert published(stage, made, "UnHealthyHostCount", "Maximum", *both) == 1


@TABLE.row(PAGE, "nothing is lost or counted twice by reloads and leaving targets")
def across_changes(stage: Stage) -> None:
    made, target = stage.served()
    stage.elbv2.modify_target_group_attributes(
        TargetGroupArn=made.target_group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}],
    )
    for priority in range(1, 4):
        for _ in range(4):
            ask(made.host)
        stage.rule(made, priority, fixed("x"), condition("path-pattern", f"/{priority}"))
    deregister(stage.cloud.client, made.target_group, target)
    other = stage.target()
    register(stage.cloud.client, made.target_group, other)
    while target.address in health(stage.cloud.client, made.target_group):
        """Until it is drained."""
    await_state(stage.cloud.client, made.target_group, "healthy")
    ask(made.host)
    stage.cloud.elb.data_plane.publish()
    ask(made.host)
    stage.cloud.elb.data_plane.publish()
    assert (
        published(stage, made, "HTTPCode_Target_2XX_Count", "Sum", "LoadBalancer", "TargetGroup")
        == 14
    )


@pytest.mark.parametrize(("page", "check"), TABLE.rows)
def test_documented(started: tuple[Cloud, Network], page: str, check: Row) -> None:
    play(started, page, check)
