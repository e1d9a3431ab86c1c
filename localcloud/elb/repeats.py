"""Creations that are repeated with the same settings: AWS answers with what exists.

CreateLoadBalancer, CreateTargetGroup and CreateListener complete at most once, and each repeated
call with the same settings succeeds; tags are not compared here.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from moto.elbv2.exceptions import DuplicateTargetGroupName
from moto.elbv2.models import FakeAction

from localcloud.elb.changes import DEFAULT_POLICY
from localcloud.elb.emulator import same_action

TARGET_GROUP_SETTINGS = (
    *("protocol", "protocol_version", "port", "vpc_id", "target_type", "ip_address_type"),
    *("health_check_protocol", "health_check_port", "health_check_path", "health_check_enabled"),
    *("health_check_interval_seconds", "health_check_timeout_seconds"),
    *("healthy_threshold_count", "unhealthy_threshold_count", "matcher"),
)


def load_balancer_named(state: Any, name: str) -> Any:
    """The load balancer of a name, or None."""
    return next((one for one in state.load_balancers.values() if one.name == name), None)


def listener_at(balancer: Any, port: int) -> Any:
    """The listener on a port, or None."""
    return next((one for one in balancer.listeners.values() if int(one.port) == port), None)


def same_target_group(state: Any, name: str, create: Callable[[], Any]) -> Any:
    """The target group of a name, if a creation asks for the same; None if there is no such name.

    Args:
        state: the emulator's of one region.
        name: the name that the creation has.
        create: creates it in that state.

    Raises:
        DuplicateTargetGroupName: there is one with other settings.
    """
    present = next((one for one in state.target_groups.values() if one.name == name), None)
    if present is None:
        return None
    # Only a creation tells which defaults it would have.
    del state.target_groups[present.arn]
    try:
        wanted = create()
        del state.target_groups[wanted.arn]
        state.tagging_service.delete_all_tags_for_resource(wanted.arn)
    finally:
        state.target_groups[present.arn] = present
    if _settings(wanted) != _settings(present):
        raise DuplicateTargetGroupName
    return present


def _settings(group: Any) -> dict[str, str]:
    return {name: str(getattr(group, name, None)) for name in TARGET_GROUP_SETTINGS}


def same_listener(balancer: Any, settings: Mapping[str, Any]) -> Any:
    """The listener that a creation asks for, if it exists with the same settings.

    Args:
        balancer: the emulator's load balancer.
        settings: the members of CreateListener.
    """
    secure = settings.get("Protocol") == "HTTPS"
    policy = (settings.get("SslPolicy") or DEFAULT_POLICY) if secure else None
    certificates = [one["CertificateArn"] for one in settings.get("Certificates") or []]
    actions = [FakeAction(deepcopy(action)) for action in settings["DefaultActions"]]
    listener = listener_at(balancer, int(settings.get("Port", 0)))
    if listener is None:
        return None
    present = listener.protocol, listener.ssl_policy or None, listener.certificates[:1]
    wanted = settings.get("Protocol"), policy, certificates
    return (
        listener if present == wanted and same_action(listener.default_actions, actions) else None
    )
