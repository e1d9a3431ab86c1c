"""Application Load Balancers: one row a behaviour that AWS documents, with the page's address.

Every row runs against the gateway with real HAProxy and real targets.
"""

from __future__ import annotations

import http.client
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.elb_harness import (
    Cloud,
    Network,
    Site,
    Target,
    await_state,
    cloud,
    deregister,
    forget_everything,
    health,
    network,
    register,
    site,
    target_group,
)

GUIDE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"

NUMBERS = count(1)


@dataclass
class Stage:
    """What a row plays on."""

    cloud: Cloud
    network: Network
    stack: ExitStack

    @property
    def elbv2(self) -> Any:
        """The API."""
        return self.cloud.client("elbv2")

    def site(self, **group: Any) -> Site:
        """A load balancer with a listener on port 80 and a target group."""
        return site(self.cloud.client, f"row-{next(NUMBERS)}", self.network, **group)

    def group(self, **others: Any) -> str:
        """A target group that nothing uses."""
        return target_group(self.cloud.client, self.network.vpc, f"row-{next(NUMBERS)}", **others)

    def target(self, **behaviour: Any) -> Target:
        """A running web server of its own address."""
        number = next(NUMBERS)
        return self.stack.enter_context(
            Target(f"127.8.{number // 250}.{number % 250 + 1}", **behaviour)
        )

    def served(self, **group: Any) -> tuple[Site, Target]:
        """A site with one healthy target."""
        made, target = self.site(**group), self.target()
        register(self.cloud.client, made.target_group, target)
        await_state(self.cloud.client, made.target_group, "healthy")
        return made, target

    def rule(self, made: Site, priority: int, action: dict[str, Any], *conditions: Any) -> str:
        """Add a rule to a site's listener; its ARN."""
        return str(
            self.elbv2.create_rule(
                ListenerArn=made.listener,
                Priority=priority,
                Conditions=list(conditions),
                Actions=[action],
            )["Rules"][0]["RuleArn"]
        )

    def refused(self, code: str, operation: str, **parameters: Any) -> str:
        """Call what must be refused with a code; the message."""
        with pytest.raises(ClientError) as refusal:
            getattr(self.elbv2, operation)(**parameters)
        error = refusal.value.response["Error"]
        assert error["Code"] == code, error
        return str(error["Message"])


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: str


def ask(
    host: str, path: str = "/", method: str = "GET", headers: dict[str, str] | None = None
) -> Reply:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(host, timeout=15)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, names, answer.read().decode())
    finally:
        connection.close()


def fixed(text: str, status: int = 200) -> dict[str, Any]:
    """A fixed-response action."""
    return {
        "Type": "fixed-response",
        "FixedResponseConfig": {
            "StatusCode": str(status),
            "ContentType": "text/plain",
            "MessageBody": text,
        },
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Network]]:
    forget_everything()
    with cloud(tmp_path_factory.mktemp("elb")) as started:
        yield started, network(started.client)
    forget_everything()


@pytest.fixture
def stage(running: tuple[Cloud, Network]) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(*running, stack)


Row = Callable[[Stage], None]
ROWS: list[Any] = []


def row(page: str, words: str) -> Callable[[Row], Row]:
    """Adds a row: the page that documents the behaviour, and the behaviour in words."""

    def add(check: Row) -> Row:
        ROWS.append(pytest.param(page, check, id=words.replace(" ", "-")))
        return check

    return add


# --- requests ---------------------------------------------------------------------------------


@row(GUIDE + "load-balancer-troubleshooting.html", "503 when a group has no targets")
def no_targets(stage: Stage) -> None:
    answer = ask(stage.site().host)
    assert answer.status == 503
    assert "503 Service Temporarily Unavailable" in answer.body
    assert answer.headers["server"] == "awselb/2.0"


@row(GUIDE + "load-balancer-troubleshooting.html", "502 when a target refuses the connection")
def connection_refused(stage: Stage) -> None:
    made, target = stage.served()
    target.close()
    answer = ask(made.host)
    assert answer.status == 502
    assert "502 Bad Gateway" in answer.body


@row(GUIDE + "load-balancer-troubleshooting.html", "504 when a target does not answer in time")
def target_timeout(stage: Stage) -> None:
    made, target = stage.served()
    stage.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=made.load_balancer,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    target.delay = 3
    began = time.monotonic()
    assert ask(made.host).status == 504
    assert 0.9 < time.monotonic() - began < 2.5


@row(GUIDE + "load-balancer-troubleshooting.html", "a target's own 503 is passed on")
def own_error(stage: Stage) -> None:
    made, target = stage.served()
    target.status = 503
    answer = ask(made.host)
    assert (answer.status, answer.body) == (503, target.address)


@row(GUIDE + "x-forwarded-headers.html", "X-Forwarded headers are set and appended to")
def forwarded_headers(stage: Stage) -> None:
    made, target = stage.served()
    ask(made.host, headers={"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"})
    headers = target.last_headers()
    assert re.fullmatch(r"203\.0\.113\.7, 127\.\d+\.\d+\.\d+", headers["x-forwarded-for"])
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-port"] == "80"
    assert headers["host"] == made.host


@row(GUIDE + "x-forwarded-headers.html", "X-Forwarded-For can be preserved or removed")
def forwarded_modes(stage: Stage) -> None:
    made, target = stage.served()
    seen = {}
    for mode in ("preserve", "remove"):
        stage.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=made.load_balancer,
            Attributes=[{"Key": "routing.http.xff_header_processing.mode", "Value": mode}],
        )
        ask(made.host, headers={"X-Forwarded-For": "203.0.113.7"})
        seen[mode] = target.last_headers().get("x-forwarded-for")
    assert seen == {"preserve": "203.0.113.7", "remove": None}


@row(GUIDE + "load-balancer-request-tracing.html", "X-Amzn-Trace-Id is added or extended")
def trace(stage: Stage) -> None:
    made, target = stage.served()
    ask(made.host)
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", target.last_headers()["x-amzn-trace-id"]
    )
    ask(made.host, headers={"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678"})
    assert re.fullmatch(
        r"Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-67891233-abcdef012345678912345678",
        target.last_headers()["x-amzn-trace-id"],
    )


@row(GUIDE + "edit-load-balancer-attributes.html", "invalid header fields are dropped if asked")
def invalid_headers(stage: Stage) -> None:
    made, target = stage.served()
    ask(made.host, headers={"under_score": "1", "X-Right": "1"})
    assert "under_score" in target.last_headers()
    stage.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=made.load_balancer,
        Attributes=[{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}],
    )
    ask(made.host, headers={"under_score": "1", "X-Right": "1"})
    assert "under_score" not in target.last_headers()
    assert target.last_headers()["x-right"] == "1"


@row(GUIDE + "edit-load-balancer-attributes.html", "the idle timeout closes idle connections")
def idle_timeout(stage: Stage) -> None:
    made, _ = stage.served()
    stage.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=made.load_balancer,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    with socket.create_connection((made.host, 80), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        began = time.monotonic()
        while connection.recv(65536):
            """Until the load balancer closes."""
        assert 0.8 < time.monotonic() - began < 2.5


@row(GUIDE + "header-modification.html", "listener attributes put headers into answers")
def response_headers(stage: Stage) -> None:
    made, _ = stage.served()
    stage.elbv2.modify_listener_attributes(
        ListenerArn=made.listener,
        Attributes=[
            {
                "Key": "routing.http.response.strict_transport_security.header_value",
                "Value": "max-age=31536000; includeSubDomains",
            },
            {"Key": "routing.http.response.server.enabled", "Value": "false"},
        ],
    )
    answer = ask(made.host)
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "server" not in answer.headers


# --- health -----------------------------------------------------------------------------------


@row(GUIDE + "target-group-health-checks.html", "reasons of unhealthy targets are told")
def unhealthy_reasons(stage: Stage) -> None:
    made, healthy = stage.served(HealthCheckTimeoutSeconds=2)
    wrong, silent = stage.target(health_status=500), stage.target(health_delay=4)
    refusing = stage.target()
    refusing.close()
    register(stage.cloud.client, made.target_group, wrong, silent, refusing)
    time.sleep(1)
    states = health(stage.cloud.client, made.target_group)
    assert states[wrong.address] == {
        "State": "initial",
        "Reason": "Elb.InitialHealthChecking",
        "Description": "Initial health checks in progress",
    }
    time.sleep(8)
    states = health(stage.cloud.client, made.target_group)
    assert states[healthy.address] == {"State": "healthy"}
    assert states[wrong.address] == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [500]",
    }
    assert states[silent.address]["Reason"] == "Target.Timeout"
    assert states[silent.address]["Description"] == "Request timed out"
    assert states[refusing.address]["Reason"] == "Target.FailedHealthChecks"
    assert {ask(made.host).body for _ in range(6)} == {healthy.address}


@row(GUIDE + "target-group-health-checks.html", "fails open when all targets are unhealthy")
def fail_open(stage: Stage) -> None:
    made = stage.site()
    sick = [stage.target(health_status=500), stage.target(health_status=500)]
    register(stage.cloud.client, made.target_group, *sick)
    assert ask(made.host).status == 503
    await_state(stage.cloud.client, made.target_group, "unhealthy")
    assert {ask(made.host).body for _ in range(6)} == {target.address for target in sick}


@row(GUIDE + "target-group-health-checks.html", "a new target needs one passed check")
def first_check(stage: Stage) -> None:
    made, target = stage.site(HealthyThresholdCount=10), stage.target()
    register(stage.cloud.client, made.target_group, target)
    await_state(stage.cloud.client, made.target_group, "healthy", seconds=3)
    assert target.checks == 1


@row(GUIDE + "target-group-health-checks.html", "an unhealthy target needs its threshold")
def healthy_again(stage: Stage) -> None:
    made, target = stage.site(), stage.target(health_status=500)
    register(stage.cloud.client, made.target_group, target)
    await_state(stage.cloud.client, made.target_group, "unhealthy")
    before = target.checks
    target.health_status = 200
    await_state(stage.cloud.client, made.target_group, "healthy")
    assert target.checks == before + 2


@row(GUIDE + "target-group-health-checks.html", "the matcher takes codes and ranges")
def matcher(stage: Stage) -> None:
    made = stage.site(Matcher={"HttpCode": "201,300-399"})
    odd = [stage.target(health_status=302), stage.target(health_status=201)]
    register(stage.cloud.client, made.target_group, *odd)
    await_state(stage.cloud.client, made.target_group, "healthy", seconds=3)


@row(GUIDE + "target-group-health-checks.html", "health checks name themselves and use the path")
def check_request(stage: Stage) -> None:
    _, target = stage.served(HealthCheckPath="/health/deep?x=1")
    assert target.check_headers["user-agent"] == "ELB-HealthChecker/2.0"
    assert target.check_headers[":path"] == "/health/deep?x=1"


@row(GUIDE + "target-group-health-checks.html", "unused while no listener uses the group")
def unused(stage: Stage) -> None:
    group, target = stage.group(), stage.target()
    register(stage.cloud.client, group, target)
    assert health(stage.cloud.client, group)[target.address] == {
        "State": "unused",
        "Reason": "Target.NotInUse",
        "Description": "Target group is not configured to receive traffic from the load balancer",
    }
    assert target.checks == 0


@row(API + "API_DescribeTargetHealth.html", "what is not registered is unused")
def not_registered(stage: Stage) -> None:
    made, target = stage.served()
    rows = stage.elbv2.describe_target_health(
        TargetGroupArn=made.target_group, Targets=[{"Id": "10.0.0.9", "Port": 81}]
    )["TargetHealthDescriptions"]
    assert rows[0]["Target"] == {"Id": "10.0.0.9", "Port": 81}
    assert rows[0]["TargetHealth"]["Reason"] == "Target.NotRegistered"
    assert rows[0]["TargetHealth"]["State"] == "unused"
    assert target.address not in {one["Target"]["Id"] for one in rows}


@row(GUIDE + "target-group-register-targets.html", "one address may be registered on two ports")
def two_ports(stage: Stage) -> None:
    made, first = stage.served()
    second = stage.stack.enter_context(Target(first.address))
    register(stage.cloud.client, made.target_group, second)
    await_state(stage.cloud.client, made.target_group, "healthy")
    rows = stage.elbv2.describe_target_health(TargetGroupArn=made.target_group)
    ports = {one["Target"]["Port"] for one in rows["TargetHealthDescriptions"]}
    assert ports == {first.port, second.port}
    for _ in range(4):
        ask(made.host)
    assert first.requests
    assert second.requests


# --- draining ---------------------------------------------------------------------------------


def delay(stage: Stage, made: Site, seconds: int) -> None:
    stage.elbv2.modify_target_group_attributes(
        TargetGroupArn=made.target_group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}],
    )


@row(GUIDE + "edit-target-group-attributes.html", "a draining target finishes its requests")
def draining(stage: Stage) -> None:
    made, leaving = stage.served()
    delay(stage, made, 3)
    leaving.delay = 1.5
    slow = http.client.HTTPConnection(made.host, timeout=10)
    slow.request("GET", "/slow")
    time.sleep(0.2)
    staying = stage.target()
    register(stage.cloud.client, made.target_group, staying)
    await_state(stage.cloud.client, made.target_group, "healthy")
    deregister(stage.cloud.client, made.target_group, leaving)
    assert health(stage.cloud.client, made.target_group)[leaving.address] == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    assert {ask(made.host).body for _ in range(4)} == {staying.address}
    answer = slow.getresponse()
    assert (answer.status, answer.read().decode()) == (200, leaving.address)
    slow.request("GET", "/again")  # the client's connection outlives the target
    assert slow.getresponse().read().decode() == staying.address
    slow.close()
    time.sleep(3)
    assert leaving.address not in health(stage.cloud.client, made.target_group)


@row(GUIDE + "edit-target-group-attributes.html", "what outlasts the delay is cut")
def cut(stage: Stage) -> None:
    made, leaving = stage.served()
    delay(stage, made, 1)
    leaving.delay = 6
    slow = http.client.HTTPConnection(made.host, timeout=10)
    slow.request("GET", "/slow")
    time.sleep(0.2)
    began = time.monotonic()
    deregister(stage.cloud.client, made.target_group, leaving)
    try:
        status = slow.getresponse().status
    except http.client.RemoteDisconnected:
        status = 500
    assert status >= 500
    assert 0.8 < time.monotonic() - began < 3
    slow.close()


@row(GUIDE + "target-group-register-targets.html", "a draining target can be registered again")
def back_again(stage: Stage) -> None:
    made, target = stage.served()
    deregister(stage.cloud.client, made.target_group, target)
    assert ask(made.host).status == 503
    register(stage.cloud.client, made.target_group, target)
    await_state(stage.cloud.client, made.target_group, "healthy")
    assert ask(made.host).body == target.address


# --- rules ------------------------------------------------------------------------------------


def condition(field: str, *values: Any, **more: Any) -> dict[str, Any]:
    configs = {
        "host-header": "HostHeaderConfig",
        "path-pattern": "PathPatternConfig",
        "http-header": "HttpHeaderConfig",
        "http-request-method": "HttpRequestMethodConfig",
        "query-string": "QueryStringConfig",
        "source-ip": "SourceIpConfig",
    }
    return {"Field": field, configs[field]: {"Values": list(values), **more}}


CONDITIONS: list[tuple[str, dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]] = [
    # page's anchor, condition, requests that match, requests that don't
    (
        "host-conditions",
        condition("host-header", "*.example.com", "one.test"),
        [{"headers": {"Host": "A.Example.COM"}}, {"headers": {"Host": "one.test:80"}}],
        [{"headers": {"Host": "example.com"}}, {"headers": {"Host": "one.test.org"}}],
    ),
    (
        "path-conditions",
        condition("path-pattern", "/img/*", "/a?c"),
        [{"path": "/img/1.png?x=y"}, {"path": "/abc"}],
        [{"path": "/IMG/1.png"}, {"path": "/ac"}, {"path": "/abcd"}],
    ),
    (
        "http-header-conditions",
        condition("http-header", "*Chrome*", HttpHeaderName="User-Agent"),
        [{"headers": {"User-Agent": "Mozilla chrome/1"}}],
        [{"headers": {"User-Agent": "Firefox"}}, {}],
    ),
    (
        "http-request-method-conditions",
        condition("http-request-method", "POST", "PUT"),
        [{"method": "POST"}, {"method": "PUT"}],
        [{"method": "GET"}],
    ),
    (
        "query-string-conditions",
        condition("query-string", {"Key": "version", "Value": "v?"}, {"Value": "*deep*"}),
        [{"path": "/?a=1&Version=V1"}, {"path": "/?x=undeepened"}],
        [{"path": "/?version=v12"}, {"path": "/?xversion=v1"}, {"path": "/"}],
    ),
    (
        "source-ip-conditions",
        condition("source-ip", "127.0.0.0/8"),
        [{}],
        [],
    ),
    (
        "source-ip-conditions",
        condition("source-ip", "10.0.0.0/8"),
        [],
        [{}],
    ),
]


def _condition_row(wanted: dict[str, Any], matching: list[Any], others: list[Any]) -> Row:
    def check(stage: Stage) -> None:
        made = stage.site()
        stage.rule(made, 1, fixed("matched"), wanted)
        for request in matching:
            assert ask(made.host, **request).body == "matched", request
        for request in others:
            assert ask(made.host, **request).status == 503, request

    return check


for number, (anchor, wanted, matching, others) in enumerate(CONDITIONS):
    row(
        GUIDE + f"rule-condition-types.html#{anchor}",
        f"{wanted['Field']} conditions match ({number})",
    )(_condition_row(wanted, matching, others))


@row(GUIDE + "rule-condition-types.html", "all conditions of a rule must match")
def all_conditions(stage: Stage) -> None:
    made = stage.site()
    both = condition("path-pattern", "/a"), condition("http-request-method", "POST")
    stage.rule(made, 1, fixed("both"), *both)
    assert ask(made.host, "/a", "POST").body == "both"
    assert ask(made.host, "/a").status == 503
    assert ask(made.host, "/b", "POST").status == 503


@row(GUIDE + "listener-rules.html", "rules are evaluated from the lowest priority to the highest")
def priorities(stage: Stage) -> None:
    made = stage.site()
    late = stage.rule(made, 20, fixed("late"), condition("path-pattern", "/*"))
    early = stage.rule(made, 10, fixed("early"), condition("path-pattern", "/a*"))
    assert ask(made.host, "/a").body == "early"
    assert ask(made.host, "/b").body == "late"
    stage.elbv2.set_rule_priorities(
        RulePriorities=[{"RuleArn": late, "Priority": 10}, {"RuleArn": early, "Priority": 20}]
    )
    assert ask(made.host, "/a").body == "late"
    listed = stage.elbv2.describe_rules(ListenerArn=made.listener)["Rules"]
    assert [one["Priority"] for one in listed] == ["10", "20", "default"]


@row(API + "API_RedirectActionConfig.html", "redirects fill in what the request had")
def redirect(stage: Stage) -> None:
    made = stage.site()
    whole = {
        "Type": "redirect",
        "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
    }
    parts = {
        "Type": "redirect",
        "RedirectConfig": {
            "Host": "www.#{host}",
            "Path": "/new/#{path}",
            "Query": "#{query}&by=#{protocol}",
            "StatusCode": "HTTP_302",
        },
    }
    stage.rule(made, 1, whole, condition("path-pattern", "/secure/*"))
    stage.rule(made, 2, parts, condition("path-pattern", "/old/*"))
    secure = ask(made.host, "/secure/x?a=b%20c")
    assert (secure.status, secure.headers["location"]) == (
        301,
        f"https://{made.host}:443/secure/x?a=b%20c",
    )
    assert ask(made.host, "/secure/x").headers["location"] == f"https://{made.host}:443/secure/x"
    moved = ask(made.host, "/old/y?q=1", headers={"Host": "example.com"})
    assert (moved.status, moved.headers["location"]) == (
        302,
        "http://www.example.com:80/new/old/y?q=1&by=http",
    )


@row(API + "API_FixedResponseActionConfig.html", "a fixed response has status, type and body")
def fixed_response(stage: Stage) -> None:
    made = stage.site()
    body = '{"text": "it\'s \\ 100% \\"done\\" $HOME\nünïcode #1"}'
    action = {
        "Type": "fixed-response",
        "FixedResponseConfig": {
            "StatusCode": "418",
            "ContentType": "application/json",
            "MessageBody": body,
        },
    }
    stage.rule(made, 1, action, condition("path-pattern", "/tea"))
    answer = ask(made.host, "/tea")
    assert (answer.status, answer.headers["content-type"]) == (418, "application/json")
    assert answer.body == body
    assert answer.headers["server"] == "awselb/2.0"


@row(API + "API_ForwardActionConfig.html", "a forward action follows the weights")
def weights(stage: Stage) -> None:
    made, blue = stage.served()
    green_group, green = stage.group(), stage.target()
    shares = [(made.target_group, 1), (green_group, 3)]
    stage.elbv2.modify_listener(ListenerArn=made.listener, DefaultActions=[forward(shares)])
    register(stage.cloud.client, green_group, green)
    await_state(stage.cloud.client, green_group, "healthy")
    answers = [ask(made.host).body for _ in range(200)]
    assert 25 <= answers.count(blue.address) <= 80
    assert answers.count(blue.address) + answers.count(green.address) == 200
    stage.elbv2.modify_listener(
        ListenerArn=made.listener,
        DefaultActions=[forward([(made.target_group, 0), (green_group, 1)])],
    )
    assert {ask(made.host).body for _ in range(20)} == {green.address}


def forward(shares: list[tuple[str, int]]) -> dict[str, Any]:
    """A weighted forward action."""
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in shares]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


# --- refusals ---------------------------------------------------------------------------------


@row(API + "API_CreateListener.html", "a second listener on a port is refused")
def duplicate_port(stage: Stage) -> None:
    made = stage.site()
    stage.refused(
        "DuplicateListener",
        "create_listener",
        LoadBalancerArn=made.load_balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[fixed("x")],
    )


@row(API + "API_CreateListener.html", "an HTTPS listener needs a certificate")
def no_certificate(stage: Stage) -> None:
    made = stage.site()
    listener = {
        "LoadBalancerArn": made.load_balancer,
        "Protocol": "HTTPS",
        "Port": 443,
        "DefaultActions": [fixed("x")],
    }
    stage.refused("ValidationError", "create_listener", **listener)
    missing = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    stage.refused(
        "CertificateNotFound",
        "create_listener",
        **listener,
        Certificates=[{"CertificateArn": missing}],
    )


@row(API + "API_CreateLoadBalancer.html", "a name is taken, unless all settings are the same")
def duplicate_name(stage: Stage) -> None:
    settings = {
        "Name": f"row-{next(NUMBERS)}",
        "Subnets": stage.network.subnets,
        "SecurityGroups": [stage.network.security_group],
    }
    first = stage.elbv2.create_load_balancer(**settings)["LoadBalancers"][0]
    again = stage.elbv2.create_load_balancer(**settings)["LoadBalancers"][0]
    assert first["LoadBalancerArn"] == again["LoadBalancerArn"]
    stage.refused(
        "DuplicateLoadBalancerName", "create_load_balancer", **settings, Scheme="internal"
    )


@row(API + "API_CreateLoadBalancer.html", "two subnets of two zones are needed")
def subnets(stage: Stage) -> None:
    name = f"row-{next(NUMBERS)}"
    ec2 = stage.cloud.client("ec2")
    twin = ec2.create_subnet(
        VpcId=stage.network.vpc,
        CidrBlock=f"10.0.{next(NUMBERS)}.0/24",
        AvailabilityZone="us-east-1a",
    )["Subnet"]["SubnetId"]
    first = stage.network.subnets[0]
    for code, chosen in (
        ("ValidationError", [first]),
        ("InvalidConfigurationRequest", [first, twin]),
        ("InvalidSubnet", [first, "subnet-0123456789abcdef0"]),
    ):
        stage.refused(code, "create_load_balancer", Name=name, Subnets=chosen)


@row(API + "API_CreateLoadBalancer.html", "security groups must exist")
def security_groups(stage: Stage) -> None:
    stage.refused(
        "InvalidSecurityGroup",
        "create_load_balancer",
        Name=f"row-{next(NUMBERS)}",
        Subnets=stage.network.subnets,
        SecurityGroups=["sg-0123456789abcdef0"],
    )


@row(API + "API_CreateLoadBalancer.html", "an internet-facing one needs an internet gateway")
def internet_gateway(stage: Stage) -> None:
    ec2 = stage.cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    closed = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{i}.0/24", AvailabilityZone=f"us-east-1{z}")[
            "Subnet"
        ]["SubnetId"]
        for i, z in enumerate("ab")
    ]
    name = f"row-{next(NUMBERS)}"
    message = stage.refused("InvalidSubnet", "create_load_balancer", Name=name, Subnets=closed)
    assert message == f"VPC {vpc} has no internet gateway"
    stage.elbv2.create_load_balancer(Name=name, Subnets=closed, Scheme="internal")


@row(API + "API_DeleteLoadBalancer.html", "deletion protection is enforced")
def deletion_protection(stage: Stage) -> None:
    made = stage.site()
    attribute = "deletion_protection.enabled"
    for value in ("true", "false"):
        stage.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=made.load_balancer, Attributes=[{"Key": attribute, "Value": value}]
        )
        if value == "true":
            stage.refused(
                "OperationNotPermitted",
                "delete_load_balancer",
                LoadBalancerArn=made.load_balancer,
            )
    stage.elbv2.delete_load_balancer(LoadBalancerArn=made.load_balancer)
    with pytest.raises(ConnectionRefusedError):
        ask(made.host)


@row(API + "API_DeleteTargetGroup.html", "a target group in use is not deleted")
def group_in_use(stage: Stage) -> None:
    made = stage.site()
    stage.refused("ResourceInUse", "delete_target_group", TargetGroupArn=made.target_group)
    stage.elbv2.delete_listener(ListenerArn=made.listener)
    stage.elbv2.delete_target_group(TargetGroupArn=made.target_group)


@row(API + "API_CreateListener.html", "a target group serves one load balancer")
def group_of_another(stage: Stage) -> None:
    first, second = stage.site(), stage.site()
    stage.refused(
        "TargetGroupAssociationLimit",
        "modify_listener",
        ListenerArn=second.listener,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": first.target_group}],
    )


@row(API + "API_CreateRule.html", "a priority that is taken is refused")
def priority_in_use(stage: Stage) -> None:
    made = stage.site()
    stage.rule(made, 5, fixed("x"), condition("path-pattern", "/a"))
    stage.refused(
        "PriorityInUse",
        "create_rule",
        ListenerArn=made.listener,
        Priority=5,
        Conditions=[condition("path-pattern", "/b")],
        Actions=[fixed("y")],
    )


@row(API + "API_DeleteRule.html", "the default rule can't be deleted, a missing one is an error")
def default_rule(stage: Stage) -> None:
    made = stage.site()
    default = stage.elbv2.describe_rules(ListenerArn=made.listener)["Rules"][0]["RuleArn"]
    stage.refused("OperationNotPermitted", "delete_rule", RuleArn=default)
    gone = stage.rule(made, 5, fixed("x"), condition("path-pattern", "/a"))
    stage.elbv2.delete_rule(RuleArn=gone)
    assert ask(made.host, "/a").status == 503
    stage.refused("RuleNotFound", "delete_rule", RuleArn=gone)


@row(API + "API_RedirectActionConfig.html", "a redirect to itself is refused")
def redirect_loop(stage: Stage) -> None:
    made = stage.site()
    stage.refused(
        "InvalidLoadBalancerAction",
        "modify_listener",
        ListenerArn=made.listener,
        DefaultActions=[{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}],
    )


@row(API + "API_CreateTargetGroup.html", "health check settings must fit together")
def health_settings(stage: Stage) -> None:
    common = {
        "VpcId": stage.network.vpc,
        "Protocol": "HTTP",
        "Port": 80,
        "TargetType": "ip",
        "Name": f"row-{next(NUMBERS)}",
    }
    for wrong in (
        {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5},
        {"HealthCheckPath": "health"},
        {"Matcher": {"HttpCode": "200-600"}},
        {"HealthCheckEnabled": False},
    ):
        stage.refused("ValidationError", "create_target_group", **common, **wrong)


@row(API + "API_RegisterTargets.html", "only private addresses can be registered")
def public_target(stage: Stage) -> None:
    made = stage.site()
    for address in ("8.8.8.8", "i-0123456789abcdef0"):
        stage.refused(
            "InvalidTarget",
            "register_targets",
            TargetGroupArn=made.target_group,
            Targets=[{"Id": address}],
        )


@row(API + "API_LoadBalancerAttribute.html", "attributes out of range are refused")
def attribute_range(stage: Stage) -> None:
    made = stage.site()
    for key, value in (
        ("idle_timeout.timeout_seconds", "4001"),
        ("routing.http2.enabled", "maybe"),
        ("access_logs.s3.enabled", "perhaps"),
    ):
        stage.refused(
            "InvalidConfigurationRequest",
            "modify_load_balancer_attributes",
            LoadBalancerArn=made.load_balancer,
            Attributes=[{"Key": key, "Value": value}],
        )


@pytest.mark.parametrize(("page", "check"), ROWS)
def test_documented(stage: Stage, page: str, check: Row) -> None:
    assert page.startswith("https://docs.aws.amazon.com/")
    check(stage)
