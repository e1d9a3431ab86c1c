"""What RegisterTaskDefinition refuses for Fargate.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from localcloud.ecs.errors import client, invalid

GIB = 1024

# CPU units → the memory sizes, in MiB, that Fargate offers with them.
FARGATE_MEMORY: dict[int, list[int]] = {
    256: [512, GIB, 2 * GIB],
    512: [size * GIB for size in range(1, 5)],
    1024: [size * GIB for size in range(2, 9)],
    2048: [size * GIB for size in range(4, 17)],
    4096: [size * GIB for size in range(8, 31)],
    8192: [size * GIB for size in range(16, 61, 4)],
    16384: [size * GIB for size in range(32, 121, 8)],
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_UNIT_CPU = re.compile(r"\s*([\d.]+)\s*vcpu\s*", re.IGNORECASE)
_UNIT_MEMORY = re.compile(r"\s*([\d.]+)\s*gb\s*", re.IGNORECASE)
_ADDABLE = {"SYS_PTRACE"}
_SYSCTL_PREFIXES = ("net.", "kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.")
_AWSLOGS_OPTIONS = {
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "awslogs-create-group",
    "mode",
    "max-buffer-size",
}
MAXIMUM_STOP_TIMEOUT = 120
MAXIMUM_START_TIMEOUT = 120
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"""


def cpu_units(text: str) -> int:
    """CPU units of `256`, `.25 vCPU`; 1,024 are one virtual CPU."""
    match = _UNIT_CPU.fullmatch(text)
    return int(float(match[1]) * 1024) if match else _number(text, "cpu")


def memory_mib(text: str) -> int:
    """MiB of `512`, `0.5 GB`."""
    match = _UNIT_MEMORY.fullmatch(text)
    return int(float(match[1]) * GIB) if match else _number(text, "memory")


def _number(text: str, what: str) -> int:
    if not text.strip().isdigit():
        raise client(f"Invalid '{what}' setting for task: {text}")
    return int(text)


def normalised(given: dict[str, Any]) -> dict[str, Any]:
    """A task definition as ECS keeps it: checked, with its defaults filled in.

    Raises:
        ServiceError: ClientException or InvalidParameterException in ECS's words.
    """
    definition = {name: value for name, value in given.items() if name != "tags"}
    for check in _CHECKS:
        check(definition)
    definition["cpu"] = str(cpu_units(definition["cpu"]))
    definition["memory"] = str(memory_mib(definition["memory"]))
    definition.setdefault("volumes", [])
    definition.setdefault("placementConstraints", [])
    definition["compatibilities"] = ["EC2", "FARGATE"]
    definition["containerDefinitions"] = [
        _container_with_defaults(container) for container in definition["containerDefinitions"]
    ]
    return definition


def _container_with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "cpu": 0,
        "essential": True,
        "portMappings": [],
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
    } | given
    container["portMappings"] = [
        {"hostPort": mapping["containerPort"], "protocol": "tcp"} | mapping
        for mapping in container["portMappings"]
    ]
    if "healthCheck" in container:
        container["healthCheck"] = {
            "interval": 30,
            "timeout": 5,
            "retries": 3,
        } | container["healthCheck"]
    return container


def _check_family(definition: dict[str, Any]) -> None:
    if not _NAME.fullmatch(definition["family"]):
        raise client("Family contains invalid characters.")


def _check_fargate(definition: dict[str, Any]) -> None:
    if "FARGATE" not in definition.get("requiresCompatibilities", []):
        raise invalid(
            "The local cloud runs task definitions for Fargate only: "
            "put FARGATE into requiresCompatibilities."
        )
    if definition.get("networkMode") != "awsvpc":
        raise client("Fargate only supports network mode ‘awsvpc’.")  # noqa: RUF001
    if definition.get("pidMode") not in (None, "task"):
        raise client("Fargate only supports pidMode 'task'.")


def _check_size(definition: dict[str, Any]) -> None:
    for name in ("cpu", "memory"):
        if not definition.get(name):
            raise client(f"Fargate requires that '{name}' be defined at the task level.")
    cpu, memory = cpu_units(definition["cpu"]), memory_mib(definition["memory"])
    if memory not in FARGATE_MEMORY.get(cpu, []):
        raise client(
            "No Fargate configuration exists for given values: "
            f"{cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
        )


def _check_platform(definition: dict[str, Any]) -> None:
    family = definition.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX")
    if family != "LINUX":
        raise invalid(f"The local cloud runs Linux containers, not {family}.")
    storage = definition.get("ephemeralStorage", {}).get("sizeInGiB", 21)
    if not 21 <= storage <= 200:
        raise client("EphemeralStorage sizeInGiB must be between 21 and 200.")


def _check_volumes(definition: dict[str, Any]) -> None:
    names = [volume.get("name", "") for volume in definition.get("volumes", [])]
    if len(names) != len(set(names)):
        raise client("Volume names must be unique within a task definition.")
    for volume in definition.get("volumes", []):
        if volume.get("host", {}).get("sourcePath"):
            raise client("host.sourcePath should not be set for volumes in Fargate.")
    for container in definition["containerDefinitions"]:
        for mount in container.get("mountPoints", []):
            if mount.get("sourceVolume") not in names:
                raise client(f"Unknown volume '{mount.get('sourceVolume')}'.")


def _check_containers(definition: dict[str, Any]) -> None:
    containers = definition["containerDefinitions"]
    names = [container.get("name") or "" for container in containers]
    if not containers or len(containers) > 10:
        raise client("A task definition needs 1 to 10 container definitions.")
    if len(names) != len(set(names)):
        raise client("Container names must be unique within a task definition.")
    if not any(container.get("essential", True) for container in containers):
        raise client("At least one container in the task must be essential.")
    ports = [
        (mapping["containerPort"], mapping.get("protocol", "tcp"))
        for container in containers
        for mapping in container.get("portMappings", [])
    ]
    if len(ports) != len(set(ports)):
        raise client("A container port may be mapped once only within an awsvpc task.")
    _check_shares(definition)
    for container in containers:
        for problem in _container_problems(container, set(names)):
            raise client(problem)
    _refuse_cycles(
        {c["name"]: [d["containerName"] for d in c.get("dependsOn", [])] for c in containers}
    )
    for problem in _dependency_problems({c["name"]: c for c in containers}):
        raise client(problem)
    _refuse_names_told_twice(containers)
    if not definition.get("executionRoleArn"):
        _check_needs_no_execution_role(containers)


def _check_shares(definition: dict[str, Any]) -> None:
    """What the containers take of the task's CPU and memory."""
    containers = definition["containerDefinitions"]
    reserved = sum(c.get("memoryReservation") or c.get("memory") or 0 for c in containers)
    largest = max(c.get("memory") or 0 for c in containers)
    if max(reserved, largest) > memory_mib(definition["memory"]):
        raise client("Invalid setting for container memory: it exceeds the task's memory.")
    if sum(container.get("cpu") or 0 for container in containers) > cpu_units(definition["cpu"]):
        raise client("The total CPU of the containers exceeds the task's CPU.")


def _dependency_problems(containers: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Conditions that the container depended on can't come to.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
    """
    for name, container in containers.items():
        for dependency in container.get("dependsOn", []):
            on, condition = dependency["containerName"], dependency["condition"]
            if condition in ("COMPLETE", "SUCCESS") and containers[on].get("essential", True):
                yield (
                    f"The condition {condition} of container {name} can't be set on the essential "
                    f"container {on}."
                )
            if condition == "HEALTHY" and not containers[on].get("healthCheck"):
                yield (
                    f"The condition HEALTHY of container {name} needs a health check in the "
                    f"definition of container {on}."
                )


def _refuse_names_told_twice(containers: list[dict[str, Any]]) -> None:
    """A variable is plain or secret, not both.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    """
    for container in containers:
        plain = {each.get("name") for each in container.get("environment", [])}
        for secret in container.get("secrets", []):
            if secret["name"] in plain:
                raise client(
                    "The secret name must be unique and not shared with any new or existing "
                    f"environment variables set on the container, such as '{secret['name']}'."
                )


def _check_needs_no_execution_role(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        if container.get("logConfiguration", {}).get("logDriver") == "awslogs":
            raise client(
                "Fargate requires task definition to have execution role ARN "
                "to support log driver awslogs."
            )
        if container.get("secrets"):
            raise client(
                "When you are specifying container secrets, you must also specify a value for "
                "'executionRoleArn'."
            )
        if ".dkr.ecr." in container["image"]:
            raise client(
                "Fargate requires task definition to have execution role ARN to support ECR images."
            )


def _container_problems(container: dict[str, Any], names: set[str]) -> Iterator[str]:
    name = container.get("name") or ""
    if not _NAME.fullmatch(name):
        yield "Container name contains invalid characters."
    if not (container.get("image") or "").strip():
        yield f"Container.image should not be null or empty (container {name})."
    for mapping in container.get("portMappings", []):
        yield from _port_problems(mapping)
    for variable in container.get("environment", []):
        if not variable.get("name"):
            yield f"An environment variable of container {name} has no name."
    for dependency in container.get("dependsOn", []):
        if dependency["containerName"] not in names - {name}:
            yield f"Invalid 'dependsOn' of container {name}: {dependency['containerName']}."
    if (container.get("stopTimeout") or 0) > MAXIMUM_STOP_TIMEOUT:
        yield "Max stop timeout for a container on Fargate is 120 seconds."
    if not 2 <= (container.get("startTimeout") or 2) <= MAXIMUM_START_TIMEOUT:
        yield "Start timeout for a container on Fargate must be between 2 and 120 seconds."
    yield from _linux_problems(container)
    yield from _log_problems(container.get("logConfiguration"))
    yield from _health_problems(container.get("healthCheck"))


def _port_problems(mapping: dict[str, Any]) -> Iterator[str]:
    port = mapping.get("containerPort")
    if port is None or not 1 <= port <= 65535:
        yield f"Invalid container port: {port}."
    elif mapping.get("hostPort") not in (None, 0, port):
        yield (
            "When networkMode=awsvpc, the host ports and container ports in port mappings must "
            "match."
        )


def _linux_problems(container: dict[str, Any]) -> Iterator[str]:
    for capability in container.get("linuxParameters", {}).get("capabilities", {}).get("add", []):
        if capability not in _ADDABLE:
            yield f"The capability {capability} can't be added on Fargate; SYS_PTRACE can."
    for control in container.get("systemControls", []):
        if not (control.get("namespace") or "").startswith(_SYSCTL_PREFIXES):
            yield f"Invalid system control: {control.get('namespace')}."
    for limit in container.get("ulimits", []):
        if limit["softLimit"] > limit["hardLimit"]:
            yield f"The soft limit of {limit['name']} is above its hard limit."


def _log_problems(configuration: dict[str, Any] | None) -> Iterator[str]:
    if configuration is None:
        return
    if configuration["logDriver"] != "awslogs":
        yield (
            f"The local cloud does not honour the log driver {configuration['logDriver']}: "
            "use awslogs."
        )
    options = configuration.get("options", {})
    for required in ("awslogs-group", "awslogs-region", "awslogs-stream-prefix"):
        if not options.get(required):
            yield f"Log driver awslogs requires options: {required}"
    for option in sorted(set(options) - _AWSLOGS_OPTIONS):
        yield f"The local cloud does not honour the awslogs option {option}."


def _health_problems(check: dict[str, Any] | None) -> Iterator[str]:
    if check is None:
        return
    if (check["command"] or [""])[0] not in ("CMD", "CMD-SHELL"):
        yield "Health check command must begin with CMD or CMD-SHELL."
    ranges = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}
    for name, (low, high) in ranges.items():
        value = check.get(name)
        if value is not None and not low <= value <= high:
            yield f"Health check {name} must be between {low} and {high}, but was {value}."


def _refuse_cycles(edges: dict[str, list[str]]) -> None:
    seen: set[str] = set()
    while len(seen) < len(edges):
        ready = {name for name, needs in edges.items() if name not in seen and set(needs) <= seen}
        if not ready:
            raise client("Container dependencies must not form a cycle.")
        seen |= ready


_CHECKS: list[Callable[[dict[str, Any]], None]] = [
    _check_family,
    _check_fargate,
    _check_size,
    _check_platform,
    _check_volumes,
    _check_containers,
]
