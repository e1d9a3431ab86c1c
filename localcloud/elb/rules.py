"""A listener's rules in HAProxy's terms: conditions become access control lists, actions become
`http-request` lines.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from functools import partial

from localcloud.elb.model import (
    Condition,
    FixedResponse,
    Forward,
    Listener,
    LoadBalancer,
    Redirect,
    Rule,
    TargetGroup,
)

_PLAIN = frozenset(string.ascii_letters + string.digits + " -_./:;,=<>()[]{}%+*?^|&@!~")


def quoted(text: str) -> str:
    """Text as one word of HAProxy's configuration, whatever it holds."""
    parts = (
        character
        if character in _PLAIN
        else "".join(f"\\x{byte:02x}" for byte in character.encode())
        for character in text
    )
    return f'"{"".join(parts)}"'


def pattern(wildcards: str) -> str:
    """An AWS pattern as a regular expression: `*` is any text, `?` one character, `\\` escapes."""
    parts = re.findall(r"\\[*?\\]|.", wildcards, re.DOTALL)
    special = {"*": ".*", "?": "."}
    return "".join(special.get(part, re.escape(part[-1])) for part in parts)


def _whole(wildcards: str) -> str:
    return quoted(f"^{pattern(wildcards)}$")


def _query(value: tuple[str | None, str]) -> str:
    key, wanted = value
    prefix = "" if key is None else pattern(key) + "="
    within = (prefix + pattern(wanted)).replace(".*", "[^&]*")
    anywhere = within if key is not None else f"(?:[^&=]*=)?{within}"
    return f"query -i -m reg -- {quoted(f'(?:^|&){anywhere}(?:&|$)')}"


def _tests(condition: Condition) -> list[str]:
    """One access control list line for each value."""
    templates: Mapping[str, Callable[[str], str]] = {
        "host-header": lambda value: f"req.hdr(host),host_only -i -m reg -- {_whole(value)}",
        "path-pattern": lambda value: f"path -m reg -- {_whole(value)}",
        "http-header": lambda value: f"req.fhdr({condition.header}) -i -m reg -- {_whole(value)}",
        "http-request-method": lambda value: f"method -m str -- {quoted(value)}",
        "source-ip": lambda value: f"src -m ip -- {value}",
    }
    return [
        _query(value) if isinstance(value, tuple) else templates[condition.field](value)
        for value in condition.values
    ]


def rule_lines(
    balancer: LoadBalancer, listener: Listener, groups: Mapping[str, TargetGroup]
) -> list[str]:
    """The lines that choose a rule for a request, and do what it says."""
    choose, act = [], []
    for number, rule in enumerate(listener.rules):
        names = []
        for index, condition in enumerate(rule.conditions):
            names.append(f"rule-{number}-{index}")
            choose += [f"  acl {names[-1]} {test}" for test in _tests(condition)]
        unless = "!{ var(txn.rule) -m found }"
        choose.append(
            f"  http-request set-var(txn.rule) int({number}) if {' '.join([unless, *names])}"
        )
        act += _action(balancer, listener, groups, number, rule)
    return choose + act


def _action(
    balancer: LoadBalancer,
    listener: Listener,
    groups: Mapping[str, TargetGroup],
    number: int,
    rule: Rule,
) -> list[str]:
    chosen = f"if {{ var(txn.rule) -m int {number} }}"
    match rule.action:
        case Forward():
            return _forward(groups, rule.action, chosen)
        case Redirect():
            return _redirect(balancer, listener, rule.action, chosen)
        case FixedResponse(status, content_type, body):
            content = f" content-type {quoted(content_type)} string {quoted(body)}" if body else ""
            return [f"  http-request return status {status}{content} {chosen}"]


def _forward(groups: Mapping[str, TargetGroup], action: Forward, chosen: str) -> list[str]:
    weighted = [(groups[arn].backend, weight) for arn, weight in action.weights if weight]
    if len(weighted) == 1:
        return [f"  http-request set-var(txn.backend) str({weighted[0][0]}) {chosen}"]
    if not weighted:
        return []
    total = sum(weight for _, weight in weighted)
    lines = [f"  http-request set-var(txn.lot) rand({total}) {chosen}"]
    upper = 0
    for backend, weight in weighted:
        upper += weight
        lines.append(
            f"  http-request set-var(txn.backend) str({backend}) {chosen}"
            f" {{ var(txn.lot) -m int lt {upper} }} !{{ var(txn.backend) -m found }}"
        )
    return lines


_PLACEHOLDER = re.compile(r"#\{(protocol|host|port|path|query)\}")


def _filled(values: Mapping[str, str], text: str) -> str:
    """Text in HAProxy's log format with the placeholders replaced."""
    parts = _PLACEHOLDER.split(text)
    return "".join(
        values[part] if index % 2 else part.replace("%", "%%") for index, part in enumerate(parts)
    )


def _redirect(
    balancer: LoadBalancer, listener: Listener, action: Redirect, chosen: str
) -> list[str]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html"""
    fill = partial(
        _filled,
        {
            "protocol": listener.protocol.lower(),
            "host": "%[req.hdr(host),host_only]",
            "port": str(listener.local_port),
            "path": "%[path,bytes(1)]",
            "query": "%[query]",
        },
    )
    port = action.port
    if port.isdigit() and action.host == "#{host}":
        port = str(balancer.local_ports.get(int(port), int(port)))
    address = fill(f"{action.protocol.lower()}://{action.host}:{port}{action.path}")
    line = f"  http-request redirect code {action.status} location "
    if not action.query:
        return [f"{line}{quoted(address)} {chosen}"]
    with_query = quoted(f"{address}?{fill(action.query)}")
    if action.query != "#{query}":
        return [f"{line}{with_query} {chosen}"]
    asked = "{ query -m len gt 0 }"
    return [f"{line}{with_query} {chosen} {asked}", f"{line}{quoted(address)} {chosen} !{asked}"]
