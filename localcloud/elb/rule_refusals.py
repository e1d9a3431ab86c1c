"""What AWS refuses of a rule's actions and conditions.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localcloud.elb import emulator
from localcloud.elb.supported_members import invalid, wrong_configuration
from localcloud.shared.service import Call, ServiceError

MOST_VALUES = 5
MOST_GROUPS = 5
HEAVIEST = 999


def check_actions(call: Call, actions: list[Mapping[str, Any]], balancer: Any) -> None:
    """One forward, redirect or fixed response, whose target groups exist and are this load
    balancer's."""
    if len(actions) != 1:
        raise ServiceError(
            "InvalidLoadBalancerAction",
            "Exactly one action of type 'forward', 'redirect' or 'fixed-response' is needed; "
            f"there are {len(actions)}",
        )
    action = actions[0]
    config = {
        "forward": "ForwardConfig",
        "redirect": "RedirectConfig",
        "fixed-response": "FixedResponseConfig",
    }[action["Type"]]
    if config not in action and "TargetGroupArn" not in action:
        raise ServiceError(
            "InvalidLoadBalancerAction", f"An action of type '{action['Type']}' needs {config}"
        )
    if action["Type"] == "forward":
        _check_forward(call, action, balancer)
    elif action["Type"] == "redirect":
        _check_redirect(action["RedirectConfig"])


def _check_forward(call: Call, action: Mapping[str, Any], balancer: Any) -> None:
    state = emulator.backend(call.account, call.region)
    used = emulator.groups_in_use(state)
    groups = emulator.forwarded_groups(action)
    named = {arn for arn, _ in groups}
    if action.get("TargetGroupArn") and named - {action["TargetGroupArn"]}:
        raise invalid("TargetGroupArn must be the one target group of ForwardConfig")
    if not 1 <= len(named) == len(groups) <= MOST_GROUPS:
        raise invalid(f"A forward action takes 1 to {MOST_GROUPS} different target groups")
    for arn, weight in groups:
        if arn not in state.target_groups:
            raise ServiceError("TargetGroupNotFound", f"Target group '{arn}' not found")
        if not 0 <= weight <= HEAVIEST:
            raise invalid(f"Target group weight '{weight}' must be between 0 and {HEAVIEST}")
        if used.get(arn, set()) - {balancer.arn}:
            raise ServiceError(
                "TargetGroupAssociationLimit",
                f"The following target groups cannot be associated with more than one load "
                f"balancer: {arn}",
            )
        if state.target_groups[arn].vpc_id != balancer.vpc_id:
            raise wrong_configuration(f"The target group '{arn}' is not in the load balancer's VPC")


_PLACEHOLDERS = {
    "Protocol": "#{protocol}",
    "Host": "#{host}",
    "Port": "#{port}",
    "Path": "/#{path}",
    "Query": "#{query}",
}


def _check_redirect(config: Mapping[str, Any]) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html"""
    values = {member: str(config.get(member, same)) for member, same in _PLACEHOLDERS.items()}
    kept = [member for member, same in _PLACEHOLDERS.items() if values[member] == same]
    if {"Protocol", "Host", "Port", "Path"} <= set(kept):
        raise ServiceError(
            "InvalidLoadBalancerAction",
            "The redirect configuration is not valid because it creates a loop.",
        )
    if values["Protocol"] not in ("HTTP", "HTTPS", "#{protocol}"):
        raise invalid(f"Redirect protocol '{values['Protocol']}' must be HTTP or HTTPS")
    port = values["Port"]
    if port != "#{port}" and not (port.isdigit() and 1 <= int(port) <= 65535):
        raise invalid(f"Redirect port '{port}' must be between 1 and 65535")
    if not values["Path"].startswith("/"):
        raise invalid(f"Redirect path '{values['Path']}' must begin with a '/'")
    for member, value in values.items():
        unknown = re.findall(r"#\{(?!protocol\}|host\}|port\}|path\}|query\})[^}]*\}?", value)
        if unknown or re.search(r"[\x00-\x20\x7f]", value):
            raise invalid(f"Redirect {member.lower()} '{value}' is not valid")


def _single(conditions: Iterable[Mapping[str, Any]]) -> None:
    fields = [condition.get("Field") for condition in conditions]
    for field in ("host-header", "path-pattern", "http-request-method", "source-ip"):
        if fields.count(field) > 1:
            raise invalid(f"A rule can only have one '{field}' condition")


def check_conditions(conditions: list[Mapping[str, Any]]) -> None:
    """A rule's conditions: at least one, at most five values in all, no doubles."""
    if not conditions:
        raise invalid("A rule needs at least one condition")
    _single(conditions)
    count = 0
    for condition in conditions:
        if condition.get("Field") not in emulator.CONDITION_CONFIGS:
            raise invalid(
                f"Condition field '{condition.get('Field')}' must be one of "
                f"'{', '.join(emulator.CONDITION_CONFIGS)}'"
            )
        found = emulator.condition(condition)
        if not found.values:
            raise invalid(f"A condition value must be specified for '{found.field}'")
        count += len(found.values)
        _CONDITION_CHECKS.get(found.field, lambda _: None)(found)
    if count > MOST_VALUES:
        raise ServiceError(
            "ValidationError", f"A rule can have at most {MOST_VALUES} condition values"
        )


def _check_source(found: Any) -> None:
    for value in found.values:
        try:
            ipaddress.ip_network(value)
        except ValueError as error:
            raise invalid(f"Condition value '{value}' must be in CIDR format: {error}") from error
        if "/" not in value:
            raise invalid(f"Condition value '{value}' must be in CIDR format")


def _check_header(found: Any) -> None:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}", found.header):
        raise invalid(f"HTTP header name '{found.header}' is not valid")
    if found.header.lower() == "host":
        raise invalid("Use a 'host-header' condition to match the Host header")


def _check_host(found: Any) -> None:
    for value in found.values:
        if not re.fullmatch(r"[A-Za-z0-9.*?-]{1,128}", value) or "." not in value:
            raise invalid(f"Condition value '{value}' contains a character that is not valid")


def _check_path(found: Any) -> None:
    for value in found.values:
        if not re.fullmatch(r"""[A-Za-z0-9_\-.$/~"'@:+*?&%=]{1,128}""", value):
            raise invalid(f"Condition value '{value}' contains a character that is not valid")


_CONDITION_CHECKS: Mapping[str, Callable[[Any], None]] = {
    "source-ip": _check_source,
    "http-header": _check_header,
    "host-header": _check_host,
    "path-pattern": _check_path,
}
