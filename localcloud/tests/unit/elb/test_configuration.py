from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.elb.certificates import Authority
from localcloud.elb.configuration import configuration, description
from localcloud.elb.emulator import security_policy
from localcloud.elb.haproxy import executable
from localcloud.elb.model import (
    Action,
    Condition,
    FixedResponse,
    Forward,
    Plane,
    Redirect,
    Rule,
    Server,
)
from localcloud.elb.rules import pattern, quoted
from localcloud.tests.unit.elb.planes import default, group, listener, plane

UP = Server("10.0.0.1_80", "10.0.0.1", 80, True)
DOWN = Server("10.0.0.2_80", "10.0.0.2", 80, False)


def accepted(described: Plane, folder: Path) -> str:
    """The configuration, once HAProxy has found nothing to say against it."""
    text = configuration(described, "test", folder)
    file = folder / "haproxy.cfg"
    file.write_text(text)
    checked = subprocess.run(
        [executable(), "-c", "-f", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr, checked.stderr
    return text


def test_servers_are_in_rotation_or_not(tmp_path: Path) -> None:
    text = accepted(plane(group(), servers=(UP, DOWN)), tmp_path)
    assert "  server 10.0.0.1_80 10.0.0.1:80\n" in text
    assert "  server 10.0.0.2_80 10.0.0.2:80 disabled\n" in text


def test_targets_of_https_groups_are_not_verified(tmp_path: Path) -> None:
    text = accepted(plane(group(protocol="HTTPS"), servers=(UP,)), tmp_path)
    assert "10.0.0.1:80 ssl verify none" in text


def test_only_what_needs_a_reload_changes_the_description() -> None:
    one = plane(group(), servers=(UP,))
    assert description(one, "test") == description(plane(group(), servers=(DOWN,)), "test")
    assert description(one, "test") != description(plane(group("other")), "test")
    assert description(one, "test") != description(one, "another")
    slower = plane(group(), attributes={"idle_timeout.timeout_seconds": "61"})
    assert description(one, "test") != description(slower, "test")


CONDITIONS = [
    Condition("host-header", ("*.example.com", "a.b")),
    Condition("path-pattern", ("/it's/$x\"y/*", "/a?c")),
    Condition("http-header", ("*Chrome*",), header="User-Agent"),
    Condition("http-request-method", ("POST", "M-SEARCH")),
    Condition("query-string", ((None, "*x*"), ("k?y", "v&l"))),
    Condition("source-ip", ("10.0.0.0/8", "192.168.1.1/32")),
]
ACTIONS: list[Action] = [
    FixedResponse(200, "text/plain", 'it\'s "100%" \\ #1 $HOME\nüñî\x01'),
    FixedResponse(503, "text/html", ""),
    Redirect(301, "HTTPS", "#{host}", "443", "/#{path}", "#{query}"),
    Redirect(302, "#{protocol}", "a.b", "#{port}", "/100%/#{path}", "x=1%20y&#{query}"),
    Redirect(302, "HTTP", "a.b", "8080", "/", ""),
    Forward(((group().arn, 1), (group("other").arn, 999))),
    Forward(((group().arn, 0), (group("other").arn, 0))),
]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: repr(action)[:40])
def test_haproxy_accepts_every_action_and_condition(action: Action, tmp_path: Path) -> None:
    rules = [Rule(number, (one,), action) for number, one in enumerate(CONDITIONS)]
    rules.append(Rule(99, tuple(CONDITIONS), action))
    described = plane(
        group(),
        group("other"),
        listeners=(listener(*rules, default(Forward(((group().arn, 1),)))),),
        servers=(UP,),
    )
    accepted(described, tmp_path)


@pytest.mark.parametrize(
    "attributes",
    [
        {"routing.http.xff_header_processing.mode": "preserve"},
        {"routing.http.xff_header_processing.mode": "remove"},
        {"routing.http.xff_client_port.enabled": "true"},
        {"routing.http.drop_invalid_header_fields.enabled": "true"},
        {"routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "true"},
        {"client_keep_alive.seconds": "60"},
    ],
    ids=str,
)
def test_haproxy_accepts_every_attribute(attributes: dict[str, str], tmp_path: Path) -> None:
    assert accepted(plane(group(), attributes=attributes), tmp_path) != accepted(
        plane(group()), tmp_path
    )


@pytest.mark.parametrize(
    "policy",
    [
        "ELBSecurityPolicy-2016-08",
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-TLS13-1-3-2021-06",
    ],
)
def test_haproxy_accepts_security_policies(policy: str, tmp_path: Path) -> None:
    file = Authority(tmp_path, "test").issue(["example.com"])
    secure = listener(
        default(Forward(((group().arn, 1),))),
        protocol="HTTPS",
        certificates=(str(file),),
        tls=security_policy(policy),
    )
    text = accepted(plane(group(), listeners=(secure,)), tmp_path)
    assert "set-header X-Forwarded-Proto https" in text


def test_least_outstanding_requests(tmp_path: Path) -> None:
    made = group()
    attributes = {
        **made.attributes,
        "load_balancing.algorithm.type": "least_outstanding_requests",
    }
    text = accepted(plane(replace(made, attributes=attributes)), tmp_path)
    assert "balance leastconn" in text


@pytest.mark.parametrize(
    ("wildcards", "expression"),
    [("/a*", r"/a.*"), ("a?c", "a.c"), (r"\*\?\\", r"\*\?\\"), ("a.b", r"a\.b")],
)
def test_pattern(wildcards: str, expression: str) -> None:
    assert pattern(wildcards) == expression


def test_quoted_escapes_what_haproxy_would_read() -> None:
    assert quoted("plain /text") == '"plain /text"'
    assert quoted('"$\\\n') == '"\\x22\\x24\\x5c\\x0a"'
