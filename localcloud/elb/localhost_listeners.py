"""Names below `localhost`: they lead to this machine, and here they are let in.

Browsers and curl ask 127.0.0.1 for any name below `localhost`, without a name service
(https://www.rfc-editor.org/rfc/rfc6761#section-6.3). Where Route 53 has such a name for a load
balancer, HAProxy listens on 127.0.0.1 too, and passes the bytes on to the load balancer by the
name that the client asks for. So an environment with `domain: app.localhost` opens as it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from localcloud.elb.addresses import refusal
from localcloud.elb.model import Door, LoadBalancer
from localcloud.elb.rules import quoted
from localcloud.emulator.emulator import backends

log = logging.getLogger("localcloud.elb")

HOST = "127.0.0.1"
DOMAIN = ".localhost"
GLOBAL_REGION = "aws"
"""Under which the emulator keeps what belongs to no region."""


def local_names(account: str) -> dict[str, str]:
    """Name below `localhost` → DNS name of the load balancer that its alias record names."""
    return {
        _plain(record.name): _plain(record.alias_target["DNSName"])
        for zone in list(backends("route53")[account][GLOBAL_REGION].zones.values())
        for record in list(zone.rrsets)
        if record.type == "A" and record.alias_target and _plain(record.name).endswith(DOMAIN)
    }


def _plain(name: str) -> str:
    """A name as Route 53 has it: its `*` is an octal code, its end a dot."""
    return name.lower().rstrip(".").replace("\\052", "*")


def wanted_doors(
    names: Mapping[str, str], balancers: Iterable[tuple[str, LoadBalancer]]
) -> tuple[Door, ...]:
    """A door for each port on which a load balancer with such a name listens.

    Args:
        names: name → DNS name of a load balancer.
        balancers: each with its DNS name.
    """
    ways: dict[tuple[int, bool], list[tuple[str, str]]] = {}
    for dns_name, balancer in balancers:
        mine = [name for name, target in names.items() if target == dns_name]
        for listener in balancer.listeners if mine else ():
            place = f"{listener.address}:{listener.local_port}"
            found = ways.setdefault((listener.port, listener.tls is not None), [])
            found += [(name, place) for name in mine]
    return tuple(
        # The name itself comes before one with a wildcard, a longer one before a shorter one.
        Door(port, secure, tuple(sorted(found, key=lambda way: (way[0][0] == "*", -len(way[0])))))
        for (port, secure), found in sorted(ways.items())
    )


def door_lines(door: Door) -> list[str]:
    """HAProxy's lines: a connection is passed on by the name that the client asks for, as bytes.

    What it speaks is the load balancer's affair, and so is its patience, which ends within 4,000 s.
    """
    name = f"door.{door.port}"
    asked = "req.ssl_sni" if door.secure else "req.hdr(host),host_only"
    complete = "{ req.ssl_hello_type 1 }" if door.secure else "HTTP"
    lines = [
        f"frontend {name}",
        "  mode tcp",
        f"  bind {HOST}:{door.port}",
        "  no option http-ignore-probes",
        "  no option idle-close-on-response",
        "  timeout client 4001s",
        "  tcp-request inspect-delay 10s",
        f"  tcp-request content accept if {complete}",
    ]
    backends = []
    for number, (host, place) in enumerate(door.ways):
        match, text = ("end", host[1:]) if host.startswith("*") else ("str", host)
        lines.append(
            f"  use_backend {name}.{number} if {{ {asked} -i -m {match} -- {quoted(text)} }}"
        )
        backends += [
            f"backend {name}.{number}",
            "  mode tcp",
            "  timeout server 4001s",
            f"  server listener {place}",
        ]
    return lines + backends


class Doors:
    """Which doors are this local cloud's: a port of 127.0.0.1 goes to whoever comes first."""

    def __init__(self) -> None:
        self._held: frozenset[int] = frozenset()
        self._refused: dict[int, str] = {}

    def adopt(self, configuration: Path) -> None:
        """Take over the doors of an HAProxy that still runs with this configuration."""
        text = configuration.read_text()
        ports = re.findall(rf"^frontend door\..*\n.*\n +bind {HOST}:(\d+)$", text, re.MULTILINE)
        self._held = frozenset(map(int, ports))

    def open(self, wanted: Iterable[Door]) -> tuple[Door, ...]:
        """Those of the doors that can be had."""
        had: dict[int, Door] = {}
        refused: dict[int, str] = {}
        for door in wanted:
            reason = None if door.port in self._held else refusal(HOST, door.port)
            if reason:
                refused[door.port] = reason
            else:
                had.setdefault(door.port, door)
        for port in refused.keys() - self._refused.keys():
            log.warning("names below localhost do not open on port %d: %s", port, refused[port])
        self._held, self._refused = frozenset(had), refused
        return tuple(had.values())

    def freed(self) -> bool:
        """Whether a port that could not be had can be had now."""
        return any(refusal(HOST, port) is None for port in self._refused)
