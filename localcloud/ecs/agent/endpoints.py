"""The task metadata endpoint (version 4) and the credentials endpoint, for containers only.

They answer on 169.254.170.2, the address that AWS's SDKs trust for credentials, which is put on a
Docker bridge of its own: containers reach it by their default route, other machines don't.
Differs from AWS: the port is not 80, since several local clouds may run on one machine; SDKs are
told by AWS_CONTAINER_CREDENTIALS_FULL_URI.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from localcloud.ecs.agent.sessions import Sessions
from localcloud.ecs.core import Core
from localcloud.ecs.model import Container, Task
from localcloud.ecs.runtime import Runtime
from localcloud.ecs.task_definitions import effective
from localcloud.server.serving import Server, listen, serve
from localcloud.shared.service import ServiceError

log = logging.getLogger(__name__)

ADDRESS = "169.254.170.2"
NETWORK = "fargate-cd-metadata"
SUBNET = "169.254.170.0/24"


class TaskEndpoints:
    """Serves both endpoints; who asks is told by an unguessable part of the path."""

    def __init__(self, core: Core, runtime: Runtime, sessions: Sessions) -> None:
        self._core, self._runtime, self._sessions = core, runtime, sessions
        self._server: Server | None = None

    def start(self) -> None:
        """Listen, on the same port as before where it is free."""
        _ensure_network(self._runtime.client)
        try:
            bound = listen(ADDRESS, self._core.state.agent_port)
        except OSError:
            bound = listen(ADDRESS, 0)
        with self._core.change() as state:
            state.agent_port = bound.getsockname()[1]
        self._server = serve(self, bound, "task endpoints")

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.stop()

    def environment(
        self, task: Task, definition: dict[str, Any], container: dict[str, Any]
    ) -> dict[str, str]:
        """A container's variables: its own, and what Fargate adds.

        AWS_ENDPOINT_URL is the local cloud's addition: SDKs find its APIs by it.
        """
        base = f"http://{ADDRESS}:{self._core.state.agent_port}"
        region = task.arn.split(":")[3]
        added = {
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "ECS_CONTAINER_METADATA_URI_V4": f"{base}/v4/{task.secret_token}/{container['name']}",
            "AWS_ENDPOINT_URL": self._api_for_tasks(),
        }
        if definition.get("taskRoleArn"):
            added["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = (
                f"{base}/v2/credentials/{task.secret_token}"
            )
        own = {v["name"]: v.get("value", "") for v in container.get("environment", [])}
        return added | own

    def _api_for_tasks(self) -> str:
        surroundings = self._core.surroundings
        return f"http://{surroundings.docker_gateway}:{urlsplit(surroundings.api_url).port}"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The WSGI application."""
        parts = environ.get("PATH_INFO", "").strip("/").split("/")
        status, answer = self._answer(parts)
        body = json.dumps(answer).encode()
        start_response(
            status,
            [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
        )
        return [body]

    def _answer(self, parts: list[str]) -> tuple[str, Any]:
        token = parts[2] if parts[:2] == ["v2", "credentials"] and len(parts) > 2 else None
        if token is None and parts[0] == "v4" and len(parts) > 1:
            token = parts[1]
        tasks = list(self._core.state.tasks.values())  # others are made and forgotten meanwhile
        task = next((t for t in tasks if token and t.secret_token == token), None)
        if task is None or task.status == "STOPPED":
            return "404 Not Found", {"code": "NotFound", "message": "no such task"}
        if parts[0] == "v2":
            return self._credentials(task)
        kind = "/".join(parts[3:])
        container = next((c for c in task.containers if c.name == parts[2]), None)
        answers: dict[str, Callable[[Task, Container], Any]] = {
            "": self._container,
            "task": self._task,
            "stats": self._stats,
            "task/stats": self._task_stats,
        }
        if container is None or kind not in answers:
            return "404 Not Found", {"code": "NotFound", "message": f"no such path: {kind}"}
        return "200 OK", answers[kind](task, container)

    def _credentials(self, task: Task) -> tuple[str, Any]:
        role = effective(self._core, task).get("taskRoleArn")
        if not role:
            return "404 Not Found", {"code": "NotFound", "message": "the task has no task role"}
        try:
            keys = self._sessions.credentials(task, role)
        except ServiceError as error:
            return "500 Internal Server Error", {"code": error.code, "message": error.message}
        expires = keys.expires_at or datetime.now(UTC)
        return "200 OK", {
            "RoleArn": role,
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key,
            "Token": keys.session_token,
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _task(self, task: Task, _: Container) -> dict[str, Any]:
        definition = self._core.state.task_definitions[task.definition_arn].definition
        answer = {
            "Cluster": task.cluster_arn,
            "TaskARN": task.arn,
            "Family": definition["family"],
            "Revision": task.definition_arn.rpartition(":")[2],
            "DesiredStatus": task.desired_status,
            "KnownStatus": str(task.status),
            "Limits": {
                "CPU": int(definition["cpu"]) / 1024,
                "Memory": int(definition["memory"]),
            },
            "PullStartedAt": _time(task.pull_started_at),
            "PullStoppedAt": _time(task.pull_stopped_at),
            "AvailabilityZone": task.availability_zone,
            "LaunchType": "FARGATE",
            "Containers": [self._container(task, c) for c in task.containers],
        }
        if task.service_arn:
            answer["ServiceName"] = task.service_arn.rpartition("/")[2]
        return {name: value for name, value in answer.items() if value is not None}

    def _container(self, task: Task, container: Container) -> dict[str, Any]:
        definition = self._core.state.task_definitions[task.definition_arn].definition
        written = next(c for c in definition["containerDefinitions"] if c["name"] == container.name)
        answer = {
            "DockerId": container.runtime_id,
            "Name": container.name,
            "DockerName": container.name,
            "Image": container.image,
            "ImageID": container.image_digest,
            "Labels": written.get("dockerLabels", {})
            | {
                "com.amazonaws.ecs.cluster": task.cluster_arn,
                "com.amazonaws.ecs.container-name": container.name,
                "com.amazonaws.ecs.task-arn": task.arn,
                "com.amazonaws.ecs.task-definition-family": definition["family"],
                "com.amazonaws.ecs.task-definition-version": task.definition_arn.rpartition(":")[2],
            },
            "DesiredStatus": task.desired_status,
            "KnownStatus": container.status,
            "Limits": {"CPU": written.get("cpu") or 2},
            "CreatedAt": _time(task.created_at),
            "StartedAt": _time(container.started_at),
            "Type": "NORMAL",
            "ContainerARN": container.arn,
            "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [task.address]}],
            "LogDriver": written.get("logConfiguration", {}).get("logDriver"),
            "LogOptions": written.get("logConfiguration", {}).get("options"),
        }
        return {name: value for name, value in answer.items() if value is not None}

    def _stats(self, _: Task, container: Container) -> Any:
        if container.runtime_id is None:
            return {}
        return self._runtime.client.api.stats(container.runtime_id, stream=False)

    def _task_stats(self, task: Task, _: Container) -> dict[str, Any]:
        return {
            c.runtime_id: self._stats(task, c) for c in task.containers if c.runtime_id is not None
        }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _ensure_network(client: Any) -> None:
    """A Docker bridge that carries the address; shared by all local clouds of the machine."""
    if client.networks.list(names=[NETWORK]):
        return
    pool = IPAMPool(subnet=SUBNET, gateway=ADDRESS)
    try:
        client.networks.create(
            NETWORK,
            driver="bridge",
            ipam=IPAMConfig(pool_configs=[pool]),
            labels={"fargate-cd.shared": "metadata"},
        )
    except APIError as error:
        if not client.networks.list(names=[NETWORK]):
            raise RuntimeError(
                f"The Docker network {NETWORK} with the address {ADDRESS}, which tasks ask for "
                f"their credentials, can't be made: {error.explanation}. Remove the network that "
                "overlaps it."
            ) from error
