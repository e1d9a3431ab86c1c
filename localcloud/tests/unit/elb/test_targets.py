from __future__ import annotations

from pathlib import Path

from localcloud.elb.health import Health
from localcloud.elb.model import State
from localcloud.elb.targets import Target, Targets

GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"
ONE = Target(GROUP, "10.0.0.1", 80, "us-east-1a")
OTHER_PORT = Target(GROUP, "10.0.0.1", 81, "")


def test_targets_survive_with_their_health(tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    targets = Targets(file)
    targets.register(ONE)
    targets.register(OTHER_PORT)
    targets.set_health(ONE.key, Health(State.HEALTHY, passed=1))
    targets.drain(OTHER_PORT.key, until=123.5)
    again = Targets(file)
    assert list(again) == list(targets)
    assert [target.health.state for target in again] == [State.HEALTHY, State.DRAINING]
    assert again.of(GROUP)[1].drained_at == 123.5


def test_registering_twice_changes_nothing(tmp_path: Path) -> None:
    targets = Targets(tmp_path / "targets.json")
    targets.register(ONE)
    targets.set_health(ONE.key, Health(State.HEALTHY))
    targets.register(ONE)
    assert targets.of(GROUP)[0].health.state is State.HEALTHY


def test_registering_a_draining_target_begins_anew(tmp_path: Path) -> None:
    targets = Targets(tmp_path / "targets.json")
    targets.register(ONE)
    targets.drain(ONE.key, until=5)
    targets.register(ONE)
    assert targets.of(GROUP) == [ONE]


def test_draining_twice_keeps_the_first_end(tmp_path: Path) -> None:
    targets = Targets(tmp_path / "targets.json")
    targets.register(ONE)
    targets.drain(ONE.key, until=5)
    targets.drain(ONE.key, until=50)
    assert targets.of(GROUP)[0].drained_at == 5


def test_only_a_change_of_state_or_reason_is_one(tmp_path: Path) -> None:
    targets = Targets(tmp_path / "targets.json")
    targets.register(ONE)
    assert targets.set_health(ONE.key, Health(State.HEALTHY, passed=1))
    assert not targets.set_health(ONE.key, Health(State.HEALTHY, passed=2))
    assert targets.set_health(ONE.key, Health(State.UNHEALTHY, "Target.Timeout"))
    assert targets.set_health(ONE.key, Health(State.UNHEALTHY, "Target.FailedHealthChecks"))


def test_servers_fail_open(tmp_path: Path) -> None:
    targets = Targets(tmp_path / "targets.json")
    for target in (ONE, OTHER_PORT):
        targets.register(target)
        targets.set_health(target.key, Health(State.UNHEALTHY))
    assert [server.routable for server in targets.servers(GROUP)] == [True, True]
    targets.set_health(ONE.key, Health(State.HEALTHY))
    assert [server.routable for server in targets.servers(GROUP)] == [True, False]
