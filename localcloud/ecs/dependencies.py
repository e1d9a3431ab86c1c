"""Whether a container's dependencies let it start, and when they never will.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html; the words
and the exit code are those of ECS's agent:
https://github.com/aws/amazon-ecs-agent/blob/master/agent/engine/dependencygraph/graph.go
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NEVER_STARTED = 143
"""The exit code of a container whose dependencies can't be met."""


class UnresolvableError(Exception):
    """The dependency can't be met any more; the text is the container's reason."""


@dataclass(frozen=True)
class Dependency:
    """What one container waits for in another one.

    Attributes:
        target: the name of the container that waits.
        on: the name and the image of the other one, such as `init(registry/init:1)`.
        condition: `START`, `COMPLETE`, `SUCCESS` or `HEALTHY`.
        state: the other one's state in Docker's words; empty until it is made.
        waited: seconds since the other one was started.
        limit: its `startTimeout` in seconds; 0 for none.
    """

    target: str
    on: str
    condition: str
    state: Mapping[str, Any] = field(default_factory=dict)
    waited: float = 0.0
    limit: int = 0

    def resolved(self) -> bool:
        """Whether it is met.

        Raises:
            UnresolvableError: it never will be.
        """
        status, code = self.state.get("Status"), self.state.get("ExitCode")
        ended = status in ("exited", "dead")
        met: bool = {
            "START": status not in (None, "created"),
            "COMPLETE": ended,
            "SUCCESS": ended and code == 0,
            "HEALTHY": self.state.get("Health", {}).get("Status") == "healthy",
        }[self.condition]
        ordering = "container ordering dependency"
        if not met and ended and self.condition == "SUCCESS":
            raise UnresolvableError(
                f"CannotStartContainerError: dependency graph: failed to resolve {ordering} "
                f"[{self.on} (STOPPED->RUNNING) - Exit: {code}] for target [{self.target}] as "
                "dependency did not exit successfully."
            )
        if not met and not ended and self.limit and self.waited >= self.limit:
            raise UnresolvableError(
                f"CannotStartContainerError: dependency graph: {ordering} "
                f"[{self.on} (RUNNING->RUNNING)] for target [{self.target}] has timed out."
            )
        return met
