"""What the rows of the load balancer's conformance table play on."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.tests.elb_harness import (
    Cloud,
    Network,
    Site,
    Target,
    await_state,
    cloud,
    forget_everything,
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
    connection = http.client.HTTPConnection(host, timeout=60)
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


@contextmanager
def running(state_dir: Path) -> Iterator[tuple[Cloud, Network]]:
    """The gateway, and a VPC."""
    forget_everything()
    with cloud(state_dir) as started:
        yield started, network(started.client)
    forget_everything()


Row = Callable[[Stage], None]


class Table:
    """Rows in the order of their making: each a page of AWS's documentation and a behaviour."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def row(self, page: str, words: str) -> Callable[[Row], Row]:
        """Adds a row: the page that documents the behaviour, and the behaviour in words."""

        def add(check: Row) -> Row:
            self.rows.append(pytest.param(page, check, id=words.replace(" ", "-")))
            return check

        return add


def play(started: tuple[Cloud, Network], page: str, check: Row) -> None:
    """Play a row."""
    assert page.startswith("https://docs.aws.amazon.com/")
    with ExitStack() as stack:
        check(Stage(*started, stack))


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


def forward(shares: list[tuple[str, int]]) -> dict[str, Any]:
    """A weighted forward action."""
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in shares]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
