"""What the parts of the local ECS share: the state, its lock, and the world around."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from localcloud.ecs import arns, errors
from localcloud.ecs.model import Cluster, ServiceRecord, State, Task, TaskDefinition
from localcloud.ecs.scheduler import SETTLING_SECONDS, SETTLING_VARIABLE
from localcloud.shared import paging
from localcloud.shared.core import SharedCore, moment
from localcloud.shared.service import Call


def settling_seconds() -> float:
    """`SETTLING_SECONDS`, unless this process's environment names another time.

    Raises:
        ValueError: the variable is no number.
    """
    return float(os.environ.get(SETTLING_VARIABLE) or SETTLING_SECONDS)


@dataclass
class Core(SharedCore[State]):
    """The state behind one lock; a change wakes the scheduler.

    Attributes:
        settling_seconds: how long a task must have been healthy to count as a success.
    """

    settling_seconds: float = field(default_factory=settling_seconds, kw_only=True)

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client that acts as the cloud's own user."""
        return self.surroundings.client(service, region=region or self.surroundings.region)

    def cluster(self, call: Call, name_or_arn: str | None) -> Cluster:
        """An active cluster.

        Raises:
            ServiceError: ClusterNotFoundException.
        """
        found = self.state.clusters.get(arns.cluster(call, name_or_arn))
        if found is None or found.status != "ACTIVE":
            raise errors.cluster_not_found()
        return found

    def service(self, call: Call, cluster: str | None, name_or_arn: str) -> ServiceRecord:
        """A service of a cluster, deleted or not.

        Raises:
            ServiceError: ClusterNotFoundException, ServiceNotFoundException.
        """
        home = self.cluster(call, cluster)
        found = self.state.services.get(arns.child(home.arn, "service", arns.name_of(name_or_arn)))
        if found is None:
            raise errors.service_not_found()
        return found

    def task_definition(self, call: Call, reference: str) -> TaskDefinition:
        """A revision by `family`, `family:revision` or ARN; the family alone means its latest.

        Raises:
            ServiceError: ClientException.
        """
        name = arns.name_of(reference)
        family, _, revision = name.partition(":")
        if revision:
            arn = f"{arns.prefix(call)}task-definition/{name}"
            if (found := self.state.task_definitions.get(arn)) is None:
                raise errors.client("Unable to describe task definition.")
            return found
        active = [
            one
            for one in self.state.task_definitions.values()
            if one.family == family and one.status == "ACTIVE"
        ]
        if not active:
            raise errors.client("Unable to describe task definition.")
        return max(active, key=lambda one: one.revision)

    def tasks_of(self, service_arn: str) -> list[Task]:
        """The tasks of a service that are not stopped."""
        return [
            task
            for task in self.state.tasks.values()
            if task.service_arn == service_arn and task.status != "STOPPED"
        ]


def given_members(members: dict[str, Any]) -> dict[str, Any]:
    """Without the members that have no value; seconds under a name in `At` become moments."""
    return {
        name: moment(value) if name.endswith("At") and isinstance(value, float) else value
        for name, value in members.items()
        if value is not None
    }


def page(items: list[Any], given: dict[str, Any], default: int = 100) -> tuple[list[Any], Any]:
    """One page of a list: its items and the token of the next, or None.

    Raises:
        ServiceError: InvalidParameterException for a token that was not handed out.
    """
    return paging.page(items, given, errors.invalid("Invalid token."), default)
