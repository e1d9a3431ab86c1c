"""The Docker network that tasks are attached to: one for each state folder."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import psutil
from docker.errors import APIError, DockerException, NotFound

from localcloud.server.process import LocalCloudError

LABEL = "fargate-cd.instance"
DEFAULT_MTU = 1500
FORBIDDEN = 403
# For engines whose own address pools are exhausted.
SPARE_RANGE = ipaddress.ip_network("10.213.0.0/16")
ATTEMPTS = 10


@dataclass(frozen=True)
class DockerNetwork:
    """A network and this machine's address on it."""

    name: str
    gateway: str


def connect() -> docker.DockerClient:
    """A client of the Docker engine.

    Raises:
        LocalCloudError: no engine answers.
    """
    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except (DockerException, OSError) as error:
        raise LocalCloudError(
            "The Docker engine does not answer; start it with `service docker start`, "
            f"or run `python automation/run.py doctor --fix` ({error})."
        ) from error
    return client


def ensure_network(client: docker.DockerClient, instance: str) -> DockerNetwork:
    """The network of this local cloud, made when it is missing.

    Raises:
        LocalCloudError: Docker can't make it, or runs on another machine.
    """
    name = f"fargate-cd-{instance}"
    try:
        network = client.networks.get(name)
    except NotFound:
        network = _create(client, name, instance)
    gateway = _gateway(network.attrs)
    if gateway is None:
        raise LocalCloudError(
            f"The Docker network {name} has no gateway; remove it with `docker network rm {name}`."
        )
    _check_local(gateway)
    return DockerNetwork(name, gateway)


def remove_network(client: docker.DockerClient, instance: str) -> None:
    """Removes the network; nothing happens where it is gone."""
    try:
        client.networks.get(f"fargate-cd-{instance}").remove()
    except NotFound:
        return


def remove_unused_network(client: docker.DockerClient, instance: str) -> bool:
    """Removes the network unless a task is on it: an engine has room for about thirty.

    Returns:
        Whether it is gone.
    """
    try:
        network = client.networks.get(f"fargate-cd-{instance}")
        if network.attrs["Containers"]:
            return False
        network.remove()
    except NotFound:
        return True
    except APIError as error:
        if error.status_code == FORBIDDEN:  # a task came in between
            return False
        raise
    return True


def _create(client: docker.DockerClient, name: str, instance: str) -> Any:
    settings: dict[str, Any] = {
        "driver": "bridge",
        "labels": {LABEL: instance},
        "options": {
            "com.docker.network.driver.mtu": str(_outward_mtu()),
            "com.docker.network.bridge.name": f"fcd-{instance}",
        },
    }
    try:
        network = client.networks.create(name, **settings)
    except APIError as error:
        if "address pool" not in str(error):
            raise LocalCloudError(
                f"Docker can't make the network {name}: {error.explanation}"
            ) from error
        network = _create_in_spare_range(client, name, settings)
    network.reload()
    return network


def _create_in_spare_range(client: docker.DockerClient, name: str, settings: Any) -> Any:
    """Another local cloud may take the same range at the same moment; then it is the next one's."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return client.networks.create(name, ipam=_spare_subnet(client), **settings)
        except APIError as error:
            if attempt == ATTEMPTS or "overlap" not in str(error).lower():
                raise LocalCloudError(
                    f"Docker can't make the network {name}: {error.explanation}"
                ) from error
    raise AssertionError("unreachable")


def _spare_subnet(client: docker.DockerClient) -> Any:
    used = [
        ipaddress.ip_network(config["Subnet"])
        for network in client.networks.list()
        for config in (network.attrs["IPAM"].get("Config") or [])
        if ":" not in config["Subnet"]
    ]
    for subnet in SPARE_RANGE.subnets(new_prefix=24):
        if not any(subnet.overlaps(other) for other in used):
            pool = docker.types.IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
            return docker.types.IPAMConfig(pool_configs=[pool])
    raise LocalCloudError(
        "No address range is free for a Docker network; run `docker network prune`."
    )


def _gateway(attributes: dict[str, Any]) -> str | None:
    for config in attributes["IPAM"].get("Config") or []:
        if ":" not in config["Subnet"]:
            gateway = config.get("Gateway")
            return str(gateway or ipaddress.ip_network(config["Subnet"])[1])
    return None


def _check_local(gateway: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((gateway, 0))
        except OSError as error:
            raise LocalCloudError(
                f"The Docker network's address {gateway} is not this machine's: the local cloud "
                "needs a Docker engine on the same machine."
            ) from error


def _outward_mtu() -> int:
    """The packet size of the interface that the default route takes; a larger one loses packets."""
    routes = Path("/proc/net/route")
    if routes.exists():
        for line in routes.read_text().splitlines()[1:]:
            interface, destination = line.split()[:2]
            found = psutil.net_if_stats().get(interface)
            if destination == "00000000" and found is not None and found.mtu > 0:
                return int(found.mtu)
    return DEFAULT_MTU
