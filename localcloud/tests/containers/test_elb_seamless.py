"""Changes of rules and targets, restarts and takeovers, under a keep-alive load."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rollout_load import Load
from localcloud.elb import addresses
from localcloud.tests.elb_harness import (
    Target,
    await_state,
    await_true,
    cloud,
    deregister,
    forget_everything,
    health,
    register,
    site,
)


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    forget_everything()
    yield
    forget_everything()


def add_rule(client: Any, listener: str, priority: int) -> str:
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    return str(
        client("elbv2").create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{priority}"]}],
            Actions=[action],
        )["Rules"][0]["RuleArn"]
    )


def test_rule_changes_lose_no_request_and_break_no_connection(tmp_path: Path) -> None:
    with cloud(tmp_path) as running, Target("127.8.200.1") as one, Target("127.8.200.2") as two:
        made = site(running.client, "seamless")
        register(running.client, made.target_group, one, two)
        await_state(running.client, made.target_group, "healthy")
        idle = http.client.HTTPConnection(made.host, timeout=60)
        idle.request("GET", "/")
        idle.getresponse().read()
        with Load(made.host, clients=12) as outcome:
            for priority in range(1, 11):
                rule = add_rule(running.client, made.listener, priority)
                if priority % 2:
                    running.client("elbv2").delete_rule(RuleArn=rule)
            await_true(lambda: outcome.answered[200] > 200)
        assert outcome.failures == 0, outcome
        idle.request("GET", "/")  # opened fifteen reloads ago
        answer = idle.getresponse()
        assert answer.status == 200
        assert answer.read()
        idle.close()


def test_rolling_targets_lose_no_request(tmp_path: Path) -> None:
    """Ten generations of two targets, each stopped as soon as it is drained."""
    with cloud(tmp_path) as running, ExitStack() as stack:
        made = site(running.client, "rolling")
        running.client("elbv2").modify_target_group_attributes(
            TargetGroupArn=made.target_group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "2"}],
        )
        old = [stack.enter_context(Target(f"127.8.201.{i}", delay=0.02)) for i in (1, 2)]
        register(running.client, made.target_group, *old)
        await_state(running.client, made.target_group, "healthy")
        with Load(made.host, clients=12) as outcome:
            for generation in range(2, 12):
                hosts = [f"127.8.{200 + generation}.{i}" for i in (1, 2)]
                new = [stack.enter_context(Target(host, delay=0.02)) for host in hosts]
                register(running.client, made.target_group, *new)
                await_healthy(running.client, made.target_group, new)
                deregister(running.client, made.target_group, *old)
                await_gone(running.client, made.target_group, old)
                for target in old:
                    target.close()
                old = new
        assert outcome.failures == 0, outcome
        assert len(outcome.bodies) == 22
        assert outcome.connections == 12  # every client kept its connection throughout


def test_a_reload_during_a_rollout_leaves_no_worker_with_old_targets(tmp_path: Path) -> None:
    """A connection held by the worker before a reload reaches the targets of after it."""
    with cloud(tmp_path) as running, Target("127.8.220.1") as old, Target("127.8.220.2") as new:
        made = site(running.client, "oldworker")
        register(running.client, made.target_group, old)
        await_state(running.client, made.target_group, "healthy")
        held = http.client.HTTPConnection(made.host, timeout=60)
        held.request("GET", "/")
        assert held.getresponse().read().decode() == old.address
        add_rule(running.client, made.listener, 1)
        register(running.client, made.target_group, new)
        await_state(running.client, made.target_group, "healthy")
        deregister(running.client, made.target_group, old)
        old.close()
        held.request("GET", "/")
        assert held.getresponse().read().decode() == new.address
        held.close()


def test_a_restart_takes_haproxy_over_with_addresses_and_targets(tmp_path: Path) -> None:
    with Target("127.8.221.1") as target:
        with cloud(tmp_path, keep_serving=True) as first:
            made = site(first.client, "lasting")
            register(first.client, made.target_group, target)
            await_state(first.client, made.target_group, "healthy")
            workers = first.elb.data_plane.haproxy.workers()
        with Load(made.host, clients=6) as outcome:
            await_true(lambda: outcome.answered[200] > 0)
            with cloud(tmp_path) as second:
                balancers = second.client("elbv2").describe_load_balancers()["LoadBalancers"]
                assert [one["DNSName"] for one in balancers] == [made.host]
                assert health(second.client, made.target_group) == {
                    target.address: {"State": "healthy"}
                }
                assert second.elb.data_plane.haproxy.workers() == workers  # not even reloaded
                add_rule(second.client, made.listener, 1)
                await_true(lambda: outcome.answered[200] > 50)
                assert outcome.failures == 0, outcome


def test_haproxy_that_dies_is_started_again(tmp_path: Path) -> None:
    with cloud(tmp_path) as running, Target("127.8.222.1") as target:
        made = site(running.client, "revived")
        register(running.client, made.target_group, target)
        await_state(running.client, made.target_group, "healthy")
        for one in running.elb.data_plane.haproxy._processes():
            one.kill()
        deadline = time.monotonic() + 120
        while True:
            try:
                connection = http.client.HTTPConnection(made.host, timeout=2)
                connection.request("GET", "/")
                assert connection.getresponse().status == 200
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)


def test_an_haproxy_that_can_not_be_asked_is_replaced(tmp_path: Path) -> None:
    with cloud(tmp_path, keep_serving=True) as first:
        made = site(first.client, "deaf")
        before = {one.pid for one in first.elb.data_plane.haproxy._processes()}
        first.elb.data_plane.haproxy._socket.unlink()
    with cloud(tmp_path) as second:
        after = {one.pid for one in second.elb.data_plane.haproxy._processes()}
        assert after
        assert not before & after
        connection = http.client.HTTPConnection(made.host, timeout=60)
        connection.request("GET", "/")
        assert connection.getresponse().status == 503
    assert second.elb.data_plane.haproxy._processes() == []


def test_nothing_is_left_when_the_state_folder_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    with cloud(folder) as running:
        site(running.client, "homeless")
        assert running.elb.data_plane.haproxy._processes()
        shutil.rmtree(folder)
    assert running.elb.data_plane.haproxy._processes() == []


def test_sockets_go_with_their_listeners() -> None:
    """In a folder of a short name: where it is long, sockets are elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        _check_sockets(Path(folder))


def _check_sockets(tmp_path: Path) -> None:
    with cloud(tmp_path) as running:
        made = site(running.client, "tidy")
        elbv2 = running.client("elbv2")
        assert len(list(tmp_path.glob("*.sock"))) == 2  # the master's and the listener's
        more = elbv2.create_listener(
            LoadBalancerArn=made.load_balancer,
            Protocol="HTTP",
            Port=8080,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": made.target_group}],
        )["Listeners"][0]["ListenerArn"]
        assert len(list(tmp_path.glob("*.sock"))) == 3
        elbv2.delete_listener(ListenerArn=more)
        assert len(list(tmp_path.glob("*.sock"))) == 2
    assert list(tmp_path.glob("*.sock")) == []


def test_free_ports_serve_where_port_80_can_not_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "refusal", lambda *_: "Permission denied")
    with cloud(tmp_path) as running, Target("127.8.223.1") as target:
        made = site(running.client, "unprivileged")
        assert made.host.startswith("127.0.0.1:")
        register(running.client, made.target_group, target)
        await_state(running.client, made.target_group, "healthy")
        connection = http.client.HTTPConnection(made.host, timeout=60)
        connection.request("GET", "/")
        assert connection.getresponse().read().decode() == target.address
        assert target.last_headers()["x-forwarded-port"] == "80"
        elbv2 = running.client("elbv2")
        elbv2.create_listener(
            LoadBalancerArn=made.load_balancer,
            Protocol="HTTP",
            Port=8080,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": made.target_group}],
        )
        redirect = {"Port": "8080", "StatusCode": "HTTP_302"}
        elbv2.modify_listener(
            ListenerArn=made.listener,
            DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}],
        )
        connection = http.client.HTTPConnection(made.host, timeout=60)
        connection.request("GET", "/moved")
        location = connection.getresponse().headers["location"]
        connection.close()
        with urllib.request.urlopen(location, timeout=60) as answer:
            assert answer.read().decode() == target.address


def test_two_local_clouds_do_not_meet(tmp_path: Path) -> None:
    """Another process with another state folder and a load balancer of the same name."""
    script = f"""
import sys, pathlib
from localcloud.tests.elb_harness import *
with cloud(pathlib.Path({str(tmp_path / "other")!r}), "another") as running:
    print(site(running.client, "same").host, flush=True)
    sys.stdin.readline()
"""
    with cloud(tmp_path) as running:
        mine = site(running.client, "same").host
        other = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        assert other.stdout is not None
        theirs = other.stdout.readline().strip()
        try:
            assert theirs
            assert theirs != mine
            for host in (mine, theirs):
                connection = http.client.HTTPConnection(host, timeout=60)
                connection.request("GET", "/")
                assert connection.getresponse().status == 503
        finally:
            other.communicate("\n", timeout=60)


def await_healthy(client: Any, group: str, targets: list[Target]) -> None:
    deadline = time.monotonic() + 120
    while not all(
        health(client, group).get(target.address, {}).get("State") == "healthy"
        for target in targets
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def await_gone(client: Any, group: str, targets: list[Target]) -> None:
    deadline = time.monotonic() + 120
    while {target.address for target in targets} & health(client, group).keys():
        assert time.monotonic() < deadline
        time.sleep(0.02)
