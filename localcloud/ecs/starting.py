"""From PROVISIONING to RUNNING: a task's network, secrets, images, containers, targets.

A step that fails gives the task its stop code and stopped reason, in the words of the service:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

import base64
import logging
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud.ecs import rollout, shifting
from localcloud.ecs.agent.endpoints import TaskEndpoints
from localcloud.ecs.agent.logs import LogError, Logs
from localcloud.ecs.agent.secrets import SecretError, resolve
from localcloud.ecs.agent.sessions import Sessions
from localcloud.ecs.core import Core
from localcloud.ecs.dependencies import NEVER_STARTED, Dependency, UnresolvableError
from localcloud.ecs.model import Container, ServiceRecord, Task, TaskStatus
from localcloud.ecs.runtime import PullError, Runtime, StartError, container_options
from localcloud.ecs.task_definitions import effective
from localcloud.shared import clock
from localcloud.shared.service import ServiceError

log = logging.getLogger(__name__)

DEPENDENCY_POLL_SECONDS = 0.3
DEFAULT_START_TIMEOUT = 180
NETWORK_CONTROLS = {"net.ipv4.ip_unprivileged_port_start": "1024"}
"""Linux's own value, as on Fargate; Docker would set 0, by which any user listens on any port.
https://docs.kernel.org/networking/ip-sysctl.html
"""


class StartFailureError(Exception):
    """The task can't start; the text is its stopped reason.

    Args:
        container: the container that is to blame, if one is.
    """

    def __init__(self, reason: str, container: str | None = None) -> None:
        super().__init__(reason)
        self.container = container


class AbandonedError(Exception):
    """The task was stopped while it was starting."""


@dataclass
class Starter:
    """Brings tasks up."""

    core: Core
    runtime: Runtime
    sessions: Sessions
    logs: Logs
    endpoints: TaskEndpoints

    def bring_up(self, task: Task) -> None:
        """Start a task; on failure it is left on its way down, with its reason."""
        try:
            self._bring_up(task)
        except AbandonedError:
            log.info("task %s was stopped while it was starting", task.id)
        except StartFailureError as failure:
            self._fail(task, str(failure), failure.container)

    def _bring_up(self, task: Task) -> None:
        definition = effective(self.core, task)
        try:
            self._provision(task, definition)
            self._enter(task, TaskStatus.PENDING)
            secrets = self._secrets(task, definition)
            self._check_logs(task, definition)
            self._pull(task, definition)
            self._start_containers(task, definition, secrets)
        except StartError as error:
            raise StartFailureError(f"CannotStartContainerError: {error}") from error
        except ServiceError as error:
            raise StartFailureError(
                "ECS was unable to assume the role that was provided for this task. Please verify "
                "that the role being passed has the proper trust relationship and permissions. "
                f"({error.message})"
            ) from error
        self._activate(task)

    def _fail(self, task: Task, reason: str, container: str | None) -> None:
        now = clock.now()
        with self.core.change():
            if task.desired_status == "RUNNING":
                task.stop_code = "TaskFailedToStart"
                task.stopped_reason = reason
            task.desired_status = "STOPPED"
            task.stopping_at = task.stopping_at or now
            task.status = TaskStatus.STOPPING  # what runs already is told to stop
            task.version += 1
            for one in task.containers:
                if one.name == container:
                    one.reason = reason

    def _enter(self, task: Task, status: TaskStatus) -> None:
        with self.core.change():
            if not task.live:
                raise AbandonedError
            task.status = status
            task.version += 1

    def _provision(self, task: Task, definition: dict[str, Any]) -> None:
        """The task's own network namespace and address."""
        sysctls = NETWORK_CONTROLS | {
            control["namespace"]: control["value"]
            for container in definition["containerDefinitions"]
            for control in container.get("systemControls", [])
        }
        sandbox_id, address = self.runtime.create_sandbox(task.arn, task.id, {"sysctls": sysctls})
        with self.core.change():
            task.sandbox_id, task.address = sandbox_id, address
            for record in task.containers:  # what an interrupted start has left is made again
                record.runtime_id = record.started_at = None
            if not task.live:
                raise AbandonedError

    def _secrets(self, task: Task, definition: dict[str, Any]) -> dict[str, dict[str, str]]:
        role = definition.get("executionRoleArn")
        try:
            return {
                container["name"]: resolve(self.sessions, task, role, container["secrets"])
                for container in definition["containerDefinitions"]
                if container.get("secrets") and role
            }
        except SecretError as error:
            raise StartFailureError(str(error)) from error

    def _check_logs(self, task: Task, definition: dict[str, Any]) -> None:
        role = definition.get("executionRoleArn")
        for container in definition["containerDefinitions"]:
            if container.get("logConfiguration") and role:
                try:
                    self.logs.prepare(task, role, container)
                except LogError as error:
                    raise StartFailureError(str(error), container["name"]) from error

    def _pull(self, task: Task, definition: dict[str, Any]) -> None:
        with self.core.change():
            task.pull_started_at = clock.now()
        role = definition.get("executionRoleArn")
        for container in definition["containerDefinitions"]:
            record = _record(task, container["name"])
            image = self._pinned(task, record)
            try:
                digest = self.runtime.pull(image, self._registry_login(task, role, image))
            except PullError as error:
                raise StartFailureError(
                    "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
                    f"failed to resolve ref {image}: {error}",
                    container["name"],
                ) from error
            with self.core.change():
                record.image_digest = digest
                self._pin(task, record)
        with self.core.change():
            task.pull_stopped_at = clock.now()

    def _pinned(self, task: Task, record: Container) -> str:
        """The image by the digest that the service's first task of this revision resolved.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
        """
        revision = self._revision(task)
        known = (
            {i["containerName"]: i.get("imageDigest") for i in revision.images} if revision else {}
        )
        digest = known.get(record.name)
        if digest is None or "@" in record.image:
            return record.image
        head, colon, tail = record.image.rpartition(":")
        repository = head if colon and "/" not in tail else record.image
        return f"{repository}@{digest}"

    def _pin(self, task: Task, record: Container) -> None:
        revision = self._revision(task)
        if revision is None or any(i["containerName"] == record.name for i in revision.images):
            return
        image = {"containerName": record.name, "image": record.image}
        if record.image_digest is not None:
            image["imageDigest"] = record.image_digest
        revision.images.append(image)

    def _revision(self, task: Task) -> Any:
        service = self.core.state.services.get(task.service_arn or "")
        if service is None:
            return None
        for deployment in service.deployments:
            if deployment.id == task.deployment_id:
                return self.core.state.revisions[deployment.revision_arn]
        return None

    def _registry_login(self, task: Task, role: str | None, image: str) -> dict[str, str] | None:
        if not image.startswith(f"{self.core.surroundings.registry_host}/"):
            return None
        if role is None:
            raise StartFailureError(
                "CannotPullContainerError: the task definition has no execution role, which the "
                f"registry of {image} asks for."
            )
        region = task.arn.split(":")[3]
        try:
            client = self.sessions.client(task, role, "ecr", region)
            data = client.get_authorization_token()["authorizationData"][0]
        except ClientError as error:
            raise StartFailureError(
                "ResourceInitializationError: unable to pull secrets or registry auth: execution "
                "resource retrieval failed: unable to get registry auth from ECR: "
                f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
            ) from error
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return {"username": user, "password": password}

    def _start_containers(
        self, task: Task, definition: dict[str, Any], secrets: dict[str, dict[str, str]]
    ) -> None:
        """In the order of their dependencies."""
        waiting = {c["name"]: c for c in definition["containerDefinitions"]}
        limits = {name: c.get("startTimeout") or 0 for name, c in waiting.items()}
        deadline = time.monotonic() + DEFAULT_START_TIMEOUT
        while waiting:
            before = len(waiting)
            for name, container in list(waiting.items()):
                if not task.live:
                    raise AbandonedError
                if self._waits(task, container, limits):
                    continue
                del waiting[name]
                if _record(task, name).status != "STOPPED":
                    environment = self.endpoints.environment(task, definition, container)
                    environment |= secrets.get(name, {})
                    self._start_container(task, definition, container, environment)
            if len(waiting) == before:
                if time.monotonic() > deadline:
                    raise StartFailureError(
                        "Container dependencies were not met in time: "
                        f"{', '.join(sorted(waiting))} did not start."
                    )
                time.sleep(DEPENDENCY_POLL_SECONDS)

    def _waits(self, task: Task, container: dict[str, Any], limits: dict[str, int]) -> bool:
        """Whether a container must wait; one that can never start is stopped, or ends the task."""
        name = container["name"]
        try:
            return not all(
                self._dependency(task, name, row, limits).resolved()
                for row in container.get("dependsOn", [])
            )
        except UnresolvableError as error:
            record = _record(task, name)
            with self.core.change():
                record.exit_code, record.reason = NEVER_STARTED, str(error)
                if not record.essential:
                    record.status = "STOPPED"
            if record.essential:
                raise StartFailureError(str(error), name) from error
            return False

    def _dependency(
        self, task: Task, target: str, row: dict[str, Any], limits: dict[str, int]
    ) -> Dependency:
        record = _record(task, row["containerName"])
        seen = self.runtime.inspect(record.runtime_id) if record.runtime_id else None
        began = record.started_at
        return Dependency(
            target=target,
            on=f"{record.name}({record.image})",
            condition=row["condition"],
            state=seen["State"] if seen else {},
            waited=clock.now() - began if began else 0.0,
            limit=limits[record.name],
        )

    def _start_container(
        self,
        task: Task,
        definition: dict[str, Any],
        container: dict[str, Any],
        environment: dict[str, str],
    ) -> None:
        record = _record(task, container["name"])
        options = container_options(definition, container, environment)
        options["network_mode"] = f"container:{task.sandbox_id}"
        volumes = {
            self.runtime.name(task.id, f"volume-{mount['sourceVolume']}"): {
                "bind": mount["containerPath"],
                "mode": "ro" if mount.get("readOnly") else "rw",
            }
            for mount in container.get("mountPoints", [])
        }
        if volumes:
            options["volumes"] = volumes
        image = self._pinned(task, record)
        try:
            runtime_id = self.runtime.create(task.arn, task.id, record.name, image, options)
            with self.core.change():
                record.runtime_id = runtime_id
            self.runtime.start(runtime_id)
        except StartError as error:
            raise StartFailureError(f"CannotStartContainerError: {error}", record.name) from error
        with self.core.change():
            record.status = "RUNNING"
            record.started_at = clock.now()
        if container.get("logConfiguration"):
            self.logs.follow(task, definition["executionRoleArn"], container, runtime_id)

    def _activate(self, task: Task) -> None:
        """Register the task in its target groups; then it is RUNNING."""
        self._enter(task, TaskStatus.ACTIVATING)
        service = self.core.state.services.get(task.service_arn or "")
        revision = self._revision(task)
        if service is not None and revision is not None:
            for balancer in revision.load_balancers:
                group = shifting.group_of(balancer, self._slot(task, service))
                self._register(task, service, group, balancer["containerPort"])
        with self.core.change():
            if not task.live:
                raise AbandonedError
            task.status = TaskStatus.RUNNING
            task.started_at = clock.now()
            task.version += 1

    @staticmethod
    def _slot(task: Task, service: ServiceRecord) -> int:
        return next((d.slot for d in service.deployments if d.id == task.deployment_id), 0)

    def _register(self, task: Task, service: ServiceRecord, group: str, port: int) -> None:
        elbv2 = self.core.client("elbv2", task.arn.split(":")[3])
        with self.core.change():
            task.registered.append((group, port))
        try:
            elbv2.register_targets(
                TargetGroupArn=group, Targets=[{"Id": task.address, "Port": port}]
            )
        except ClientError as error:
            raise StartFailureError(
                f"Task failed to register in (target-group {group}): "
                f"{error.response['Error']['Message']}"
            ) from error
        with self.core.change():
            rollout.log(service, f"registered 1 targets in (target-group {group})", clock.now())


def _record(task: Task, name: str) -> Container:
    return next(container for container in task.containers if container.name == name)
