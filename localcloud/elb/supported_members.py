"""What of the API the local cloud honours: every other member, value or attribute is refused in
words, so that nothing is accepted and ignored.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localcloud.shared.service import Call, ServiceError

Allowed = Mapping[str, Any]
"""Member → None (any value), a tuple of values, or a nested table."""

_WEB = ("HTTP", "HTTPS")
_ACTION: Allowed = {
    "Type": ("forward", "redirect", "fixed-response"),
    "Order": None,
    "TargetGroupArn": None,
    "RedirectConfig": None,
    "FixedResponseConfig": None,
    "ForwardConfig": {
        "TargetGroups": None,
        "TargetGroupStickinessConfig": {"Enabled": (False,), "DurationSeconds": None},
    },
}
_CONDITION: Allowed = {
    "Field": None,
    "Values": None,
    "HostHeaderConfig": {"Values": None},
    "PathPatternConfig": {"Values": None},
    "HttpHeaderConfig": {"HttpHeaderName": None, "Values": None},
    "QueryStringConfig": None,
    "HttpRequestMethodConfig": None,
    "SourceIpConfig": None,
}
_CHECK: Allowed = {
    "HealthCheckProtocol": _WEB,
    "HealthCheckPort": None,
    "HealthCheckPath": None,
    "HealthCheckEnabled": None,
    "HealthCheckIntervalSeconds": None,
    "HealthCheckTimeoutSeconds": None,
    "HealthyThresholdCount": None,
    "UnhealthyThresholdCount": None,
    "Matcher": {"HttpCode": None},
}
_LISTENER: Allowed = {
    "Protocol": None,
    "Port": None,
    "SslPolicy": None,
    "Certificates": {"CertificateArn": None},
    "DefaultActions": _ACTION,
    "MutualAuthentication": {"Mode": ("off",)},
}
_TARGETS: Allowed = {
    "TargetGroupArn": None,
    "Targets": {"Id": None, "Port": None, "AvailabilityZone": None},
}

MEMBERS: Mapping[str, Allowed] = {
    "CreateLoadBalancer": {
        "Name": None,
        "Subnets": None,
        "SubnetMappings": {"SubnetId": None},
        "SecurityGroups": None,
        "Scheme": None,
        "Tags": None,
        "Type": ("application",),
        "IpAddressType": ("ipv4",),
        "EnablePrefixForIpv6SourceNat": ("off",),
    },
    "SetSubnets": {
        "LoadBalancerArn": None,
        "Subnets": None,
        "SubnetMappings": {"SubnetId": None},
        "IpAddressType": ("ipv4",),
    },
    "SetSecurityGroups": {"LoadBalancerArn": None, "SecurityGroups": None},
    "SetIpAddressType": {"LoadBalancerArn": None, "IpAddressType": ("ipv4",)},
    "CreateTargetGroup": {
        "Name": None,
        "Protocol": _WEB,
        "ProtocolVersion": ("HTTP1", ""),  # an empty one is none, as in every query protocol
        "Port": None,
        "VpcId": None,
        "TargetType": ("ip",),
        "IpAddressType": ("ipv4",),
        "Tags": None,
        **_CHECK,
    },
    "ModifyTargetGroup": {"TargetGroupArn": None, **_CHECK},
    "CreateListener": {"LoadBalancerArn": None, "Tags": None, **_LISTENER},
    "ModifyListener": {"ListenerArn": None, **_LISTENER},
    "CreateRule": {
        "ListenerArn": None,
        "Priority": None,
        "Conditions": _CONDITION,
        "Actions": _ACTION,
        "Tags": None,
    },
    "ModifyRule": {"RuleArn": None, "Conditions": _CONDITION, "Actions": _ACTION},
    "RegisterTargets": _TARGETS,
    "DeregisterTargets": _TARGETS,
    "DescribeTargetHealth": _TARGETS,
}
"""Operation → what it honours; operations that are not here honour all that the emulator does."""


REFUSED = frozenset({"ModifyCapacityReservation", "ModifyIpPools"})
"""Operations that the emulator would accept and that would have no effect."""


def unsupported(what: str) -> ServiceError:
    """The refusal of something that AWS would do and the local cloud doesn't."""
    return ServiceError(
        "NotImplemented",
        f"The local cloud's load balancers do not support {what}; nothing was changed. "
        "Leave it out, or run it against AWS.",
        501,
    )


def invalid(message: str) -> ServiceError:
    """The refusal of a parameter, as AWS words it."""
    return ServiceError("ValidationError", message)


def wrong_configuration(message: str) -> ServiceError:
    """The refusal of parameters that don't go together."""
    return ServiceError("InvalidConfigurationRequest", message)


def refuse_unhonoured(call: Call) -> None:
    """Refuse members and values that would have no effect.

    Raises:
        ServiceError: it names the member.
    """
    _refuse(call.operation, call.input, MEMBERS[call.operation])


def _refuse(path: str, value: Any, allowed: Any) -> None:
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            _refuse(path, item, allowed)
    elif isinstance(allowed, Mapping):
        for member, found in value.items():
            if member not in allowed:
                raise unsupported(f"{path}.{member}")
            _refuse(f"{path}.{member}", found, allowed[member])
    elif allowed is not None and value not in allowed:
        words = ", ".join(map(str, allowed))
        raise unsupported(f"{path} = {value} (only {words})")


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: value.isdigit() and low <= int(value) <= high


_FLAG = _one_of("true", "false")
_OFF = _one_of("false")

LOAD_BALANCER_ATTRIBUTES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    # key → (whether the value is honoured, what is)
    "access_logs.s3.enabled": (_OFF, "only false: access logs are not written"),
    "access_logs.s3.bucket": (lambda _: True, "any, while access logs are off"),
    "access_logs.s3.prefix": (lambda _: True, "any, while access logs are off"),
    "client_keep_alive.seconds": (_between(60, 604800), "60 to 604800"),
    "connection_logs.s3.enabled": (_OFF, "only false: connection logs are not written"),
    "connection_logs.s3.bucket": (lambda _: True, "any, while connection logs are off"),
    "connection_logs.s3.prefix": (lambda _: True, "any, while connection logs are off"),
    "deletion_protection.enabled": (_FLAG, "true or false"),
    "health_check_logs.s3.enabled": (_OFF, "only false: health check logs are not written"),
    "idle_timeout.timeout_seconds": (_between(1, 4000), "1 to 4000"),
    "ipv6.deny_all_igw_traffic": (_OFF, "only false: there is no IPv6"),
    "load_balancing.cross_zone.enabled": (
        _one_of("true"),
        "only true, as for every Application Load Balancer",
    ),
    "routing.http.desync_mitigation_mode": (
        _one_of("defensive", "strictest"),
        "defensive or strictest: HAProxy refuses ambiguous requests",
    ),
    "routing.http.drop_invalid_header_fields.enabled": (_FLAG, "true or false"),
    "routing.http.preserve_host_header.enabled": (_FLAG, "true or false"),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": (_FLAG, "true or false"),
    "routing.http.xff_client_port.enabled": (_FLAG, "true or false"),
    "routing.http.xff_header_processing.mode": (
        _one_of("append", "preserve", "remove"),
        "append, preserve or remove",
    ),
    "routing.http2.enabled": (_FLAG, "true or false"),
    "waf.fail_open.enabled": (_OFF, "only false: no firewall inspects the requests"),
    "zonal_shift.config.enabled": (_OFF, "only false: there are no zones to shift away from"),
}
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html"""

TARGET_GROUP_ATTRIBUTES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "deregistration_delay.timeout_seconds": (_between(0, 3600), "0 to 3600"),
    "load_balancing.algorithm.type": (
        _one_of("round_robin", "least_outstanding_requests"),
        "round_robin or least_outstanding_requests",
    ),
    "load_balancing.algorithm.anomaly_mitigation": (_one_of("off"), "only off"),
    "load_balancing.cross_zone.enabled": (
        _one_of("use_load_balancer_configuration", "true"),
        "use_load_balancer_configuration or true: there is one zone",
    ),
    "slow_start.duration_seconds": (_one_of("0"), "only 0: no slow start"),
    "stickiness.enabled": (_OFF, "only false: no sticky sessions"),
    "stickiness.type": (_one_of("lb_cookie", "app_cookie"), "lb_cookie or app_cookie, while off"),
    "stickiness.lb_cookie.duration_seconds": (_between(1, 604800), "1 to 604800"),
    "stickiness.app_cookie.cookie_name": (lambda _: True, "any, while stickiness is off"),
    "stickiness.app_cookie.duration_seconds": (_between(1, 604800), "1 to 604800"),
    "target_group_health.dns_failover.minimum_healthy_targets.count": (_one_of("1"), "only 1"),
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": (
        _one_of("off"),
        "only off",
    ),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": (
        _one_of("1"),
        "only 1: all targets get requests when none is healthy",
    ),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": (
        _one_of("off"),
        "only off",
    ),
}
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html"""

SERVER_HEADER = "routing.http.response.server.enabled"

RESPONSE_HEADERS: Mapping[str, str] = {
    f"routing.http.response.{header.lower().replace('-', '_')}.header_value": header
    for header in (
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Origin",
        "Access-Control-Expose-Headers",
        "Access-Control-Max-Age",
        "Content-Security-Policy",
        "Strict-Transport-Security",
        "X-Content-Type-Options",
        "X-Frame-Options",
    )
}
"""Listener attribute → the header that it puts into every answer.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
"""

LISTENER_ATTRIBUTES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    SERVER_HEADER: (_FLAG, "true or false"),
    **{
        key: (lambda value: value.isprintable() and len(value) <= 1024, "up to 1024 characters")
        for key in RESPONSE_HEADERS
    },
}
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html"""


def refuse_attributes(call: Call, known: Mapping[str, tuple[Callable[[str], bool], str]]) -> None:
    """Refuse attributes that do not exist, and values that would have no effect.

    Raises:
        ServiceError: it names the attribute and what is honoured.
    """
    for attribute in call.input["Attributes"]:
        key, value = attribute["Key"], str(attribute.get("Value", ""))
        if key not in known:
            raise ServiceError(
                "ValidationError",
                f"Attribute key '{key}' is not recognized; known: {', '.join(sorted(known))}",
            )
        honoured, words = known[key]
        if not honoured(value):
            raise ServiceError(
                "InvalidConfigurationRequest",
                f"Attribute '{key}' can't be '{value}' in the local cloud: {words}",
            )
