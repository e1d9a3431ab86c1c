"""Named zones must be there and run Fargate."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from automation.preflight.zones import zones
from tests.unit.automation.preflight.stage import Stage

ZONES = (
    ("us-east-1a", "available", "opt-in-not-required", "availability-zone", "use1-az1"),
    ("us-east-1b", "available", "opt-in-not-required", "availability-zone", "use1-az2"),
    ("us-east-1c", "impaired", "opt-in-not-required", "availability-zone", "use1-az3"),
    ("us-east-1d", "available", "opt-in-not-required", "availability-zone", "usw1-az2"),
)


ZONE_MEMBERS = ("ZoneName", "State", "OptInStatus", "ZoneType", "ZoneId")


@pytest.mark.parametrize(
    ("second", "found"),
    [("b", []), ("c", ["zone"]), ("d", ["zone"]), ("z", ["zone"])],
)
def test_named_zones_must_be_there_and_run_fargate(
    stage: Stage, second: str, found: list[str]
) -> None:
    rows = [dict(zip(ZONE_MEMBERS, values, strict=True)) for values in ZONES]
    ec2 = SimpleNamespace(describe_availability_zones=lambda: {"AvailabilityZones": rows})
    stage.cloud = SimpleNamespace(client=lambda _service: ec2)
    stage.settings = {"zones": ["us-east-1a", f"us-east-1{second}"]}
    assert [each.name for each in zones(stage.planned())] == found
