"""Docker Engine as the place where tasks run.

Containers carry labels, so that a new process knows which task each belongs to. Nothing is
published on the machine's own addresses: tasks are reached on the Docker network.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import Healthcheck, LogConfig, Ulimit

from localcloud.ecs import sandbox
from localcloud.ecs.validation import cpu_units, memory_mib

log = logging.getLogger(__name__)

INSTANCE_LABEL = "fargate-cd.instance"
TASK_LABEL = "com.amazonaws.ecs.task-arn"
CONTAINER_LABEL = "com.amazonaws.ecs.container-name"
CLUSTER_LABEL = "com.amazonaws.ecs.cluster"
SANDBOX = "~internal~ecs~pause"
SANDBOX_NAME = ".sandbox"
"""What no container of a task can be called."""
DEFAULT_STOP_TIMEOUT = 30
_MIB = 1024 * 1024
_EXIT = re.compile(r"Exited \((\d+)\)")
_HEALTH = {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}


class PullError(Exception):
    """An image can't be had; the text says why."""


class StartError(Exception):
    """A container can't be made or started; the text says why."""


@dataclass(frozen=True)
class Seen:
    """A container as Docker shows it: `status` is Docker's own word, such as `running`."""

    id: str
    task_arn: str
    name: str
    status: str
    exit_code: int | None
    health: str


class Runtime:
    """The containers of one local cloud.

    Args:
        instance: the label's value that marks them.
        network: the Docker network of the tasks.
    """

    def __init__(self, instance: str, network: str) -> None:
        self.client = docker.from_env(timeout=180)
        self.instance = instance
        self.network = network

    def seen(self) -> list[Seen]:
        """All containers of this local cloud's tasks, sandboxes included."""
        rows = self.client.api.containers(
            all=True,
            filters={"label": [f"{INSTANCE_LABEL}={self.instance}", TASK_LABEL]},
        )
        return [_seen(row) for row in rows]

    def events(self) -> Iterator[dict[str, Any]]:
        """Docker's events about the containers; ends when the engine goes away."""
        return self.client.events(
            decode=True,
            filters={
                "type": "container",
                "label": f"{INSTANCE_LABEL}={self.instance}",
                "event": ["die", "health_status", "destroy", "oom"],
            },
        )

    def pull(self, image: str, credentials: dict[str, str] | None) -> str | None:
        """Have an image here; returns its digest, or None for one that no registry knows.

        Args:
            image: by tag or digest.
            credentials: for a registry that wants them: always asked there, as Fargate does,
                whose tasks start without a cache. None: what Docker has already will do.

        Raises:
            PullError: the registry does not give it.
        """
        if credentials is None:
            with contextlib.suppress(ImageNotFound):
                return _digest(self.client.images.get(image), image)
        name, _, digest = image.partition("@")
        repository, _, tag = (
            name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
        )
        try:
            self.client.api.pull(repository, tag=digest or tag or "latest", auth_config=credentials)
            return _digest(self.client.images.get(image), image)
        except (APIError, NotFound) as error:
            raise PullError(_explanation(error)) from error

    def create_sandbox(
        self, task_arn: str, task_id: str, environment: dict[str, Any]
    ) -> tuple[str, str]:
        """The container that holds a task's network; returns its id and its address.

        Raises:
            StartError: Docker refuses.
        """
        try:
            sandbox.ensure_image(self.client)
            self.remove_by_name(self.name(task_id, SANDBOX_NAME))
            made = self.client.containers.run(
                sandbox.IMAGE,
                name=self.name(task_id, SANDBOX_NAME),
                detach=True,
                network=self.network,
                labels=self.labels(task_arn, SANDBOX),
                log_config=LogConfig(type="none"),
                read_only=True,
                **environment,
            )
            made.reload()
            address = made.attrs["NetworkSettings"]["Networks"][self.network]["IPAddress"]
        except APIError as error:
            raise StartError(_explanation(error)) from error
        return str(made.id), str(address)

    def create(
        self, task_arn: str, task_id: str, name: str, image: str, options: dict[str, Any]
    ) -> str:
        """Make a container of a task, not started yet; returns its id.

        Raises:
            StartError: Docker refuses.
        """
        labels = options.pop("labels", {}) | self.labels(task_arn, name)
        try:
            self.remove_by_name(self.name(task_id, name))
            made = self.client.containers.create(
                image,
                name=self.name(task_id, name),
                labels=labels,
                log_config=LogConfig(type="local", config={"max-size": "5m", "max-file": "2"}),
                **options,
            )
        except APIError as error:
            raise StartError(_explanation(error)) from error
        return str(made.id)

    def start(self, container_id: str) -> None:
        """Start a container.

        Raises:
            StartError: Docker can't, such as for an entry point that does not exist.
        """
        try:
            self.client.api.start(container_id)
        except APIError as error:
            raise StartError(_explanation(error)) from error

    def name(self, task_id: str, container: str) -> str:
        """Docker's name of a task's container."""
        return f"fargate-cd-{self.instance}-{task_id}-{container}"

    def labels(self, task_arn: str, container: str) -> dict[str, str]:
        """The labels by which a later process finds the container."""
        return {
            INSTANCE_LABEL: self.instance,
            TASK_LABEL: task_arn,
            CONTAINER_LABEL: container,
            CLUSTER_LABEL: task_arn.split("/")[1],
        }

    def signal(self, container_id: str, name: str) -> None:
        """Send a signal; nothing happens where the container is gone or has ended."""
        try:
            self.client.api.kill(container_id, name)
        except APIError as error:
            if error.status_code not in (404, 409):
                raise

    def inspect(self, container_id: str) -> dict[str, Any] | None:
        """Docker's full description; None where the container is gone."""
        try:
            return dict(self.client.api.inspect_container(container_id))
        except NotFound:
            return None

    def remove(self, container_id: str) -> None:
        """Remove a container with its anonymous volumes, running or not."""
        try:
            self.client.api.remove_container(container_id, force=True, v=True)
        except APIError as error:
            if error.status_code not in (404, 409):
                raise

    def remove_by_name(self, name: str) -> None:
        """Remove what an interrupted start may have left under a name."""
        self.remove(name)

    def remove_volumes(self, task_id: str, names: list[str]) -> None:
        """Remove a task's volumes, which live as long as it."""
        for name in names:
            try:
                self.client.api.remove_volume(self.name(task_id, f"volume-{name}"), force=True)
            except APIError as error:
                if error.status_code != 404:
                    raise


def container_options(
    definition: dict[str, Any], container: dict[str, Any], environment: dict[str, str]
) -> dict[str, Any]:
    """A container definition in the words of Docker's API.

    Args:
        definition: the task definition.
        container: the container's part of it, overrides applied.
        environment: all its variables.
    """
    linux = container.get("linuxParameters", {})
    capabilities = linux.get("capabilities", {})
    memory = container.get("memory") or memory_mib(definition["memory"])
    options: dict[str, Any] = {
        "command": container.get("command"),
        "entrypoint": container.get("entryPoint"),
        "environment": environment,
        "user": container.get("user"),
        "working_dir": container.get("workingDirectory"),
        "read_only": container.get("readonlyRootFilesystem", False),
        "labels": dict(container.get("dockerLabels", {})),
        "tty": container.get("pseudoTerminal", False),
        "stdin_open": container.get("interactive", False),
        "init": linux.get("initProcessEnabled", False),
        "cap_add": capabilities.get("add") or None,
        "cap_drop": capabilities.get("drop") or None,
        "tmpfs": {
            mount["containerPath"]: ",".join(
                [f"size={mount['size']}m", *mount.get("mountOptions", [])]
            )
            for mount in linux.get("tmpfs", [])
        },
        "ulimits": _ulimits(container.get("ulimits", [])),
        "mem_limit": memory * _MIB,
        "memswap_limit": memory * _MIB,
        "mem_reservation": (container.get("memoryReservation") or 0) * _MIB or None,
        "cpu_shares": max(2, container.get("cpu") or cpu_units(definition["cpu"])),
        "nano_cpus": cpu_units(definition["cpu"]) * 1_000_000_000 // 1024,
        "healthcheck": _health_check(container.get("healthCheck")),
    }
    return {name: value for name, value in options.items() if value not in (None, {}, [])}


def _ulimits(given: list[dict[str, Any]]) -> list[Ulimit]:
    """What is asked for; without it the machine's own limits, not Fargate's 65,535 open files."""
    return [
        Ulimit(name=limit["name"], soft=limit["softLimit"], hard=limit["hardLimit"])
        for limit in given
    ]


def _health_check(given: dict[str, Any] | None) -> Healthcheck:
    """An image's own HEALTHCHECK has no effect in ECS, so without one here there is none."""
    if given is None:
        return Healthcheck(test=["NONE"])
    second = 1_000_000_000
    return Healthcheck(
        test=given["command"],
        interval=given["interval"] * second,
        timeout=given["timeout"] * second,
        retries=given["retries"],
        start_period=given.get("startPeriod", 0) * second,
    )


def _seen(row: dict[str, Any]) -> Seen:
    status = row.get("Status", "")
    exited = _EXIT.search(status)
    health = re.search(r"\((healthy|unhealthy)\)", status)
    return Seen(
        id=row["Id"],
        task_arn=row["Labels"][TASK_LABEL],
        name=row["Labels"].get(CONTAINER_LABEL, ""),
        status=row["State"],
        exit_code=int(exited[1]) if exited else None,
        health=_HEALTH[health[1]] if health else "UNKNOWN",
    )


def _digest(image: Any, reference: str) -> str | None:
    repository = reference.partition("@")[0].rpartition(":")[0] or reference
    if "@" in reference:
        return reference.partition("@")[2]
    for known in image.attrs.get("RepoDigests") or []:
        name, _, digest = known.partition("@")
        if name == repository:
            return str(digest)
    return None


def _explanation(error: APIError) -> str:
    return str(error.explanation or error)
