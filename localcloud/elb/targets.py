"""The targets of every target group, with their health, kept on disk.

Targets are keyed by address and port, so that one address may serve on several ports.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from localcloud.elb.health import DRAINING, REGISTERING, Health, routable
from localcloud.elb.model import Server, State
from localcloud.shared.state_file import write_atomically

Key = tuple[str, str, int]
"""Target group ARN, address, port."""


@dataclass(frozen=True)
class Target:
    """A registered or draining target.

    Attributes:
        group: the target group's ARN.
        address: its IP address.
        port: its port.
        zone: the Availability Zone given at its registration, or empty.
        health: its health.
        drained_at: when a draining target is gone, in seconds since the epoch.
    """

    group: str
    address: str
    port: int
    zone: str
    health: Health = REGISTERING
    drained_at: float | None = None

    @property
    def key(self) -> Key:
        """What identifies it."""
        return self.group, self.address, self.port

    @property
    def server_name(self) -> str:
        """Its name as a server of HAProxy."""
        return f"{self.address}_{self.port}"


class Targets:
    """All targets; the caller sees to it that one thread at a time is in here.

    Args:
        file: where they are kept; read at once when it exists.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._targets: dict[Key, Target] = {}
        if file.exists():
            for row in json.loads(file.read_text()):
                health = Health(**row.pop("health"))
                target = Target(health=replace(health, state=State(health.state)), **row)
                self._targets[target.key] = target

    def __iter__(self) -> Iterator[Target]:
        return iter(list(self._targets.values()))

    def of(self, group: str) -> list[Target]:
        """The targets of a group, in the order of their registration."""
        return [target for target in self._targets.values() if target.group == group]

    def get(self, key: Key) -> Target | None:
        """The target, or None."""
        return self._targets.get(key)

    def register(self, target: Target) -> None:
        """Add a target, or bring a draining one back; one registered already stays as it is."""
        present = self._targets.get(target.key)
        if present is None or present.health.state is State.DRAINING:
            self._targets[target.key] = target
            self._save()

    def drain(self, key: Key, until: float) -> None:
        """Give the target no new requests, and forget it when the time has come."""
        target = self._targets[key]
        if target.health.state is not State.DRAINING:
            self._targets[key] = replace(target, health=DRAINING, drained_at=until)
            self._save()

    def set_health(self, key: Key, health: Health) -> bool:
        """Note a target's health; whether its state or reason is another than before."""
        before = self._targets[key].health
        self._targets[key] = replace(self._targets[key], health=health)
        changed = (before.state, before.reason) != (health.state, health.reason)
        if changed:
            self._save()
        return changed

    def remove(self, targets: Iterable[Target]) -> None:
        """Forget targets."""
        for target in targets:
            del self._targets[target.key]
        self._save()

    def servers(self, group: str) -> tuple[Server, ...]:
        """The group's targets as HAProxy is to see them."""
        targets = self.of(group)
        states = routable(target.health.state for target in targets)
        return tuple(
            Server(target.server_name, target.address, target.port, target.health.state in states)
            for target in targets
        )

    def _save(self) -> None:
        write_atomically(self._file, json.dumps([asdict(target) for target in self]).encode())
