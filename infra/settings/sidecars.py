"""The setting `sidecars`: further containers in the tasks of the application."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from infra.names import CONTAINER_NAME
from infra.settings import container_rules, rules
from infra.settings.types import TextList, TextMap, Words, structured

Condition = Literal["START", "HEALTHY", "COMPLETE", "SUCCESS"]
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"""

AT_ITS_END = ("COMPLETE", "SUCCESS")
"""Conditions that a container meets when it ends."""

MOST_SIDECARS = 9
"""A task has at most ten containers, the application's among them.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
"""

SMALLEST_MEMORY = 6
"""MiB: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"""


class Sidecar(BaseModel):
    """A container beside the application's, in the same task and the same network.

    Attributes:
        image: with a tag or a digest.
        command: in place of the image's, word by word.
        entry_point: in place of the image's.
        environment: plain variables.
        secrets: variable → ARN of Secrets Manager or SSM.
        port: where it listens; the application reaches it at localhost. 0 for none.
        cpu: units of the task's that are kept for it; 0 for none.
        memory: MiB of the task's beyond which it is killed; 0 for no limit of its own.
        essential: whether its end ends the task.
        health_check_command: by which ECS asks it for its health, word by word.
        startup_seconds: in which a failed `health_check_command` does not count.
        depends_on: container → condition under which this one starts; the application's is `app`.
        app_depends_on: the condition of this one under which the application starts; empty for
            none.
        user: whom it runs as; root only where it says so.
        writable_paths: folders in memory that it may write to.
        stop_timeout: seconds between SIGTERM and SIGKILL; 0 means the stack's.
        processes: in whose tasks it runs, `web` among them; empty for all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Annotated[str, Field(min_length=1), AfterValidator(rules.image)]
    command: Words = []
    entry_point: Words = []
    environment: Annotated[TextMap, AfterValidator(rules.environment)] = {}
    secrets: Annotated[TextMap, AfterValidator(rules.secrets)] = {}
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    cpu: Annotated[int, Field(ge=0, le=16_384)] = 0
    memory: Annotated[int, Field(ge=0, le=122_880)] = 0
    essential: bool = True
    health_check_command: Words = []
    startup_seconds: Annotated[int, Field(ge=0, le=300)] = 0
    depends_on: dict[str, Condition] = {}
    app_depends_on: Literal["", "START", "HEALTHY", "COMPLETE", "SUCCESS"] = ""
    user: Annotated[str, AfterValidator(container_rules.any_user)] = "10001:10001"
    writable_paths: Annotated[TextList, AfterValidator(container_rules.writable_paths)] = ["/tmp"]  # noqa: S108 - the container's
    stop_timeout: Annotated[int, Field(ge=0, le=120)] = 0
    processes: TextList = []

    @property
    def writable_sizes(self) -> dict[str, int]:
        """Each folder that it may write to, and how many MiB it may hold."""
        return container_rules.writable_sizes(self.writable_paths)

    def runs_in(self, process: str) -> bool:
        """Whether the tasks of a process have it."""
        return not self.processes or process in self.processes

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if problem := self._variables() or self._memory():
            raise ValueError(problem)
        return self

    def _variables(self) -> str | None:
        twice = sorted(self.environment.keys() & self.secrets.keys())
        return f"{', '.join(twice)} stands in `environment` and in `secrets`" if twice else None

    def _memory(self) -> str | None:
        if not self.memory:
            return None
        if self.memory < SMALLEST_MEMORY:
            return f"memory must be {SMALLEST_MEMORY} MiB or more, or 0 for no limit of its own"
        size = sum(self.writable_sizes.values())
        if size >= self.memory:
            return f"memory must be more than the {size} MiB of its `writable_paths`"
        return None


def names(value: dict[str, Sidecar]) -> dict[str, Sidecar]:
    """Sidecars by their names, which are those of their containers."""
    if len(value) > MOST_SIDECARS:
        raise ValueError(f"a task has at most {MOST_SIDECARS} containers beside the application's")
    for name, sidecar in value.items():
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?", name):
            raise ValueError(
                f"{name!r} must be 1 to 30 lower-case letters, digits and hyphens, a letter first"
            )
        if name == CONTAINER_NAME:
            raise ValueError(f"{name!r} is the application's own container; choose another name")
        for other, condition in _needed(name, value):
            if problem := _unmeetable(other, condition, value):
                raise ValueError(f"{other}: {problem}")
        if unknown := sorted(sidecar.depends_on.keys() - value.keys() - {CONTAINER_NAME}):
            known = ", ".join(sorted({CONTAINER_NAME, *value} - {name}))
            raise ValueError(f"{name}: depends_on names {unknown[0]}; there are: {known}")
    _refuse_circles(value)
    return value


def _needed(name: str, value: Mapping[str, Sidecar]) -> Iterable[tuple[str, str]]:
    """Each other sidecar on which one depends, and itself where the application depends on it."""
    sidecar = value[name]
    yield from ((on, found) for on, found in sidecar.depends_on.items() if on in value)
    if sidecar.app_depends_on:
        yield name, sidecar.app_depends_on


def _unmeetable(name: str, condition: str, value: Mapping[str, Sidecar]) -> str | None:
    """Why a sidecar can't come to a condition, or might leave others waiting for ever."""
    sidecar = value[name]
    if condition in AT_ITS_END and sidecar.essential:
        return f"needs `essential: false` for the condition {condition}: its end would end the task"
    if condition == "HEALTHY" and not sidecar.health_check_command:
        return "needs `health_check_command` for the condition HEALTHY"
    if condition == "HEALTHY" and not sidecar.essential:
        return "needs `essential: true` for the condition HEALTHY, or its end leaves others waiting"
    return None


def _refuse_circles(value: Mapping[str, Sidecar]) -> None:
    needs = {name: {*sidecar.depends_on} for name, sidecar in value.items()}
    needs[CONTAINER_NAME] = {name for name, each in value.items() if each.app_depends_on}
    while needs:
        ready = {name for name, on in needs.items() if not on & needs.keys()}
        if not ready:
            raise ValueError(f"{', '.join(sorted(needs))} wait for each other")
        needs = {name: on for name, on in needs.items() if name not in ready}


Sidecars = Annotated[dict[str, Sidecar], BeforeValidator(structured), AfterValidator(names)]


def secret_arns(value: Mapping[str, Sidecar]) -> list[str]:
    """The secrets and parameters of sidecars."""
    return [arn for each in value.values() for arn in each.secrets.values()]


def images(*found: Mapping[str, Sidecar]) -> list[str]:
    """The images of sidecars, each once."""
    return sorted({each.image for value in found for each in value.values()})
