"""What the load balancer's tests stand on: the gateway with Elb alone, and small real targets."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from localcloud.elb import Elb
from localcloud.emulator.emulator import Emulator, backends
from localcloud.gateway.access_keys import Keys
from localcloud.gateway.gateway import Gateway
from localcloud.server.cloud import ACCOUNT, Clients
from localcloud.server.serving import listen, serve
from localcloud.shared.service import Credentials, Surroundings

REGION = "us-east-1"
INSTANCE = f"elbtest{os.getpid()}"
"""Two processes of one name would give their load balancers the same addresses."""
ROOT = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY")


@dataclass
class Cloud:
    """A running gateway with the load balancer's service."""

    elb: Elb
    client: Callable[..., Any]
    state_dir: Path


@contextmanager
def cloud(state_dir: Path, instance: str = INSTANCE, keep_serving: bool = False) -> Iterator[Cloud]:
    """The gateway with Elb; `keep_serving` leaves HAProxy behind, as a killed daemon does."""
    gateway = Gateway(
        account=ACCOUNT, region=REGION, emulator=Emulator(), find_key=Keys(ROOT, ACCOUNT).find
    )
    bound = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    client = Clients(url, ROOT)
    surroundings = Surroundings(
        str(state_dir), instance, ACCOUNT, REGION, url, "localhost:0", "none", "127.0.0.1", client
    )
    elb = Elb(surroundings)
    gateway.add(elb)
    server = serve(gateway, bound, "test gateway")
    elb.start()
    try:
        yield Cloud(elb, client, state_dir)
    finally:
        if keep_serving:
            elb.data_plane.abandon()
        else:
            elb.stop()
        server.stop()


def forget_everything() -> None:
    """Empty the emulator, which is one for the whole process."""
    for service in ("acm", "cloudwatch", "ec2", "elbv2", "iam", "route53", "s3"):
        backends(service).reset()


@dataclass
class Target:
    """A small web server; its behaviour may change while it runs."""

    address: str
    port: int = 0
    status: int = 200
    health_status: int = 200
    delay: float = 0
    health_delay: float = 0
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    checks: int = 0
    check_headers: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Target:
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path.startswith("/health"):
                    target.checks += 1
                    lowered = {name.lower(): value for name, value in self.headers.items()}
                    target.check_headers = {":path": self.path, **lowered}
                    time.sleep(target.health_delay)
                    self._answer(target.health_status)
                    return
                target.requests.append((self.command, self.path, dict(self.headers)))
                time.sleep(target.delay)
                self._answer(target.status)

            def handle(self) -> None:
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    super().handle()

            def _answer(self, status: int) -> None:
                body = f"{target.address}".encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 -- http.server's names

            def log_message(self, *_: object) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server((self.address, self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more; once is enough."""
        self._server.shutdown()
        self._server.server_close()

    def last_headers(self) -> dict[str, str]:
        """The headers of the last request, by lower-case name."""
        return {name.lower(): value for name, value in self.requests[-1][2].items()}


@dataclass(frozen=True)
class Site:
    """A load balancer with one target group and one listener."""

    load_balancer: str
    host: str
    target_group: str
    listener: str


@dataclass(frozen=True)
class Network:
    """A VPC with two subnets in two zones."""

    vpc: str
    subnets: list[str]
    security_group: str


def network(client: Callable[..., Any]) -> Network:
    """Make a VPC."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for i, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName="web", Description="web")["GroupId"]
    return Network(vpc, subnets, group)


def target_group(client: Callable[..., Any], vpc: str, name: str, **others: Any) -> str:
    """Make a target group that is checked quickly; its ARN."""
    settings = {
        "Protocol": "HTTP",
        "Port": 80,
        "TargetType": "ip",
        "HealthCheckPath": "/health",
        "HealthCheckIntervalSeconds": 5,
        "HealthCheckTimeoutSeconds": 2,
        "UnhealthyThresholdCount": 2,
        "HealthyThresholdCount": 2,
        **others,
    }
    elbv2 = client("elbv2")
    arn: str = elbv2.create_target_group(Name=name, VpcId=vpc, **settings)["TargetGroups"][0][
        "TargetGroupArn"
    ]
    return arn


def site(client: Callable[..., Any], name: str, net: Network | None = None, **group: Any) -> Site:
    """Make a load balancer on port 80 with a target group behind it."""
    net = net or network(client)
    elbv2 = client("elbv2")
    balancer = elbv2.create_load_balancer(
        Name=name, Subnets=net.subnets, SecurityGroups=[net.security_group]
    )["LoadBalancers"][0]
    arn = target_group(client, net.vpc, name, **group)
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )["Listeners"][0]["ListenerArn"]
    return Site(balancer["LoadBalancerArn"], balancer["DNSName"], arn, listener)


def register(client: Callable[..., Any], group: str, *targets: Target) -> None:
    """Register targets with a group."""
    client("elbv2").register_targets(
        TargetGroupArn=group, Targets=[{"Id": t.address, "Port": t.port} for t in targets]
    )


def deregister(client: Callable[..., Any], group: str, *targets: Target) -> None:
    """Deregister targets from a group."""
    client("elbv2").deregister_targets(
        TargetGroupArn=group, Targets=[{"Id": t.address, "Port": t.port} for t in targets]
    )


def health(client: Callable[..., Any], group: str) -> dict[str, dict[str, Any]]:
    """Address → TargetHealth of every target of a group."""
    rows = client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {row["Target"]["Id"]: row["TargetHealth"] for row in rows}


def await_true(look: Callable[[], bool], seconds: float = 180) -> None:
    """Wait until something is so, however busy the machine is."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def await_state(client: Callable[..., Any], group: str, state: str, seconds: float = 180) -> None:
    """Wait until all targets of a group are in a state."""
    deadline = time.monotonic() + seconds
    while {row["State"] for row in health(client, group).values()} != {state}:
        if time.monotonic() > deadline:
            raise AssertionError(f"not {state} after {seconds} s: {health(client, group)}")
        time.sleep(0.05)
