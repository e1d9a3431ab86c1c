"""Roles of real tasks: what ECS may do under the execution role, and a container under its own.

One local cloud in a folder of its own; a small image from the project's base image.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import docker
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.server import process
from localcloud.server.docker_network import remove_network
from localcloud.shared.base_image import local_base_image

ACCOUNT = "123456789012"
REGION = "us-east-1"
DEADLINE_SECONDS = 300
SHOW_CREDENTIALS = (
    "import os, urllib.request as r; "
    "u = os.environ.get('AWS_CONTAINER_CREDENTIALS_FULL_URI') or "
    "'http://169.254.170.2' + os.environ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']; "
    "print(r.urlopen(u).read().decode(), flush=True)"
)


def allow(actions: list[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


@dataclass
class Cloud:
    """A running local cloud with a repository, a log group and a cluster."""

    endpoints: process.Endpoints
    image: str = ""
    subnet: str = ""
    count: int = 0

    def client(self, service: str, keys: dict[str, str] | None = None) -> Any:
        """A client; the account's root by default."""
        environment = self.endpoints.environment()
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoints.api_url,
            aws_access_key_id=keys["AccessKeyId"] if keys else environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["SecretAccessKey"]
            if keys
            else environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys["Token"] if keys else None,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    def role(self, *statements: dict[str, Any], service: str = "ecs-tasks.amazonaws.com") -> str:
        """A role that a service may assume for this account, with one inline policy."""
        self.count += 1
        name = f"role-{self.count}"
        iam = self.client("iam")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"},
            },
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
        return str(created["Role"]["Arn"])

    def execution(self, *, pull: bool = True, write: bool = True) -> str:
        """An execution role as the program makes it, perhaps with something missing."""
        repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/iam"
        logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/iam:*"
        rows = [allow(["ecr:GetAuthorizationToken"], "*")]
        if pull:
            actions = ["BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability"]
            rows.append(allow([f"ecr:{action}" for action in actions], repository))
        if write:
            rows.append(allow(["logs:CreateLogStream", "logs:PutLogEvents"], logs))
        return self.role(*rows)

    def run(self, execution: str, task_role: str | None = None, **container: Any) -> dict[str, Any]:
        """Runs a task until it has stopped; its description."""
        self.count += 1
        options = {
            "awslogs-group": "/iam",
            "awslogs-region": REGION,
            "awslogs-stream-prefix": "run",
        }
        definition = {
            "name": "app",
            "image": self.image,
            "command": ["python3", "-c", SHOW_CREDENTIALS],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            **container,
        }
        ecs = self.client("ecs")
        registered = ecs.register_task_definition(
            family=f"iam-{self.count}",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=execution,
            containerDefinitions=[definition],
            **({"taskRoleArn": task_role} if task_role else {}),
        )["taskDefinition"]["taskDefinitionArn"]
        started = ecs.run_task(
            cluster="iam",
            taskDefinition=registered,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [self.subnet]}},
        )["tasks"][0]["taskArn"]
        return self._await_stop(started)

    def _await_stop(self, task: str) -> dict[str, Any]:
        ecs = self.client("ecs")
        end = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            found: dict[str, Any] = ecs.describe_tasks(cluster="iam", tasks=[task])["tasks"][0]
            if found["lastStatus"] == "STOPPED":
                return found
            time.sleep(0.5)
        raise AssertionError(f"{task} did not stop within {DEADLINE_SECONDS} s: {found}")

    def printed(self, task: dict[str, Any]) -> str:
        """What the container wrote to its log."""
        stream = f"run/app/{task['taskArn'].rsplit('/', 1)[-1]}"
        logs = self.client("logs")
        events = logs.get_log_events(logGroupName="/iam", logStreamName=stream)["events"]
        return "\n".join(event["message"] for event in events)


def push(cloud: Cloud) -> str:
    """Pushes the base image to the cloud's registry; its reference."""
    ecr = cloud.client("ecr")
    address = ecr.create_repository(repositoryName="iam")["repository"]["repositoryUri"]
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, password = base64.b64decode(token).decode().split(":", 1)
    engine = docker.from_env()
    steps: list[str] = []
    try:
        engine.images.get(local_base_image(steps.append)).tag(address, "1")
        login = {"username": user, "password": password}
        for line in engine.images.push(
            address, tag="1", auth_config=login, stream=True, decode=True
        ):
            assert "error" not in line, line
        engine.images.remove(f"{address}:1")
    finally:
        engine.close()
    return f"{address}:1"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud, stopped afterwards."""
    state_dir: Path = tmp_path_factory.mktemp("iam") / ".localcloud"
    running = Cloud(process.start(state_dir))
    try:
        running.image = push(running)
        running.client("ecs").create_cluster(clusterName="iam")
        running.client("logs").create_log_group(logGroupName="/iam")
        running.subnet = running.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
        yield running
    finally:
        process.stop(state_dir)
        clean(running.image, process.instance_of(state_dir))


def clean(image: str, instance: str) -> None:
    """Removes what the local cloud leaves in Docker for its next start."""
    engine = docker.from_env()
    try:
        if image:
            engine.images.remove(image)
        remove_network(engine, instance)
    finally:
        engine.close()


def test_a_container_acts_as_its_task_role(cloud: Cloud) -> None:
    role = cloud.role(allow(["s3:ListAllMyBuckets"], "*"))
    task = cloud.run(cloud.execution(), role)
    keys = json.loads(cloud.printed(task))
    assert keys["RoleArn"] == role
    session = f"{role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/"
    assert cloud.client("sts", keys).get_caller_identity()["Arn"].startswith(session)
    cloud.client("s3", keys).list_buckets()
    with pytest.raises(ClientError, match="because no identity-based policy allows"):
        cloud.client("ec2", keys).describe_vpcs()


def test_an_execution_role_that_may_not_pull(cloud: Cloud) -> None:
    task = cloud.run(cloud.execution(pull=False))
    assert "CannotPullContainerError" in task["stoppedReason"]
    assert "ecr:BatchGetImage" in task["stoppedReason"]


def test_an_execution_role_that_may_not_write_logs(cloud: Cloud) -> None:
    task = cloud.run(cloud.execution(write=False))
    assert "ResourceInitializationError" in task["stoppedReason"]
    assert "logs:CreateLogStream" in task["stoppedReason"]


def test_an_execution_role_that_may_not_read_the_secret(cloud: Cloud) -> None:
    arn = cloud.client("secretsmanager").create_secret(Name="key", SecretString="x")["ARN"]
    task = cloud.run(cloud.execution(), secrets=[{"name": "KEY", "valueFrom": arn}])
    assert "ResourceInitializationError" in task["stoppedReason"]
    assert "secretsmanager:GetSecretValue" in task["stoppedReason"]


def test_a_role_that_does_not_trust_tasks(cloud: Cloud) -> None:
    stranger = cloud.role(allow(["ecr:*"], "*"), service="codebuild.amazonaws.com")
    task = cloud.run(stranger)
    assert "unable to assume the role" in task["stoppedReason"]
