"""What the local cloud's load balancer costs and keeps: its start-up, memory, requests a second and
latency beside the bare target, and the requests that are lost while targets are replaced.

`python -m benchmarks.rollout [GENERATIONS]` starts a local cloud of its own in a temporary folder
and prints one JSON document.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

from benchmarks.rollout_load import Load, Outcome
from localcloud.server import process
from localcloud.server.process import Endpoints

MEASURED_SECONDS = 5
CLIENTS = 16
GENERATIONS = 50
DELAY_SECONDS = 1
CHECK_SECONDS = 5

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Site:
    """A load balancer with one listener and one target group."""

    host: str
    group: str


@contextmanager
def target(address: str) -> Iterator[int]:
    """A target in a process of its own; its port."""
    running = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.rollout_target", address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if running.stdout is None:
        raise RuntimeError("the target has no output")
    try:
        yield int(running.stdout.readline())
    finally:
        running.communicate(timeout=10)


def clients(endpoints: Endpoints) -> Client:
    """boto3 clients of a local cloud."""
    keys = endpoints.environment()
    return lambda service: boto3.client(
        service,
        endpoint_url=keys["AWS_ENDPOINT_URL"],
        region_name=keys["AWS_REGION"],
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}),
    )


def make_site(client: Client) -> Site:
    """Make a network, a load balancer and a target group."""
    ec2, elbv2 = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )
        for i, zone in enumerate("ab")
    ]
    balancer = elbv2.create_load_balancer(
        Name="benchmark",
        Scheme="internal",
        Subnets=[subnet["Subnet"]["SubnetId"] for subnet in subnets],
    )["LoadBalancers"][0]
    group = elbv2.create_target_group(
        Name="benchmark",
        VpcId=vpc,
        Protocol="HTTP",
        Port=80,
        TargetType="ip",
        HealthCheckIntervalSeconds=CHECK_SECONDS,
        HealthCheckTimeoutSeconds=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    elbv2.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(DELAY_SECONDS)}],
    )
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return Site(balancer["DNSName"], group)


def states(client: Client, group: str) -> dict[str, str]:
    """Address → state of the targets."""
    rows = client("elbv2").describe_target_health(TargetGroupArn=group)
    return {
        row["Target"]["Id"]: row["TargetHealth"]["State"]
        for row in rows["TargetHealthDescriptions"]
    }


def change(client: Client, verb: str, group: str, targets: dict[str, int]) -> None:
    """`register` or `deregister` targets, and wait until they are healthy or gone."""
    rows = [{"Id": address, "Port": port} for address, port in targets.items()]
    getattr(client("elbv2"), f"{verb}_targets")(TargetGroupArn=group, Targets=rows)
    wanted = "healthy" if verb == "register" else None
    deadline = time.monotonic() + 30
    while any(states(client, group).get(address) != wanted for address in targets):
        if time.monotonic() > deadline:
            raise TimeoutError(f"targets are {states(client, group)}, not {wanted}")
        time.sleep(0.02)


def measured(host: str, port: int) -> dict[str, float]:
    """Requests a second and milliseconds of a load without pauses."""
    with Load(host, port, clients=CLIENTS, pause=0) as outcome:
        time.sleep(MEASURED_SECONDS)
    if outcome.failures:
        raise RuntimeError(f"requests failed: {outcome.answered} {outcome.lost}")
    ordered = sorted(outcome.seconds)
    return {
        "requests_per_second": round(len(ordered) / MEASURED_SECONDS),
        "median_ms": round(1000 * statistics.median(ordered), 2),
        "p99_ms": round(1000 * ordered[int(0.99 * len(ordered))], 2),
    }


def replaced(client: Client, site: Site, generations: int) -> dict[str, Any]:
    """Replace two targets by two others again and again under load, each process ended as soon
    as it is drained."""
    with ExitStack() as last, Load(site.host, clients=CLIENTS) as outcome:
        old, ending = _generation(client, site, 0, last)
        began = time.monotonic()
        _settled(outcome)
        for number in range(1, generations + 1):
            new, new_ending = _generation(client, site, number, last)
            change(client, "deregister", site.group, old)
            ending.close()
            old, ending = new, new_ending
        seconds = time.monotonic() - began
    return {
        "generations": generations,
        "requests": outcome.answered.total() + outcome.lost.total(),
        "failed": outcome.failures,
        "connections_reopened": outcome.connections - CLIENTS,
        "seconds_per_generation": round(seconds / generations, 2),
    }


def _settled(outcome: Outcome) -> None:
    """Forget what was answered before there were targets."""
    time.sleep(0.2)
    outcome.answered.clear()
    outcome.lost.clear()


def _generation(
    client: Client, site: Site, number: int, last: ExitStack
) -> tuple[dict[str, int], ExitStack]:
    stack = last.enter_context(ExitStack())
    addresses = [f"127.9.{number % 250}.{one}" for one in (1, 2)]
    made = {address: stack.enter_context(target(address)) for address in addresses}
    change(client, "register", site.group, made)
    return made, stack


def memory(endpoints: Endpoints) -> dict[str, int]:
    """Megabytes of the local cloud's process, and of HAProxy's."""
    haproxy = [
        one.info["memory_info"].rss
        for one in psutil.process_iter(["name", "cmdline", "memory_info"])
        if one.info["name"] == "haproxy" and endpoints.state_dir in " ".join(one.info["cmdline"])
    ]
    own = psutil.Process(endpoints.pid).memory_info().rss
    return {"local_cloud_mb": own // 2**20, "haproxy_mb": sum(haproxy) // 2**20}


def run(generations: int, state_dir: Path) -> dict[str, Any]:
    """All figures."""
    began = time.perf_counter()
    endpoints = process.start(state_dir)
    figures: dict[str, Any] = {"start_seconds": round(time.perf_counter() - began, 2)}
    try:
        client = clients(endpoints)
        site = make_site(client)
        with target("127.9.255.1") as port:
            change(client, "register", site.group, {"127.9.255.1": port})
            figures["target_alone"] = measured("127.9.255.1", port)
            figures["through_load_balancer"] = measured(site.host, 80)
            change(client, "deregister", site.group, {"127.9.255.1": port})
        figures["replacing_targets"] = replaced(client, site, generations)
        figures["memory"] = memory(endpoints)
        os.kill(endpoints.pid, signal.SIGKILL)
        began = time.perf_counter()
        endpoints = process.start(state_dir)
        figures["restart_after_kill_seconds"] = round(time.perf_counter() - began, 2)
    finally:
        process.stop(state_dir)
    return figures


def main() -> None:
    """Print the figures."""
    generations = int(sys.argv[1]) if len(sys.argv) > 1 else GENERATIONS
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(run(generations, Path(folder)), indent=2) + "\n")


if __name__ == "__main__":
    main()
