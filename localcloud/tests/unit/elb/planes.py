"""Load balancers in plain values, to make configurations from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localcloud.elb.emulator import LOAD_BALANCER_DEFAULTS
from localcloud.elb.model import (
    Action,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Plane,
    Rule,
    Server,
    TargetGroup,
)

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:"
CHECK = HealthCheck("HTTP", None, "/", "200", 30, 5, 5, 2)


def group(name: str = "web", **others: Any) -> TargetGroup:
    """A target group in use."""
    attributes = {
        "deregistration_delay.timeout_seconds": "300",
        "load_balancing.algorithm.type": "round_robin",
    }
    made = TargetGroup(f"{ARN}targetgroup/{name}/0123456789abcdef", "HTTP", CHECK, attributes, True)
    return replace(made, **others)


def listener(*rules: Rule, **others: Any) -> Listener:
    """A listener on port 80."""
    arn = f"{ARN}listener/app/web/0123456789abcdef/fedcba9876543210"
    return replace(Listener(arn, "HTTP", 80, "127.1.2.3", 80, rules), **others)


def default(action: Action) -> Rule:
    """A default rule."""
    return Rule(None, (), action)


def plane(
    *groups: TargetGroup,
    listeners: tuple[Listener, ...] = (),
    servers: tuple[Server, ...] = (),
    attributes: Mapping[str, str] | None = None,
) -> Plane:
    """One load balancer; without listeners it has one that forwards to the first group."""
    if not listeners:
        listeners = (listener(default(Forward(((groups[0].arn, 1),)))),)
    balancer = LoadBalancer(
        f"{ARN}loadbalancer/app/web/0123456789abcdef",
        {**LOAD_BALANCER_DEFAULTS, **(attributes or {})},
        listeners,
    )
    return Plane((balancer,), groups, {group.backend: servers for group in groups})
