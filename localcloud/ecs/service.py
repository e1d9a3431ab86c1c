"""The local cloud's ECS: the API on one side, real containers on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from localcloud.ecs import (
    bookkeeping,
    clusters,
    ledger,
    services,
    tags,
    task_definitions,
    tasks,
)
from localcloud.ecs.agent.endpoints import TaskEndpoints
from localcloud.ecs.agent.events import Events
from localcloud.ecs.agent.logs import Logs
from localcloud.ecs.agent.metrics import Metrics
from localcloud.ecs.agent.sessions import Sessions
from localcloud.ecs.agent.shells import Shells
from localcloud.ecs.agent.shifts import Shifts
from localcloud.ecs.alarms import Alarms
from localcloud.ecs.core import Core
from localcloud.ecs.execute import execute
from localcloud.ecs.model import TaskStatus
from localcloud.ecs.observation import Observer
from localcloud.ecs.reconciler import Reconciler
from localcloud.ecs.runtime import Runtime
from localcloud.ecs.starting import Starter
from localcloud.ecs.stopping import Stopper
from localcloud.ecs.store import Store
from localcloud.ecs.supported_members import refuse_unhonoured
from localcloud.shared import clock
from localcloud.shared.service import Call, Service, ServiceError, Surroundings

Operation = Callable[[Core, Call], Mapping[str, Any]]

OPERATIONS: dict[str, Operation] = {
    "CreateCluster": clusters.create,
    "DescribeClusters": clusters.describe,
    "ListClusters": clusters.list_all,
    "UpdateCluster": clusters.update,
    "UpdateClusterSettings": clusters.update,
    "DeleteCluster": clusters.delete,
    "PutClusterCapacityProviders": clusters.put_providers,
    "DescribeCapacityProviders": clusters.describe_providers,
    "RegisterTaskDefinition": task_definitions.register,
    "DescribeTaskDefinition": task_definitions.describe,
    "ListTaskDefinitions": task_definitions.list_all,
    "ListTaskDefinitionFamilies": task_definitions.list_families,
    "DeregisterTaskDefinition": task_definitions.deregister,
    "DeleteTaskDefinitions": task_definitions.delete,
    "CreateService": services.create,
    "UpdateService": services.update,
    "DescribeServices": services.describe,
    "ListServices": services.list_all,
    "DeleteService": services.delete,
    "RunTask": tasks.run,
    "StopTask": tasks.stop,
    "DescribeTasks": tasks.describe,
    "ListTasks": tasks.list_all,
    "ListServiceDeployments": ledger.list_deployments,
    "DescribeServiceDeployments": ledger.describe_deployments,
    "DescribeServiceRevisions": ledger.describe_revisions,
    "StopServiceDeployment": ledger.stop_deployment,
    "TagResource": tags.tag,
    "UntagResource": tags.untag,
    "ListTagsForResource": tags.list_all,
}


class Ecs(Service):
    """Amazon ECS on Fargate, on this machine's Docker engine.

    Args:
        surroundings: the local cloud around it.
    """

    name = "ecs"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self.core = Core(surroundings, Store(Path(surroundings.state_dir)))
        self.handlers = {
            operation: partial(self._answer, function) for operation, function in OPERATIONS.items()
        }
        self.handlers["ExecuteCommand"] = partial(self._answer, self._execute)
        self._endpoints: TaskEndpoints | None = None
        self._shells: Shells | None = None
        self._reconciler: Reconciler | None = None
        self._events: Events | None = None
        self._metrics: Metrics | None = None

    def _answer(self, function: Operation, call: Call) -> Mapping[str, Any]:
        refuse_unhonoured(call.operation, call.input)
        return function(self.core, call)

    def _execute(self, core: Core, call: Call) -> Mapping[str, Any]:
        if self._shells is None:
            raise ServiceError("ServerException", "The local cloud is still starting.", 500)
        return execute(self._shells, core, call)

    def tagged_resources(self, region: str) -> Mapping[str, Mapping[str, str]]:
        """Clusters, services, task definitions and tasks with their tags."""
        return tags.inventory(self.core, region)

    def start(self) -> None:
        """Connect to Docker, adopt the tasks that still run, and begin to schedule."""
        surroundings = self.core.surroundings
        runtime = Runtime(surroundings.instance, surroundings.docker_network)
        sessions = Sessions(self.core)
        logs = Logs(self.core, runtime, sessions)
        self._endpoints = TaskEndpoints(self.core, runtime, sessions)
        self._endpoints.start()
        self._shells = Shells(self.core, runtime, sessions)
        self._shells.start()
        observer = Observer(self.core, runtime)
        starter = Starter(self.core, runtime, sessions, logs, self._endpoints)
        stopper = Stopper(self.core, runtime, observer, logs, sessions)
        self._adopt(logs)
        self._events = Events(self.core)
        self._events.start()
        self._metrics = Metrics(self.core, runtime)
        self._metrics.start()
        self._reconciler = Reconciler(
            self.core,
            runtime,
            observer,
            starter,
            stopper,
            Alarms(self.core),
            Shifts(self.core),
            self._events,
        )
        self._reconciler.start()

    def _adopt(self, logs: Logs) -> None:
        """Take up the tasks of an earlier process: those that ran go on, and so does their output;
        those that were starting are started anew."""
        now = clock.now()
        with self.core.change() as state:
            for task in state.tasks.values():
                if task.status in (
                    TaskStatus.PROVISIONING,
                    TaskStatus.PENDING,
                    TaskStatus.ACTIVATING,
                ):
                    task.counted = True
                    reason = "The local cloud was restarted while the task was starting."
                    bookkeeping.begin_stop(task, "ServiceSchedulerInitiated", reason, now)
                elif task.status == TaskStatus.RUNNING:
                    definition = state.task_definitions[task.definition_arn].definition
                    for container in definition["containerDefinitions"]:
                        record = next(c for c in task.containers if c.name == container["name"])
                        if container.get("logConfiguration") and record.runtime_id:
                            role = definition["executionRoleArn"]
                            logs.follow(task, role, container, record.runtime_id)

    def stop(self) -> None:
        """Stop scheduling; the tasks keep running and the next process adopts them."""
        if self._reconciler is not None:
            self._reconciler.stop()
        if self._metrics is not None:
            self._metrics.stop()
        if self._events is not None:
            self._events.stop()
        if self._shells is not None:
            self._shells.stop()
        if self._endpoints is not None:
            self._endpoints.stop()
