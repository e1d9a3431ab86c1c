"""ExecuteCommand: a session in a running container.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommand.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from localcloud.ecs import errors, tasks
from localcloud.ecs.agent.shells import Shells
from localcloud.ecs.core import Core
from localcloud.ecs.model import Container, Task, TaskStatus
from localcloud.shared.service import Call, ServiceError

log = logging.getLogger(__name__)

CHANNEL_ACTIONS = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
]
"""What the task role must be allowed.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
"""


def execute(shells: Shells, core: Core, call: Call) -> Mapping[str, Any]:
    """Hand out a session; the command runs when the client opens it."""
    given = call.input
    if not given["interactive"]:
        raise errors.invalid("Interactive is the only mode supported currently.")
    with core.lock:
        task = tasks.find(core, call, given["task"])
        container = _container(task, given.get("container"))
        if (
            not task.enable_execute_command
            or task.status != TaskStatus.RUNNING
            or container.runtime_id is None
            or container.status != "RUNNING"
        ):
            raise errors.invalid(
                "The execute command failed because execute command was not enabled when the task "
                "was run or the execute command agent isn't running. Wait and try again or run a "
                "new task with execute command enabled and try again."
            )
        cluster = core.state.clusters[task.cluster_arn]
        settings = (cluster.configuration or {}).get("executeCommandConfiguration", {})
    _check_role(core, task)
    session = shells.open(task, container.name, container.runtime_id, given["command"], settings)
    return {
        "clusterArn": task.cluster_arn,
        "taskArn": task.arn,
        "containerArn": container.arn,
        "containerName": container.name,
        "interactive": True,
        "session": session,
    }


def _container(task: Task, name: str | None) -> Container:
    if name is None and len(task.containers) > 1:
        raise errors.invalid("A container name is required for tasks with several containers.")
    for container in task.containers:
        if name in (None, container.name):
            return container
    raise errors.invalid(f"The container {name} is not part of the task.")


def _check_role(core: Core, task: Task) -> None:
    """Without these permissions AWS's agent never connects, and the session is refused."""
    definition = core.state.task_definitions[task.definition_arn].definition
    role = task.overrides.get("taskRoleArn") or definition["taskRoleArn"]
    answer = core.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=CHANNEL_ACTIONS
    )
    missing = [
        result["EvalActionName"]
        for result in answer["EvaluationResults"]
        if result["EvalDecision"] != "allowed"
    ]
    if missing:
        log.warning("no session in %s: %s may not do %s", task.arn, role, ", ".join(missing))
        raise ServiceError(
            "TargetNotConnectedException",
            "The execute command failed due to an internal error. Try again later.",
        )
