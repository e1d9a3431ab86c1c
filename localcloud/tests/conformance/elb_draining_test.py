"""Deregistration and draining: one row a behaviour that AWS documents."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator

import pytest

from localcloud.tests.conformance.elb_stage import GUIDE, Row, Stage, Table, ask, play, running
from localcloud.tests.elb_harness import (
    Cloud,
    Network,
    Site,
    await_state,
    await_true,
    deregister,
    health,
    register,
)

TABLE = Table()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Network]]:
    with running(tmp_path_factory.mktemp("elb")) as cloud_and_network:
        yield cloud_and_network


def delay(stage: Stage, made: Site, seconds: int) -> None:
    stage.elbv2.modify_target_group_attributes(
        TargetGroupArn=made.target_group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}],
    )


@TABLE.row(GUIDE + "edit-target-group-attributes.html", "a draining target finishes its requests")
def draining(stage: Stage) -> None:
    made, leaving = stage.served()
    delay(stage, made, 6)
    leaving.delay = 1.5
    slow = http.client.HTTPConnection(made.host, timeout=60)
    slow.request("GET", "/slow")
    await_true(lambda: bool(leaving.requests))
    staying = stage.target()
    register(stage.cloud.client, made.target_group, staying)
    await_state(stage.cloud.client, made.target_group, "healthy")
    deregister(stage.cloud.client, made.target_group, leaving)
    assert health(stage.cloud.client, made.target_group)[leaving.address] == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    assert {ask(made.host).body for _ in range(4)} == {staying.address}
    answer = slow.getresponse()
    assert (answer.status, answer.read().decode()) == (200, leaving.address)
    slow.request("GET", "/again")  # the client's connection outlives the target
    assert slow.getresponse().read().decode() == staying.address
    slow.close()
    await_true(lambda: leaving.address not in health(stage.cloud.client, made.target_group))


@TABLE.row(GUIDE + "edit-target-group-attributes.html", "what outlasts the delay is cut")
def cut(stage: Stage) -> None:
    made, leaving = stage.served()
    delay(stage, made, 1)
    leaving.delay = 30
    slow = http.client.HTTPConnection(made.host, timeout=60)
    slow.request("GET", "/slow")
    await_true(lambda: bool(leaving.requests))
    began = time.monotonic()
    deregister(stage.cloud.client, made.target_group, leaving)
    try:
        status = slow.getresponse().status
    except http.client.RemoteDisconnected:
        status = 500
    assert status >= 500
    assert 0.8 < time.monotonic() - began < 25
    slow.close()


@TABLE.row(
    GUIDE + "target-group-register-targets.html", "a draining target can be registered again"
)
def back_again(stage: Stage) -> None:
    made, target = stage.served()
    deregister(stage.cloud.client, made.target_group, target)
    assert ask(made.host).status == 503
    register(stage.cloud.client, made.target_group, target)
    await_state(stage.cloud.client, made.target_group, "healthy")
    assert ask(made.host).body == target.address


@pytest.mark.parametrize(("page", "check"), TABLE.rows)
def test_documented(started: tuple[Cloud, Network], page: str, check: Row) -> None:
    play(started, page, check)
