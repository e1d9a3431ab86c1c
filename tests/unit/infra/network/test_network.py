"""The subnets' ranges: large enough, apart, and where they were before."""

from __future__ import annotations

import ipaddress
from itertools import combinations

import pytest

from infra.network.network import KINDS, subnet_ranges
from infra.settings.model import SettingsError
from tests.unit.infra.looks import default
from tests.unit.infra.recorder import record

GET_ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"

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


def test_zones_are_picked_among_those_that_run_fargate() -> None:
    asked = next(each for token, each in default().invokes if "AvailabilityZones" in token)
    assert asked["filters"] == [
        {"name": "opt-in-status", "values": ["opt-in-not-required"]},
        {"name": "zone-type", "values": ["availability-zone"]},
    ]
    assert asked["state"] == "available"
    assert "apne1-az3" in asked["excludeZoneIds"]


def test_a_region_with_too_few_zones_is_refused() -> None:
    answers = {GET_ZONES: lambda _asked: {"names": ["a", "b"]}}
    with pytest.raises(SettingsError, match=r"availability_zones = 3: the region has 2"):
        record({"availability_zones": "3"}, answers=answers)


@pytest.mark.parametrize(
    ("egress", "kind"), [("public", "public"), ("nat", "private"), ("endpoints", "isolated")]
)
def test_an_internal_load_balancer_is_in_the_subnets_of_the_tasks(egress: str, kind: str) -> None:
    inside = record({"internal": "true", "egress": egress})
    balancer = inside.one("LoadBalancer", "load-balancer-balancer").inputs
    assert balancer["subnets"] == [f"subnet-{kind}-0", f"subnet-{kind}-1"]
    # The scheme can't be changed in place: old and new exist side by side.
    outside = record({"egress": egress})
    for token, name in (("LoadBalancer", "load-balancer-balancer"), ("TargetGroup", None)):
        before, after = (
            each.one(token, name) if name else each.one(token) for each in (outside, inside)
        )
        assert before.inputs["name"] != after.inputs["name"]
