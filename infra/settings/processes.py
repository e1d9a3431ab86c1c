"""The setting `processes`: further services of the same image, without a load balancer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from infra.names import WEB
from infra.settings import rules
from infra.settings.types import Percent, TextMap, Words, structured

DEFAULT_MESSAGES = 100


class Process(BaseModel):
    """One process: a service of its own.

    Attributes:
        command: in place of the image's, word by word.
        entry_point: in place of the image's.
        environment: further variables; they win over the stack's.
        cpu: units; 1024 are one vCPU.
        memory: MiB.
        min_count: the fewest tasks; 0 only where a queue brings it back.
        max_count: the most tasks; 0 means as many as `min_count`, and one at least.
        cpu_target: the CPU use in percent that autoscaling holds; 0 leaves the number of tasks.
        queue: the ARN of a queue of SQS, which the process may read and by which it scales.
        messages_per_task: how many messages of the queue one task is for.
        health_check_command: by which ECS asks a task for its health, word by word.
        stop_timeout: seconds between SIGTERM and SIGKILL; 0 means the stack's.
        spot: whether its tasks run on Fargate Spot; left out, the stack's `spot` says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Words = []
    entry_point: Words = []
    environment: Annotated[TextMap, AfterValidator(rules.environment)] = {}
    cpu: int = 256
    memory: int = 512
    min_count: Annotated[int, Field(ge=0, le=5000)] = 1
    max_count: Annotated[int, Field(ge=0, le=5000)] = 0
    cpu_target: Percent = 60
    queue: Annotated[str, AfterValidator(rules.queue_arn)] = ""
    messages_per_task: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    health_check_command: Words = []
    stop_timeout: Annotated[int, Field(ge=0, le=120)] = 0
    spot: bool | None = None

    @property
    def highest_count(self) -> int:
        """The most tasks."""
        return self.max_count or max(self.min_count, 1)

    @property
    def messages(self) -> int:
        """How many messages one task is for."""
        return self.messages_per_task or DEFAULT_MESSAGES

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        problem = (
            self._words()
            or _named("cpu", self.cpu, rules.fargate_cpu(self.cpu))
            or _named("memory", self.memory, rules.fargate_memory(self.cpu, self.memory))
            or self._bounds()
        )
        if problem:
            raise ValueError(problem)
        return self

    def _words(self) -> str | None:
        if not (self.command or self.entry_point):
            return "needs `command` or `entry_point`, or it would be the web process once more"
        return None

    def _bounds(self) -> str | None:
        if self.min_count > self.highest_count:
            return f"min_count ({self.min_count}) must not exceed max_count ({self.max_count})"
        scaled_by_queue = bool(self.queue or self.messages_per_task)
        if not self.min_count and not scaled_by_queue:
            return "min_count must be 1 or more: without `queue` nothing brings it back from 0"
        if scaled_by_queue and "cpu_target" in self.model_fields_set:
            return "has either `cpu_target` or a queue with `messages_per_task`"
        return None


def _named(key: str, value: int, problem: str | None) -> str | None:
    return problem and f"{key} {value}: {problem}"


def names(value: Mapping[str, Process]) -> Mapping[str, Process]:
    """The names of processes are part of the names of their services and log streams."""
    for name in value:
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?", name):
            raise ValueError(
                f"{name!r} must be 1 to 30 lower-case letters, digits and hyphens, a letter first"
            )
        if name == WEB:
            raise ValueError(f"{name!r} is the process behind the load balancer; choose another")
    return value


Processes = Annotated[dict[str, Process], BeforeValidator(structured), AfterValidator(names)]
