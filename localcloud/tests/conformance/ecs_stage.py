"""What ECS's conformance rows play on: a local cloud of its own, a network, a small application."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import boto3
import docker
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.server import process
from localcloud.server.docker_network import remove_network
from localcloud.shared.base_image import local_base_image

REGION = "us-east-1"
ACCOUNT = "123456789012"
PORT = 9292
GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"
LOG_GROUP = "/conformance/ecs"
PATIENCE_SECONDS = 300.0
"""How long anything may take on a machine that is busy with other tests; nothing takes it all."""
NUMBERS = count(1)
T = TypeVar("T")

# A web server that misbehaves as its variables say.
APPLICATION = """
import http.server, os, signal, threading, time
time.sleep(float(os.environ.get("START_DELAY", "0")))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = os.environ.get("VERSION", "none").encode()
        self.send_response(int(os.environ.get("STATUS", "200")))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
def told(*_):
    print("told to stop", flush=True)
    if os.environ.get("DEAF") != "yes":
        os._exit(0)
signal.signal(signal.SIGTERM, told)
if "CRASH_AFTER" in os.environ:
    threading.Timer(float(os.environ["CRASH_AFTER"]), lambda: os._exit(3)).start()
print("listening", flush=True)
address = ("0.0.0.0", int(os.environ.get("PORT", "9292")))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


@dataclass
class Site:
    """A load balancer with a target group.

    Attributes:
        url: where the load balancer listens.
    """

    group: str
    url: str


@dataclass
class Stage:
    """A running local cloud, and what rows need again and again."""

    state_dir: Path
    endpoints: process.Endpoints
    image: str
    engine: Any
    subnets: list[str] = field(default_factory=list)
    vpc: str = ""
    execution_role: str = ""
    task_role: str = ""
    services: list[tuple[str, str]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        """A boto3 client as the account's root."""
        keys = self.endpoints.environment()
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoints.api_url,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, retries={"total_max_attempts": 2}),
        )

    @property
    def ecs(self) -> Any:
        """The API under test."""
        return self.client("ecs")

    def role(
        self, name: str, service: str = "ecs-tasks.amazonaws.com", *, allowed: str = "*"
    ) -> str:
        """A role that a service may assume, and the actions that it is allowed."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        made = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        statement = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
        iam.put_role_policy(
            RoleName=name,
            PolicyName="all",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        return str(made["Role"]["Arn"])

    def cluster(self) -> str:
        """A new cluster's name."""
        name = f"cluster-{next(NUMBERS)}"
        self.ecs.create_cluster(clusterName=name)
        return name

    def definition(self, *more: dict[str, Any], **container: Any) -> str:
        """A task definition of the application, perhaps changed, with sidecars before it."""
        task = container.pop("task", {})
        variables = container.pop("variables", {})
        options = {
            "awslogs-group": LOG_GROUP,
            "awslogs-region": REGION,
            "awslogs-stream-prefix": "row",
        }
        app = {
            "name": "app",
            "image": self.image,
            "command": ["python3", "-c", APPLICATION],
            "portMappings": [{"containerPort": PORT}],
            "stopTimeout": 5,
            "environment": [{"name": n, "value": str(v)} for n, v in variables.items()],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }
        request = {
            "family": f"family-{next(NUMBERS)}",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": self.execution_role,
            "taskRoleArn": self.task_role,
            "containerDefinitions": [*more, app | container],
        }
        made = self.ecs.register_task_definition(**(request | task))
        return str(made["taskDefinition"]["taskDefinitionArn"])

    @property
    def network(self) -> dict[str, Any]:
        """The network configuration of tasks and services."""
        return {"awsvpcConfiguration": {"subnets": self.subnets}}

    def site(self, *, drained_for: int = 3, **group: Any) -> Site:
        """A load balancer that forwards port 80 to a new target group; its drain in seconds."""
        elbv2, name = self.client("elbv2"), f"row-{next(NUMBERS)}"
        balancer = elbv2.create_load_balancer(Name=name, Subnets=self.subnets)["LoadBalancers"][0]
        options = {
            "Protocol": "HTTP",
            "Port": PORT,
            "VpcId": self.vpc,
            "TargetType": "ip",
            "HealthCheckIntervalSeconds": 5,
            "HealthCheckTimeoutSeconds": 4,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 2,
        }
        made = elbv2.create_target_group(Name=name, **(options | group))["TargetGroups"][0]
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(drained_for)}
        arn = made["TargetGroupArn"]
        elbv2.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[delay])
        elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        return Site(arn, f"http://{balancer['DNSName']}/")

    def service(self, cluster: str, definition: str, site: Site | None, **others: Any) -> str:
        """A service of one task that is rolled back when it fails; its name."""
        name = f"service-{next(NUMBERS)}"
        request: dict[str, Any] = {
            "desiredCount": 1,
            "launchType": "FARGATE",
            "networkConfiguration": self.network,
            "deploymentConfiguration": {
                "deploymentCircuitBreaker": {"enable": True, "rollback": True}
            },
        }
        if site is not None:
            request["loadBalancers"] = [
                {"targetGroupArn": site.group, "containerName": "app", "containerPort": PORT}
            ]
        self.ecs.create_service(
            cluster=cluster, serviceName=name, taskDefinition=definition, **(request | others)
        )
        self.services.append((cluster, name))
        return name

    def described(self, cluster: str, service: str) -> dict[str, Any]:
        """DescribeServices of one."""
        answer = self.ecs.describe_services(cluster=cluster, services=[service])
        return dict(answer["services"][0])

    def rolled_out(
        self, cluster: str, service: str, seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """The service once its newest deployment is no longer in progress."""

        def ended() -> dict[str, Any] | None:
            found = self.described(cluster, service)
            primary = found["deployments"][0]
            others = primary["rolloutState"] == "COMPLETED" and len(found["deployments"]) > 1
            return None if primary["rolloutState"] == "IN_PROGRESS" or others else found

        return wait_for(ended)

    def ledger(self, cluster: str, service: str) -> list[dict[str, Any]]:
        """The service's deployments in the ledger, newest first."""
        listed = self.ecs.list_service_deployments(cluster=cluster, service=service)
        return list(listed["serviceDeployments"])

    def tasks(self, cluster: str, **given: Any) -> list[dict[str, Any]]:
        """Tasks of a cluster, described."""
        arns = self.ecs.list_tasks(cluster=cluster, **given)["taskArns"]
        if not arns:
            return []
        return list(self.ecs.describe_tasks(cluster=cluster, tasks=arns, include=["TAGS"])["tasks"])

    def run(self, definition: str, **others: Any) -> str:
        """RunTask on a cluster of its own; the task's ARN."""
        cluster = self.cluster()
        started = self.ecs.run_task(
            cluster=cluster,
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration=self.network,
            **others,
        )
        return str(started["tasks"][0]["taskArn"])

    def open_task(self, cluster: str, definition: str) -> str:
        """The ARN of a task that runs and that ExecuteCommand may enter."""
        started = self.ecs.run_task(
            cluster=cluster,
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration=self.network,
            enableExecuteCommand=True,
        )
        return str(self.reached(started["tasks"][0]["taskArn"], "RUNNING")["taskArn"])

    def task(self, arn: str) -> dict[str, Any]:
        """DescribeTasks of one."""
        answer = self.ecs.describe_tasks(cluster=arn.split("/")[1], tasks=[arn])
        return dict(answer["tasks"][0])

    def reached(self, arn: str, status: str) -> dict[str, Any]:
        """The task once it has a status."""

        def there() -> dict[str, Any] | None:
            found = self.task(arn)
            return found if found["lastStatus"] == status else None

        return wait_for(there)

    def ran(self, **container: Any) -> tuple[dict[str, Any], list[str]]:
        """Runs a command to its end: the task and the lines that it printed."""
        arn = self.run(self.definition(**container))
        task = self.reached(arn, "STOPPED")
        return task, self.printed(arn)

    def printed(self, task_arn: str) -> list[str]:
        """What the application's container wrote to its log."""
        return self.stream(LOG_GROUP, f"row/app/{task_arn.rpartition('/')[2]}")

    def stream(self, group: str, name: str) -> list[str]:
        """The messages of a log stream; none where there is no such stream."""
        try:
            events = self.client("logs").get_log_events(
                logGroupName=group, logStreamName=name, startFromHead=True
            )["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return []
        return [event["message"] for event in events]

    def container(self, task: dict[str, Any], name: str = "app") -> Any:
        """Docker's view of a task's container."""
        found = next(c for c in task["containers"] if c["name"] == name)
        return self.engine.containers.get(found["runtimeId"])

    def await_inactive(self, cluster: str, service: str) -> None:
        """Wait until a deleted service's last task has stopped."""
        wait_for(lambda: self.described(cluster, service)["status"] == "INACTIVE")

    def await_running(self, cluster: str, service: str, count: int) -> None:
        """Wait until so many tasks of a service run."""
        wait_for(lambda: self.described(cluster, service)["runningCount"] == count)

    def delete_services(self) -> None:
        """Delete every service that a row has left."""
        for cluster, name in self.services:
            found = self.described(cluster, name)
            if found["status"] == "ACTIVE":
                self.ecs.delete_service(cluster=cluster, service=name, force=True)
        for cluster, name in self.services:
            self.await_inactive(cluster, name)
        self.services.clear()


class Load:
    """A steady stream of requests to a URL, one after the other, by two clients."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seen: list[tuple[int, str]] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(2)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._ended.wait(0.05):
            try:
                status, body = answer(self._url)
            except (OSError, http.client.HTTPException) as error:
                status, body = 0, str(error)
            self._seen.append((status, body))

    def bodies(self) -> set[tuple[int, str]]:
        """What was answered, each once."""
        return {(status, body) for status, body in self._seen}

    def longest_absence(self, body: str) -> int:
        """The most answers in a row that were not this one."""
        return max(
            len(list(run)) if not same else 0
            for same, run in itertools.groupby(found == body for _, found in self._seen)
        )


def wait_for(look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """Looks until there is something to see.

    Raises:
        AssertionError: nothing within the time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError(f"not within {seconds} s")


def answer(url: str) -> tuple[int, str]:
    """The status and body that a URL answers with."""
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def refused(call: Callable[[], object]) -> tuple[str, str]:
    """The code and the words with which a call is refused."""
    try:
        call()
    except ClientError as error:
        details = error.response["Error"]
        return details["Code"], details["Message"]
    raise AssertionError("it was not refused")


@contextmanager
def stage(state_dir: Path) -> Iterator[Stage]:
    """A local cloud for the rows; afterwards nothing of it is left in Docker."""
    made = Stage(
        state_dir, process.start(state_dir), local_base_image(lambda _: None), docker.from_env()
    )
    try:
        _furnish(made)
        yield made
    finally:
        made.delete_services()
        process.stop(state_dir)
        _remove_containers(made.engine, process.instance_of(state_dir))
        remove_network(made.engine, process.instance_of(state_dir))
        made.engine.close()


def _furnish(made: Stage) -> None:
    ec2 = made.client("ec2")
    made.vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=made.vpc)
    made.subnets = [
        ec2.create_subnet(
            VpcId=made.vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    made.execution_role = made.role("execution")
    made.task_role = made.role("task")
    made.client("logs").create_log_group(logGroupName=LOG_GROUP)


def _remove_containers(engine: Any, instance: str) -> None:
    label = {"label": f"fargate-cd.instance={instance}"}
    for container in engine.containers.list(all=True, ignore_removed=True, filters=label):
        container.remove(force=True, v=True)
