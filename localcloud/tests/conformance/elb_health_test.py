"""Target health: one row a behaviour that AWS documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.tests.conformance.elb_stage import API, GUIDE, Row, Stage, Table, ask, play, running
from localcloud.tests.elb_harness import (
    Cloud,
    Network,
    Target,
    await_state,
    await_true,
    health,
    register,
)

TABLE = Table()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Network]]:
    with running(tmp_path_factory.mktemp("elb")) as cloud_and_network:
        yield cloud_and_network


@TABLE.row(GUIDE + "target-group-health-checks.html", "reasons of unhealthy targets are told")
def unhealthy_reasons(stage: Stage) -> None:
    made, healthy = stage.served(HealthCheckTimeoutSeconds=2)
    wrong, silent = stage.target(health_status=500), stage.target(health_delay=4)
    refusing = stage.target()
    refusing.close()
    register(stage.cloud.client, made.target_group, wrong, silent, refusing)
    states = health(stage.cloud.client, made.target_group)
    assert states[wrong.address] == {
        "State": "initial",
        "Reason": "Elb.InitialHealthChecking",
        "Description": "Initial health checks in progress",
    }

    def told() -> bool:
        now = health(stage.cloud.client, made.target_group)
        return all(now[t.address]["State"] == "unhealthy" for t in (wrong, silent, refusing))

    await_true(told)
    states = health(stage.cloud.client, made.target_group)
    assert states[healthy.address] == {"State": "healthy"}
    assert states[wrong.address] == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [500]",
    }
    assert states[silent.address]["Reason"] == "Target.Timeout"
    assert states[silent.address]["Description"] == "Request timed out"
    assert states[refusing.address]["Reason"] == "Target.FailedHealthChecks"
    assert {ask(made.host).body for _ in range(6)} == {healthy.address}


@TABLE.row(GUIDE + "target-group-health-checks.html", "fails open when all targets are unhealthy")
def fail_open(stage: Stage) -> None:
    made = stage.site()
    sick = [stage.target(health_status=500), stage.target(health_status=500)]
    register(stage.cloud.client, made.target_group, *sick)
    assert ask(made.host).status == 503
    await_state(stage.cloud.client, made.target_group, "unhealthy")
    assert {ask(made.host).body for _ in range(6)} == {target.address for target in sick}


@TABLE.row(GUIDE + "target-group-health-checks.html", "a new target needs one passed check")
def first_check(stage: Stage) -> None:
    # Its second check is late enough not to be taken for the first one's.
    made = stage.site(HealthyThresholdCount=10, HealthCheckIntervalSeconds=60)
    target = stage.target()
    register(stage.cloud.client, made.target_group, target)
    await_state(stage.cloud.client, made.target_group, "healthy")
    assert target.checks == 1


@TABLE.row(GUIDE + "target-group-health-checks.html", "an unhealthy target needs its threshold")
def healthy_again(stage: Stage) -> None:
    made, target = stage.site(), stage.target(health_status=500)
    register(stage.cloud.client, made.target_group, target)
    await_state(stage.cloud.client, made.target_group, "unhealthy")
    before = target.checks
    target.health_status = 200
    await_state(stage.cloud.client, made.target_group, "healthy")
    assert before + 2 <= target.checks <= before + 3


@TABLE.row(GUIDE + "target-group-health-checks.html", "the matcher takes codes and ranges")
def matcher(stage: Stage) -> None:
    made = stage.site(Matcher={"HttpCode": "201,300-399"})
    odd = [stage.target(health_status=302), stage.target(health_status=201)]
    register(stage.cloud.client, made.target_group, *odd)
    await_state(stage.cloud.client, made.target_group, "healthy")


@TABLE.row(
    GUIDE + "target-group-health-checks.html", "health checks name themselves and use the path"
)
def check_request(stage: Stage) -> None:
    _, target = stage.served(HealthCheckPath="/health/deep?x=1")
    assert target.check_headers["user-agent"] == "ELB-HealthChecker/2.0"
    assert target.check_headers[":path"] == "/health/deep?x=1"


@TABLE.row(GUIDE + "target-group-health-checks.html", "unused while no listener uses the group")
def unused(stage: Stage) -> None:
    group, target = stage.group(), stage.target()
    register(stage.cloud.client, group, target)
    assert health(stage.cloud.client, group)[target.address] == {
        "State": "unused",
        "Reason": "Target.NotInUse",
        "Description": "Target group is not configured to receive traffic from the load balancer",
    }
    assert target.checks == 0


@TABLE.row(API + "API_DescribeTargetHealth.html", "what is not registered is unused")
def not_registered(stage: Stage) -> None:
    made, target = stage.served()
    rows = stage.elbv2.describe_target_health(
        TargetGroupArn=made.target_group, Targets=[{"Id": "10.0.0.9", "Port": 81}]
    )["TargetHealthDescriptions"]
    assert rows[0]["Target"] == {"Id": "10.0.0.9", "Port": 81}
    assert rows[0]["TargetHealth"]["Reason"] == "Target.NotRegistered"
    assert rows[0]["TargetHealth"]["State"] == "unused"
    assert target.address not in {one["Target"]["Id"] for one in rows}


@TABLE.row(
    GUIDE + "target-group-register-targets.html", "one address may be registered on two ports"
)
def two_ports(stage: Stage) -> None:
    made, first = stage.served()
    second = stage.stack.enter_context(Target(first.address))
    register(stage.cloud.client, made.target_group, second)
    await_state(stage.cloud.client, made.target_group, "healthy")
    rows = stage.elbv2.describe_target_health(TargetGroupArn=made.target_group)
    ports = {one["Target"]["Port"] for one in rows["TargetHealthDescriptions"]}
    assert ports == {first.port, second.port}
    for _ in range(4):
        ask(made.host)
    assert first.requests
    assert second.requests


@pytest.mark.parametrize(("page", "check"), TABLE.rows)
def test_documented(started: tuple[Cloud, Network], page: str, check: Row) -> None:
    play(started, page, check)
