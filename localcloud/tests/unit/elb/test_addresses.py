from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from localcloud.elb import addresses
from localcloud.elb.addresses import Addresses, candidates, refusal
from localcloud.server.cloud import Ports


def test_candidates_are_the_same_every_time_and_differ_by_local_cloud() -> None:
    assert candidates("a", "web") == candidates("a", "web")
    assert candidates("a", "web") != candidates("b", "web")
    for host in candidates("a", "web"):
        assert ipaddress.ip_address(host) in ipaddress.ip_network("127.0.0.0/8")
        assert not host.startswith("127.0.")


def test_refusal_says_why(tmp_path: Path) -> None:
    with Ports(tmp_path).bind("api") as taken:
        port = taken.getsockname()[1]
        assert refusal("127.0.0.1", port) == "Address already in use"
    assert refusal("127.0.0.1", port) is None


def test_addresses_survive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "refusal", lambda *_: None)
    file = tmp_path / "addresses.json"
    place = Addresses(file, "a").give("arn", "web")
    assert place.dns_name == place.host == candidates("a", "web")[0]
    assert Addresses(file, "a").of("arn") == place


def test_a_taken_address_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = candidates("a", "web")[:3]
    monkeypatch.setattr(addresses, "refusal", lambda *place: {(first, 80): "in use"}.get(place))
    given = Addresses(tmp_path / "addresses.json", "a")
    assert given.give("one", "web").host == second
    assert given.give("two", "web").host == third
    given.keep_only({"two"})
    assert given.of("one") is None
    assert given.give("three", "web").host == second


def test_without_port_80_free_ports_stand_for_the_real_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "refusal", lambda *_: "Permission denied")
    given = Addresses(tmp_path / "addresses.json", "a")
    place = given.give("arn", "web")
    assert place.dns_name == f"127.0.0.1:{place.local_port(80)}"
    assert place.local_port(80) != 80
    with_tls = given.reserve("arn", 443)
    assert with_tls.local_port(80) == place.local_port(80)
    assert with_tls.local_port(443) not in (443, place.local_port(80))
    assert Addresses(tmp_path / "addresses.json", "a").of("arn") == with_tls
