"""Names below `localhost`: which lead where, in what order, and who has the port."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.elb.configuration import configuration, description
from localcloud.elb.localhost_listeners import GLOBAL_REGION, HOST, Doors, local_names, wanted_doors
from localcloud.elb.model import Door, FixedResponse, LoadBalancer
from localcloud.emulator.emulator import backends
from localcloud.server.cloud import Ports
from localcloud.tests.unit.elb.planes import default, listener, plane
from localcloud.tests.unit.elb.test_configuration import accepted

ACCOUNT = "123456789012"
BALANCER = "127.1.2.3"
HELLO = default(FixedResponse(200, "text/plain", "hello"))


@pytest.fixture
def records() -> Iterator[list[tuple[str, str, str | None]]]:
    """Name, type and alias of each record; what is added is there."""
    backends("route53").reset()
    rows: list[tuple[str, str, str | None]] = []
    yield rows
    backends("route53").reset()


def publish(rows: list[tuple[str, str, str | None]]) -> None:
    route53 = backends("route53")[ACCOUNT][GLOBAL_REGION]
    zone = route53.create_hosted_zone("app.localhost.", False)
    for name, kind, alias in rows:
        record = {"Name": name, "Type": kind, "ResourceRecords": [], "TTL": 60}
        if alias:
            record["AliasTarget"] = {"DNSName": alias, "HostedZoneId": "Z1"}
        zone.add_rrset(record)


def balancer() -> LoadBalancer:
    (found,) = plane(listeners=(listener(HELLO),)).load_balancers
    return found


def test_only_aliases_below_localhost_count(records: list[tuple[str, str, str | None]]) -> None:
    records += [
        ("App.localhost.", "A", f"{BALANCER}."),
        ("\\052.preview.app.localhost.", "A", BALANCER),
        ("proof.app.localhost.", "CNAME", None),
        ("app.example.com.", "A", BALANCER),
        ("plain.app.localhost.", "A", None),
    ]
    publish(records)
    assert local_names(ACCOUNT) == {
        "app.localhost": BALANCER,
        "*.preview.app.localhost": BALANCER,
    }


def test_the_name_itself_comes_before_a_wildcard() -> None:
    names = {"*.a.localhost": BALANCER, "*.b.a.localhost": BALANCER, "x.localhost": BALANCER}
    names["elsewhere.localhost"] = "127.9.9.9"
    (door,) = wanted_doors(names, [(BALANCER, balancer())])
    place = f"{BALANCER}:80"
    expected = [("x.localhost", place), ("*.b.a.localhost", place), ("*.a.localhost", place)]
    assert door == Door(80, False, tuple(expected))
    assert wanted_doors({}, [(BALANCER, balancer())]) == ()


DOORS = tuple(
    Door(port, secure, (("a.localhost", "127.1.2.3:81"), ('*."; x\n.localhost', "127.1.2.3:82")))
    for port, secure in ((8080, False), (8443, True))
)


def test_haproxy_takes_them_whatever_the_name(tmp_path: Path) -> None:
    described = replace(plane(listeners=(listener(HELLO),)), doors=DOORS)
    text = accepted(described, tmp_path)
    assert text.count(f"bind {HOST}:") == 2
    assert description(described, "test") != description(replace(described, doors=()), "test")


def test_a_port_that_somebody_has_is_left_to_them(tmp_path: Path) -> None:
    with Ports(tmp_path).bind("api") as other:
        door = Door(other.getsockname()[1], False, ())
        doors = Doors()
        assert doors.open([door]) == ()
        assert not doors.freed()
    assert doors.freed()
    assert doors.open([door]) == (door,)
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind((HOST, door.port))
        own.listen(1)
        assert doors.open([door]) == (door,), "it is our own HAProxy that listens there"
        assert doors.open([]) == ()
        assert doors.open([door]) == ()


def test_those_of_a_running_haproxy_are_ours(tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    described = plane(listeners=(listener(HELLO, address=HOST),))
    file.write_text(configuration(replace(described, doors=DOORS), "test", tmp_path))
    with socket.socket() as running:
        running.bind((HOST, 0))
        running.listen(1)
        port = running.getsockname()[1]
        file.write_text(file.read_text().replace(":8080", f":{port}"))
        doors = Doors()
        doors.adopt(file)
        assert doors.open([Door(port, False, ())]) == (Door(port, False, ()),)
