"""What of the API the local cloud honours: every other member, value or attribute is refused in
words, so that nothing is accepted and ignored.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localcloud.shared.service import Call, ServiceError
from localcloud.shared.supported_members import not_honoured

_FORWARD = "ForwardConfig.TargetGroups ForwardConfig.TargetGroupStickinessConfig.DurationSeconds"
_ACTION = (
    "Type=forward|redirect|fixed-response Order TargetGroupArn RedirectConfig FixedResponseConfig "
    f"{_FORWARD} ForwardConfig.TargetGroupStickinessConfig.Enabled=False"
)
_CONDITION = (
    "Field Values HostHeaderConfig.Values PathPatternConfig.Values HttpHeaderConfig.HttpHeaderName "
    "HttpHeaderConfig.Values QueryStringConfig HttpRequestMethodConfig SourceIpConfig"
)
_HEALTH_CHECK = (
    "HealthCheckProtocol=HTTP|HTTPS HealthCheckPort HealthCheckPath HealthCheckEnabled "
    "HealthCheckIntervalSeconds HealthCheckTimeoutSeconds HealthyThresholdCount "
    "UnhealthyThresholdCount Matcher.HttpCode "
)


def _each(members: str, tokens: str) -> str:
    """Tokens of the elements of a list."""
    return " ".join(f"{members}[].{token}" for token in tokens.split()) + " "


_RULE = _each("Conditions", _CONDITION) + _each("Actions", _ACTION)
_LISTENER = (
    "Protocol Port SslPolicy Certificates[].CertificateArn MutualAuthentication.Mode=off "
    + _each("DefaultActions", _ACTION)
)
_TARGETS = "TargetGroupArn Targets[].Id Targets[].Port Targets[].AvailabilityZone"

MEMBERS: Mapping[str, str] = {
    "CreateLoadBalancer": (
        "Name Subnets SubnetMappings[].SubnetId SecurityGroups Scheme Tags Type=application "
        "IpAddressType=ipv4 EnablePrefixForIpv6SourceNat=off"
    ),
    "SetSubnets": "LoadBalancerArn Subnets SubnetMappings[].SubnetId IpAddressType=ipv4",
    "SetSecurityGroups": "LoadBalancerArn SecurityGroups",
    "SetIpAddressType": "LoadBalancerArn IpAddressType=ipv4",
    "CreateTargetGroup": (
        "Name Protocol=HTTP|HTTPS ProtocolVersion=HTTP1 Port VpcId TargetType=ip "
        "IpAddressType=ipv4 Tags " + _HEALTH_CHECK
    ),
    "ModifyTargetGroup": "TargetGroupArn " + _HEALTH_CHECK,
    "CreateListener": "LoadBalancerArn Tags " + _LISTENER,
    "ModifyListener": "ListenerArn " + _LISTENER,
    "CreateRule": "ListenerArn Priority Tags " + _RULE,
    "ModifyRule": "RuleArn " + _RULE,
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
    for path in not_honoured(MEMBERS[call.operation], call.input):
        raise unsupported(f"{call.operation}.{path}")


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: value.isdigit() and low <= int(value) <= high


_FLAG = _one_of("true", "false")
_OFF = _one_of("false")

LOAD_BALANCER_ATTRIBUTES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    # key → (whether the value is honoured, what is)
    "access_logs.s3.enabled": (_FLAG, "true or false"),
    "access_logs.s3.bucket": (lambda _: True, "a bucket that lets load balancing write"),
    "access_logs.s3.prefix": (lambda _: True, "any"),
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
