"""Where the emulator keeps something else than AWS would: put right in its own objects, as they
are made and after every change, so that all its answers agree.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import signature
from typing import Any

from moto.acm.models import acm_backends
from moto.elbv2.models import ELBv2Backend

from localcloud.elb import emulator
from localcloud.elb.repeats import listener_at, load_balancer_named, same_target_group
from localcloud.elb.supported_members import RESPONSE_HEADERS, SERVER_HEADER

HOSTED_ZONES = {
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-east-2": "Z3AADJGX6KTTL2",
    "us-west-1": "Z368ELLRRE2KJ0",
    "us-west-2": "Z1H1FL5HABSF5",
    "eu-central-1": "Z215JYRZR1TBD5",
    "eu-west-1": "Z32O12XQLNTSW2",
    "eu-west-2": "ZHURV8PSTC4K8",
    "eu-west-3": "Z3Q77PNBQS71R4",
    "eu-north-1": "Z23TAZ6LKFMNIO",
}
"""https://docs.aws.amazon.com/general/latest/gr/elb.html"""

NEW_LISTENER = {SERVER_HEADER: "true", **dict.fromkeys(RESPONSE_HEADERS, "")}
"""A new listener's attributes: the answers' Server header, and no other put in."""

NEW_TARGET_GROUP = {
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.enabled": "false",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.type": "lb_cookie",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}
"""A new target group's attributes:
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html"""

_create_load_balancer = ELBv2Backend.create_load_balancer
_create_listener = ELBv2Backend.create_listener
_create_target_group = ELBv2Backend.create_target_group


def correct_new_objects(place: Callable[[Any], object]) -> None:
    """Have new load balancers, listeners and target groups put right before anyone sees them.

    Args:
        place: gives a new load balancer its address.
    """

    @functools.wraps(_create_load_balancer)
    def create_load_balancer(self: ELBv2Backend, name: str, *args: Any, **kwargs: Any) -> Any:
        if (present := load_balancer_named(self, name)) is not None:
            return present  # with the same settings, or it would have been refused
        made = _create_load_balancer(self, name, *args, **kwargs)
        made.scheme = made.scheme or "internet-facing"
        made.canonical_hosted_zone_id = HOSTED_ZONES.get(
            self.region_name, made.canonical_hosted_zone_id
        )
        made.attrs = {**emulator.LOAD_BALANCER_DEFAULTS}
        place(made)
        return made

    @functools.wraps(_create_listener)
    def create_listener(self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
        given = signature(_create_listener).bind(self, *args, **kwargs).arguments
        balancer = self.load_balancers[given["load_balancer_arn"]]
        if (present := listener_at(balancer, int(given["port"]))) is not None:
            return present  # with the same settings, or it would have been refused
        made = _create_listener(self, *args, **kwargs)
        made.attributes = {**NEW_LISTENER}
        if made.protocol != "HTTPS":
            setattr(made, "ssl_policy", None)  # noqa: B010 -- typed as a string, absent on AWS
        return made

    @functools.wraps(_create_target_group)
    def create_target_group(self: ELBv2Backend, name: str, **kwargs: Any) -> Any:
        create = functools.partial(_create_target_group, self, name, **kwargs)
        if (present := same_target_group(self, name, create)) is not None:
            return present
        made = create()
        made.attributes = {**NEW_TARGET_GROUP}
        return made

    for method in (create_load_balancer, create_listener, create_target_group):
        setattr(ELBv2Backend, method.__name__, method)


def correct_links(account: str) -> None:
    """Put right what one object says of another: who uses a target group or a certificate, and
    the order of the rules."""
    users: dict[str, list[str]] = {}
    for state in emulator.backends(account):
        used = emulator.groups_in_use(state)
        for group in list(state.target_groups.values()):
            group.load_balancer_arns = sorted(used.get(group.arn, ()))
        for balancer in list(state.load_balancers.values()):
            for listener in list(balancer.listeners.values()):
                _sort_rules(listener)
                for certificate in listener.certificates:
                    users.setdefault(certificate, []).append(balancer.arn)
    for acm in list(acm_backends[account].values()):
        for certificate in list(acm._certificates.values()):
            elsewhere = [
                arn for arn in certificate.in_use_by if ":elasticloadbalancing:" not in arn
            ]
            certificate.in_use_by = [*elsewhere, *sorted(set(users.get(certificate.arn, ())))]


def _sort_rules(listener: Any) -> None:
    rules = sorted(listener._non_default_rules.items(), key=lambda item: int(item[1].priority))
    listener._non_default_rules = dict(rules)
