"""Load balancers, listeners, rules and target groups as the emulator keeps them, read into the
plain values of `model`. The one place that knows moto's objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.elbv2.models import elbv2_backends
from moto.elbv2.ssl_policies import SSL_POLICIES

from localcloud.elb.model import (
    Action,
    Condition,
    FixedResponse,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Redirect,
    Rule,
    TargetGroup,
    Tls,
)

LOAD_BALANCER_DEFAULTS: Mapping[str, str] = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html"""


def backend(account: str, region: str) -> Any:
    """The emulator's state of one region."""
    return elbv2_backends[account][region]


def backends(account: str) -> Iterator[Any]:
    """The emulator's state of every region that was used so far."""
    yield from list(elbv2_backends[account].values())


def forwarded_groups(action: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The target groups of a forward action, as ARN and weight."""
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or []
    if groups:
        return [(group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups]
    return [(action["TargetGroupArn"], 1)] if action.get("TargetGroupArn") else []


def _redirect(action: Mapping[str, Any]) -> Redirect:
    config = action["RedirectConfig"]
    return Redirect(
        status=int(config["StatusCode"].removeprefix("HTTP_")),
        protocol=config.get("Protocol", "#{protocol}"),
        host=config.get("Host", "#{host}"),
        port=str(config.get("Port", "#{port}")),
        path=config.get("Path", "/#{path}"),
        query=config.get("Query", "#{query}"),
    )


def _fixed_response(action: Mapping[str, Any]) -> FixedResponse:
    config = action["FixedResponseConfig"]
    return FixedResponse(
        int(config["StatusCode"]),
        config.get("ContentType") or "text/plain",
        config.get("MessageBody") or "",
    )


_ACTIONS: Mapping[str, Any] = {
    "forward": lambda action: Forward(tuple(forwarded_groups(action))),
    "redirect": _redirect,
    "fixed-response": _fixed_response,
}


def _action(actions: list[Any]) -> Action:
    last = max(actions, key=lambda action: int(action.data.get("Order", 1)))
    result: Action = _ACTIONS[last.type](last.data)
    return result


def same_action(one: list[Any], other: list[Any]) -> bool:
    """Whether two lists of the emulator's actions do the same."""
    return _action(one) == _action(other)


CONDITION_CONFIGS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


def condition(condition: Mapping[str, Any]) -> Condition:
    """A condition as the API has it."""
    field = condition["Field"]
    config = condition.get(CONDITION_CONFIGS[field]) or {}
    values = config.get("Values") or condition.get("Values") or []
    return Condition(
        field,
        tuple(
            (value.get("Key"), value["Value"]) if isinstance(value, Mapping) else str(value)
            for value in values
        ),
        config.get("HttpHeaderName", ""),
    )


def _rules(listener: Any) -> tuple[Rule, ...]:
    rules = [
        Rule(int(rule.priority), tuple(map(condition, rule.conditions)), _action(rule.actions))
        for rule in listener.rules.values()
        if not rule.is_default
    ]
    rules.sort(key=lambda rule: rule.priority or 0)
    return (*rules, Rule(None, (), _action(listener.default_actions)))


_TLS_VERSIONS = {"TLSv1": "TLSv1.0"}
"""AWS's names of versions that OpenSSL names otherwise."""


def security_policy(name: str) -> Tls:
    """A predefined security policy.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
    """
    policy = SSL_POLICIES[name]
    versions = sorted(_TLS_VERSIONS.get(one, one) for one in policy["ssl_protocols"])
    ciphers = policy["ciphers"]
    return Tls(
        versions[0],
        versions[-1],
        tuple(cipher for cipher in ciphers if not cipher.startswith("TLS_")),
        tuple(cipher for cipher in ciphers if cipher.startswith("TLS_")),
    )


def load_balancer(
    found: Any, address: str, local_ports: Mapping[int, int], certificates: Mapping[str, str]
) -> LoadBalancer:
    """A load balancer of the emulator.

    Args:
        found: the emulator's object.
        address: where it listens on this machine.
        local_ports: the ports that stand for ports of the API, where they differ.
        certificates: certificate ARN → path of the PEM file; a listener none of whose
            certificates is there is left out, since it can't be served.
    """
    listeners = tuple(
        Listener(
            arn=listener.arn,
            protocol=listener.protocol,
            port=int(listener.port),
            address=address,
            local_port=local_ports.get(int(listener.port), int(listener.port)),
            rules=_rules(listener),
            certificates=tuple(
                certificates[arn] for arn in listener.certificates if arn in certificates
            ),
            tls=security_policy(listener.ssl_policy) if listener.protocol == "HTTPS" else None,
            attributes=dict(listener.attributes),
        )
        for listener in list(found.listeners.values())
        if listener.protocol == "HTTP" or certificates.keys() & set(listener.certificates)
    )
    attributes = {**LOAD_BALANCER_DEFAULTS, **found.attrs}
    return LoadBalancer(found.arn, attributes, listeners, dict(local_ports))


def groups_in_use(state: Any) -> dict[str, set[str]]:
    """Target group ARN → ARNs of the load balancers that forward to it."""
    used: dict[str, set[str]] = {}
    for balancer in state.load_balancers.values():
        for listener in balancer.listeners.values():
            actions = list(listener.default_actions)
            for rule in listener.rules.values():
                actions += rule.actions
            for action in actions:
                for arn, _ in forwarded_groups(action.data):
                    used.setdefault(arn, set()).add(balancer.arn)
    return used


def target_group(found: Any, used: bool, idle_timeout: int) -> TargetGroup:
    """A target group of the emulator."""
    port = str(found.health_check_port)
    return TargetGroup(
        arn=found.arn,
        protocol=found.protocol,
        health_check=HealthCheck(
            protocol=found.health_check_protocol,
            port=None if port == "traffic-port" else int(port),
            path=found.health_check_path or "/",
            matcher=found.matcher["HttpCode"],
            interval=float(found.health_check_interval_seconds),
            timeout=float(found.health_check_timeout_seconds),
            healthy_threshold=int(found.healthy_threshold_count),
            unhealthy_threshold=int(found.unhealthy_threshold_count),
        ),
        attributes={key: str(value) for key, value in found.attributes.items()},
        used=used,
        idle_timeout=idle_timeout,
    )
