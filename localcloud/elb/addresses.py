"""Where a load balancer listens on this machine.

Each one has a loopback address of its own, on which its listeners bind their real ports, so that
its DNS name opens in a browser as it is. Where such an address can't be had (port 80 is taken or
not allowed, or the system has 127.0.0.1 alone), free ports of 127.0.0.1 stand for the real ones.
"""

from __future__ import annotations

import hashlib
import json
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from localcloud.shared.state_file import write_atomically

ATTEMPTS = 8
WEB_PORT = 80


@dataclass(frozen=True)
class Address:
    """A load balancer's place.

    Attributes:
        host: the address.
        ports: the port of the API → the port on this machine, where they differ.
        mapped: whether every port is stood for by another one.
    """

    host: str
    ports: dict[int, int]
    mapped: bool = False

    @property
    def dns_name(self) -> str:
        """What stands for the load balancer's DNS name."""
        return f"{self.host}:{self.ports[WEB_PORT]}" if self.mapped else self.host

    def local_port(self, port: int) -> int:
        """The port on this machine that stands for a port of the API."""
        return self.ports.get(port, port)


def refusal(host: str, port: int) -> str | None:
    """Why a port can't be bound, in words; None if it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.strerror or str(error)
    return None


def free_port(host: str) -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def candidates(instance: str, name: str) -> list[str]:
    """The addresses to try for a load balancer, the same ones every time: 127.1.0.1 and up."""
    found = []
    for attempt in range(ATTEMPTS):
        digest = hashlib.sha256(f"{instance}/{name}/{attempt}".encode()).digest()
        found.append(f"127.{digest[0] % 254 + 1}.{digest[1]}.{digest[2] % 254 + 1}")
    return found


class Addresses:
    """The addresses that were given, kept on disk.

    Args:
        file: where they are kept; read at once when it exists.
        instance: the local cloud's name.
    """

    def __init__(self, file: Path, instance: str) -> None:
        self._file = file
        self._instance = instance
        self._given: dict[str, Address] = {}
        if file.exists():
            for arn, row in json.loads(file.read_text()).items():
                ports = {int(port): local for port, local in row.pop("ports").items()}
                self._given[arn] = Address(ports=ports, **row)

    def give(self, arn: str, name: str) -> Address:
        """An address for a new load balancer."""
        taken = {address.host for address in self._given.values()}
        for host in candidates(self._instance, name):
            if host not in taken and refusal(host, WEB_PORT) is None:
                address = Address(host, {})
                break
        else:
            address = Address("127.0.0.1", {WEB_PORT: free_port("127.0.0.1")}, mapped=True)
        self._given[arn] = address
        self._save()
        return address

    def of(self, arn: str) -> Address | None:
        """The address of a load balancer, or None."""
        return self._given.get(arn)

    def reserve(self, arn: str, port: int) -> Address:
        """The address once a port of the API has one that stands for it."""
        address = self._given[arn]
        if address.mapped and port not in address.ports:
            ports = {**address.ports, port: free_port(address.host)}
            self._given[arn] = address = replace(address, ports=ports)
            self._save()
        return address

    def keep_only(self, arns: set[str]) -> None:
        """Forget the addresses of load balancers that are gone."""
        if self._given.keys() - arns:
            self._given = {arn: self._given[arn] for arn in self._given if arn in arns}
            self._save()

    def _save(self) -> None:
        rows = {arn: asdict(address) for arn, address in self._given.items()}
        write_atomically(self._file, json.dumps(rows).encode())
