"""Changes of the emulator's listeners and rules that the emulator itself does not get right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.elbv2.models import FakeAction

from localcloud.elb.lookup import find_listener, find_rule
from localcloud.shared.service import Call, ServiceError

DEFAULT_POLICY = "ELBSecurityPolicy-2016-08"
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html"""


def modify_listener(listener: Any, settings: Mapping[str, Any]) -> None:
    """Set a listener's port, protocol, certificate, security policy and default actions."""
    secure = settings["Protocol"] == "HTTPS"
    listener.port = int(settings["Port"])
    listener.protocol = settings["Protocol"]
    listener.ssl_policy = (settings.get("SslPolicy") or DEFAULT_POLICY) if secure else None
    default = [one["CertificateArn"] for one in settings["Certificates"]] if secure else []
    added = [arn for arn in listener.certificates[1:] if arn not in default] if secure else []
    listener.certificates = default + added
    listener.certificate = default[0] if default else None
    if "DefaultActions" in settings:
        actions = [FakeAction(dict(action)) for action in settings["DefaultActions"]]
        listener.default_actions = actions
        next(iter(listener._default_rule.values())).actions = actions


def set_priorities(call: Call, pairs: list[Mapping[str, Any]]) -> None:
    """Give rules of one listener other priorities.

    Raises:
        ServiceError: a rule is missing, is a default rule, or a priority is another's.
    """
    wanted = {pair["RuleArn"]: int(pair["Priority"]) for pair in pairs}
    rules = {arn: find_rule(call, arn)[1] for arn in wanted}
    for rule in rules.values():
        if rule.is_default:
            raise ServiceError("OperationNotPermitted", "Default rule has no priority to set")
        _, listener = find_listener(call, rule.listener_arn)
        others = [one for one in listener.rules.values() if one.arn not in wanted]
        taken = {str(one.priority) for one in others}
        if str(wanted[rule.arn]) in taken or len(set(wanted.values())) < len(wanted):
            raise ServiceError(
                "PriorityInUse", f"Priority '{wanted[rule.arn]}' is currently in use"
            )
    for arn, rule in rules.items():
        rule.priority = wanted[arn]
