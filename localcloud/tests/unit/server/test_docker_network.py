"""The Docker network of a local cloud where others make theirs at the same moment."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError

from localcloud.server import docker_network
from localcloud.server.process import LocalCloudError

NO_POOL = "could not find an available, non-overlapping IPv4 address pool among the defaults"
TAKEN = "Pool overlaps with other one on this address space"


class Networks:
    """Of an engine without address pools, on which another one is always quicker so many times."""

    def __init__(self, quicker: int) -> None:
        self.quicker, self.taken = quicker, list[str]()

    def list(self) -> Any:
        return [SimpleNamespace(attrs={"IPAM": {"Config": [{"Subnet": s}]}}) for s in self.taken]

    def create(self, _name: str, ipam: Any = None, **_: Any) -> Any:
        if ipam is None:
            raise APIError(NO_POOL)
        subnet = ipam["Config"][0]["Subnet"]
        self.taken.append(subnet)
        if len(self.taken) <= self.quicker:
            raise APIError(TAKEN)
        return SimpleNamespace(reload=lambda: None, subnet=subnet)


def made(quicker: int) -> Any:
    client: Any = SimpleNamespace(networks=Networks(quicker))
    return docker_network._create(client, "fargate-cd-x", "x")


def test_the_range_that_another_one_took_meanwhile_is_left_to_it() -> None:
    assert made(2).subnet == "10.213.2.0/24"


def test_a_range_that_is_never_free_is_told() -> None:
    with pytest.raises(LocalCloudError, match="can't make the network fargate-cd-x"):
        made(99)
