"""The subnets' ranges: large enough, apart, and where they were before."""

from __future__ import annotations

import ipaddress
from itertools import combinations

import pytest

from infra.network.network import KINDS, subnet_ranges

SMALLEST_FOR_A_LOAD_BALANCER = 27
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#subnets-load-balancer"""


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "192.168.4.0/22"])
def test_ranges_are_large_enough_and_apart(cidr: str) -> None:
    ranges = [
        ipaddress.IPv4Network(each) for kind in KINDS for each in subnet_ranges(cidr, kind, 6)
    ]
    assert all(each.prefixlen <= SMALLEST_FOR_A_LOAD_BALANCER for each in ranges)
    assert all(each.subnet_of(ipaddress.IPv4Network(cidr)) for each in ranges)
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2))


def test_another_zone_moves_no_range() -> None:
    for kind in KINDS:
        assert subnet_ranges("10.0.0.0/16", kind, 3)[:2] == subnet_ranges("10.0.0.0/16", kind, 2)
