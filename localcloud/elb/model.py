"""What a load balancer is, in plain values: the description that HAProxy's configuration and the
health checks are made from. No network, no emulator, no files.

Source of the terms: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Types.html
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class State(enum.StrEnum):
    """A target's health, as DescribeTargetHealth answers it.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"


@dataclass(frozen=True)
class HealthCheck:
    """How a target group's targets are checked; intervals and timeouts in seconds."""

    protocol: str
    port: int | None
    path: str
    matcher: str
    interval: float
    timeout: float
    healthy_threshold: int
    unhealthy_threshold: int


@dataclass(frozen=True)
class TargetGroup:
    """A set of targets that serve the same requests.

    Attributes:
        arn: its ARN.
        protocol: HTTP or HTTPS, spoken with the targets.
        health_check: how its targets are checked.
        attributes: the attributes by their AWS keys.
        used: whether a listener or a rule forwards to it.
        idle_timeout: seconds without a byte after which a request to a target is given up;
            the load balancer's.
    """

    arn: str
    protocol: str
    health_check: HealthCheck
    attributes: Mapping[str, str]
    used: bool
    idle_timeout: int = 60

    @property
    def backend(self) -> str:
        """The name of its HAProxy backend."""
        name, identifier = self.arn.split("/")[-2:]
        return f"{name}.{identifier}"

    @property
    def deregistration_delay(self) -> float:
        """Seconds that a deregistered target may go on answering what it has begun."""
        return float(self.attributes["deregistration_delay.timeout_seconds"])


@dataclass(frozen=True)
class Condition:
    """One condition of a rule: a request matches it if it matches any of the values.

    Attributes:
        field: such as `host-header`.
        values: wildcard patterns; for `query-string` a pair of `key` (or None) and `value`.
        header: the header's name, for `http-header`.
    """

    field: str
    values: tuple[str | tuple[str | None, str], ...]
    header: str = ""


@dataclass(frozen=True)
class Forward:
    """Send the request to one of the target groups, in proportion to their weights."""

    weights: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Redirect:
    """Answer with another address; each part may hold `#{host}` and its like."""

    status: int
    protocol: str
    host: str
    port: str
    path: str
    query: str


@dataclass(frozen=True)
class FixedResponse:
    """Answer at once."""

    status: int
    content_type: str
    body: str


Action = Forward | Redirect | FixedResponse


@dataclass(frozen=True)
class Rule:
    """What to do with the requests that match all the conditions; the default rule has none."""

    priority: int | None
    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True)
class Tls:
    """A security policy in OpenSSL's terms.

    Attributes:
        minimum: such as `TLSv1.2`.
        maximum: such as `TLSv1.3`.
        ciphers: of TLS 1.2 and below.
        suites: of TLS 1.3.
    """

    minimum: str
    maximum: str
    ciphers: tuple[str, ...]
    suites: tuple[str, ...]


@dataclass(frozen=True)
class Listener:
    """A port of a load balancer.

    Attributes:
        arn: its ARN.
        protocol: HTTP or HTTPS.
        port: the port of the API.
        address: where it listens on this machine.
        local_port: the port that it listens on, on this machine.
        rules: in order of priority, the default rule last.
        certificates: paths of PEM files with chain and key, the default one first.
        tls: what of TLS it speaks; None for HTTP.
        attributes: the attributes by their AWS keys.
    """

    arn: str
    protocol: str
    port: int
    address: str
    local_port: int
    rules: tuple[Rule, ...]
    certificates: tuple[str, ...] = ()
    tls: Tls | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadBalancer:
    """An Application Load Balancer with its listeners.

    Attributes:
        arn: its ARN.
        attributes: the attributes by their AWS keys, defaults included.
        local_ports: the port of the API → the port on this machine, where they differ.
    """

    arn: str
    attributes: Mapping[str, str]
    listeners: tuple[Listener, ...]
    local_ports: Mapping[int, int] = field(default_factory=dict)

    def flag(self, attribute: str) -> bool:
        """Whether a true-or-false attribute is on."""
        return self.attributes.get(attribute) == "true"

    def forwarded_groups(self) -> set[str]:
        """The ARNs of the target groups that its rules forward to."""
        return {
            arn
            for listener in self.listeners
            for rule in listener.rules
            if isinstance(rule.action, Forward)
            for arn, _ in rule.action.weights
        }

    @property
    def idle_timeout(self) -> int:
        """Seconds without a byte after which a connection is closed."""
        return int(self.attributes["idle_timeout.timeout_seconds"])


@dataclass(frozen=True)
class Server:
    """A target as HAProxy sees it.

    Attributes:
        name: its name within the backend.
        address: its IP address.
        port: its port.
        routable: whether new requests may go to it.
    """

    name: str
    address: str
    port: int
    routable: bool


@dataclass(frozen=True)
class Door:
    """A port of 127.0.0.1 at which names below `localhost` are let in.

    Attributes:
        port: the port.
        secure: whether clients speak TLS there.
        ways: name, which may begin with `*.`, and `ADDRESS:PORT` of the load balancer's listener;
            the first that fits counts.
    """

    port: int
    secure: bool
    ways: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Plane:
    """Everything that HAProxy serves: load balancers, servers by backend, and names' doors."""

    load_balancers: tuple[LoadBalancer, ...]
    target_groups: tuple[TargetGroup, ...]
    servers: Mapping[str, tuple[Server, ...]]
    doors: tuple[Door, ...] = ()
