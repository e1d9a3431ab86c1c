"""Checks that the zones in the settings exist and offer Fargate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from automation.diagnosis.diagnosis import Diagnosis
from automation.preflight.plan import Plan
from infra.network.network import USABLE_ZONES, WITHOUT_FARGATE


def zones(planned: Plan) -> Iterator[Diagnosis]:
    """Zones of the setting `zones` that can't be used."""
    wanted = planned.settings.zones
    if not wanted:
        return
    rows = planned.cloud.client("ec2").describe_availability_zones()["AvailabilityZones"]
    usable = sorted(row["ZoneName"] for row in rows if _usable(row))
    for name in wanted:
        if name not in usable:
            yield Diagnosis(
                f"The availability zone {name} can't be used: it is no zone of this region, or "
                "has no Fargate.",
                [f"usable: {', '.join(usable)}"],
                f"fargate-cd:zones: some of {', '.join(usable)}",
                name="zone",
            )


def _usable(zone: dict[str, Any]) -> bool:
    told = {"opt-in-status": zone.get("OptInStatus"), "zone-type": zone.get("ZoneType")}
    fit = zone.get("State") == "available" and zone["ZoneId"] not in WITHOUT_FARGATE
    return fit and told == USABLE_ZONES
