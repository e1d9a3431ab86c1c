"""Which target groups there are, and which of them the running revision's tasks are in.

A target group has one health path with the codes that are healthy, so a release with another check
needs a group of its own, which ECS checks beside the running one and then gives the traffic. The
group that serves keeps its check until then: whatever the new release does, the running one stays
healthy. The next update finds the traffic moved and ends the change. The same holds for another
strategy: what serves, serves on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.names import TRAFFIC
from infra.own_outputs import UNFINISHED, left, own_outputs
from infra.settings.model import Settings

FIRST, SECOND = "targets", "alternate"
OTHER = {FIRST: SECOND, SECOND: FIRST}


@dataclass(frozen=True)
class Check:
    """What a target group asks its tasks.

    Attributes:
        path: the health path.
        codes: the answers that are healthy.
    """

    path: str
    codes: str

    @classmethod
    def of(cls, settings: Settings) -> Check:
        """The check that the settings ask for."""
        return cls(settings.health_check_path, settings.health_check_codes)


@dataclass(frozen=True)
class Serving:
    """The target groups as the last update left them.

    Attributes:
        group: the target group that has the traffic.
        first: the service's own group; with shifts the other one is its alternate.
        check: the serving group's health check; None before the first update.
    """

    group: str = FIRST
    first: str = FIRST
    check: Check | None = None


@dataclass(frozen=True)
class TrafficPlan:
    """The target groups of an update.

    Attributes:
        serving: the group that has the traffic before the update.
        checks: group → health check, the service's own group first.
        shifts: whether the release is started in the other group and gets the traffic there.
        unfinished: whether another update must follow, once the release has the traffic.
    """

    serving: str
    checks: Mapping[str, Check]
    shifts: bool
    unfinished: bool


def plan(settings: Settings, serving: Serving) -> TrafficPlan:
    """Return the target groups that an update needs, after any earlier update."""
    check = Check.of(settings)
    moved = serving.check not in (None, check)
    if not (settings.has_shift or moved):
        return TrafficPlan(serving.group, {serving.group: check}, shifts=False, unfinished=False)
    checks = {serving.group: serving.check or check, OTHER[serving.group]: check}
    ordered = {group: checks[group] for group in (serving.first, OTHER[serving.first])}
    return TrafficPlan(serving.group, ordered, shifts=True, unfinished=moved)


def plan_of(context: Context) -> TrafficPlan:
    """The plan for the stack that Pulumi is running, by its outputs and its listener's rule."""
    note = own_outputs().get(TRAFFIC)
    serving = _serving(context, note) if isinstance(note, dict) else Serving()
    found = plan(context.settings, serving)
    if found.unfinished:
        settings = context.settings
        pulumi.log.warn(
            f"The release moves to health_check_path = {settings.health_check_path!r} with "
            f"health_check_codes = {settings.health_check_codes!r}. "
            "Another update ends the change; `run.py up` makes it by itself."
        )
    return found


def _serving(context: Context, note: Mapping[str, Any]) -> Serving:
    group = note["first"]
    if note["rule_arn"]:
        group = _heaviest(context, note["rule_arn"]) or group
    if group not in note["paths"]:
        return Serving(group, note["first"])
    # An update before there were codes in the note left the settings' own.
    codes = note.get("codes", {}).get(group, context.settings.health_check_codes)
    return Serving(group, note["first"], Check(note["paths"][group], codes))


def _heaviest(context: Context, rule_arn: str) -> str | None:
    """The group to which the rule sends all or most requests."""
    rule = aws.lb.get_listener_rule(arn=rule_arn)
    weights = {
        group.arn: group.weight
        for action in rule.actions or []
        for forward in action.forwards or []
        for group in forward.target_groups or []
    }
    arn = max(weights, key=lambda each: weights[each])
    names = {group: physical_name(context, group) for group in OTHER}
    return next((group for group, name in names.items() if f"/{name}/" in arn), None)


def physical_name(context: Context, group: str) -> str:
    """The physical name of an environment's target group."""
    settings = context.settings
    version = "" if settings.protocol_version == "HTTP1" else f" {settings.protocol_version}"
    network = f"{settings.network_identity}{version}"
    if group == FIRST:
        return context.names.target_group(network)
    return context.names.alternate_target_group(network)


def export(
    found: TrafficPlan, rule_arn: pulumi.Input[str] | None, released: pulumi.Output[str]
) -> None:
    """Export for the next update which target group serves.

    Args:
        found: what this update did.
        rule_arn: the rule with the weights; None where there is none.
        released: known when the service runs the release; a failed update keeps the last note.
    """
    note = {
        "first": next(iter(found.checks)),
        "paths": {group: check.path for group, check in found.checks.items()},
        "codes": {group: check.codes for group, check in found.checks.items()},
        "rule_arn": rule_arn or "",
        UNFINISHED: found.unfinished,
    }
    pulumi.export(TRAFFIC, left(note, released))
