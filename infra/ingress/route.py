"""A rule on a listener that several services share: which requests are this one's, and their order.

Rules are told apart by their priorities. Each service has two in a row: its own rule, and before it
the one whose weights ECS changes where traffic shifts. What names more comes first, so that
`/api/admin/*` of one service is found before `/api/*` of another; among equals the stack's name
decides, and what is taken is left alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.names import ROUTE_PRIORITY
from infra.own_outputs import own_outputs
from infra.settings.model import Settings

PRIORITY_TAG = "priority"
"""Tells a stack's priority, on its target groups."""

FIRST = 20_000
"""Rules of previews come before, and the rule for all traffic of a shifted release after them."""

BANDS, PER_BAND = 10, 1_000
"""How many degrees of detail are told apart, and how many priorities each has."""

HOST_DETAIL = 4
"""A rule that names hosts comes before one with up to so many more parts of a path."""


def band(settings: Settings) -> int:
    """The first priority for rules of this much detail."""
    parts = [sum(1 for part in path.split("/") if part.strip("*")) for path in settings.route_paths]
    detail = min(parts, default=0) + (HOST_DETAIL if settings.route_hosts else 0)
    return FIRST + (BANDS - 1 - min(detail, BANDS - 1)) * PER_BAND


def priority(settings: Settings, own: str, taken: Mapping[str, int]) -> int:
    """The priority of a stack's own rule; the one before it is its as well.

    Args:
        settings: with its hosts and paths.
        own: how `taken` calls the stack.
        taken: project/stack → priority.

    Raises:
        ValueError: every one of its band is taken.
    """
    if settings.route_priority:
        return settings.route_priority
    first, pairs = band(settings), PER_BAND // 2
    if first <= taken.get(own, 0) < first + PER_BAND:
        return taken[own]
    used = set(taken.values())
    start = int.from_bytes(hashlib.sha256(own.encode()).digest()[:4], "big")
    for step in range(pairs):
        found = first + 2 * ((start + step) % pairs) + 1
        if found not in used:
            return found
    raise ValueError(f"All priorities from {first} to {first + PER_BAND - 1} are taken.")


def own_priority(context: Context) -> int:
    """The priority of the stack that Pulumi is running, beside those that others have."""
    settings, own = context.settings, f"{context.names.project}/{context.names.stack}"
    taken = {} if settings.route_priority else taken_numbers(PRIORITY_TAG)
    # AWS lists tags late, so what the stack has itself is kept in its outputs.
    kept = own_outputs().get(ROUTE_PRIORITY)
    return priority(settings, own, {**taken, own: int(kept)} if kept else taken)


def taken_numbers(tag: str) -> dict[str, int]:
    """Project/stack → number, by a tag of target groups, of every stack of the region.

    Services that share a load balancer share its ports and priorities, whoever's they are.
    """
    found = aws.resourcegroupstaggingapi.get_resources(
        resource_type_filters=["elasticloadbalancing:targetgroup"],
        tag_filters=[aws.resourcegroupstaggingapi.GetResourcesTagFilterArgs(key=tag)],
    )
    return numbers((mapping.tags for mapping in found.resource_tag_mapping_lists), tag)


def numbers(rows: Iterable[Mapping[str, str]], tag: str) -> dict[str, int]:
    """Return project/stack → number, of rows of tags, those without the tag left out."""
    return {
        f"{each['project']}/{each['stack']}": int(each[tag])
        for each in rows
        if each.keys() >= {"project", "stack", tag} and each[tag].isdecimal()
    }


@dataclass(frozen=True)
class Requests:
    """Which requests a rule is for: those to some hosts, some paths, or both.

    Attributes:
        priority: of the rule; lower ones come first.
        hosts: host names, with or without wildcards.
        paths: path patterns.
    """

    priority: int
    hosts: Sequence[str] = ()
    paths: Sequence[str] = ()


def listener_rule(
    name: str,
    listener_arn: pulumi.Input[str],
    requests: Requests,
    action: aws.lb.ListenerRuleActionArgs,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.lb.ListenerRule:
    """A rule on a listener.

    Args:
        name: the resource's name.
        listener_arn: where it is made.
        requests: which it is for.
        action: what becomes of them.
        tags: of the rule.
        opts: of the resource.
    """
    condition = aws.lb.ListenerRuleConditionArgs
    conditions = []
    if requests.hosts:
        host = aws.lb.ListenerRuleConditionHostHeaderArgs(values=list(requests.hosts))
        conditions.append(condition(host_header=host))
    if requests.paths:
        path = aws.lb.ListenerRuleConditionPathPatternArgs(values=list(requests.paths))
        conditions.append(condition(path_pattern=path))
    return aws.lb.ListenerRule(
        name,
        listener_arn=listener_arn,
        priority=requests.priority,
        conditions=conditions,
        actions=[action],
        tags=dict(tags),
        opts=opts,
    )


def url(settings: Settings, base: str) -> str:
    """Where a routed service answers.

    Args:
        settings: with its hosts and paths.
        base: where the listener answers.
    """
    scheme, _, host = base.partition("://")
    own = next((each for each in settings.route_hosts if not set("*?") & set(each)), host)
    path = settings.route_paths[0] if settings.route_paths else ""
    return f"{scheme}://{own}{re.split('[*?]', path)[0].rstrip('/')}"
