"""Services and deployments as the API shows them."""

from __future__ import annotations

from typing import Any

from localcloud.ecs import rollout
from localcloud.ecs.core import given_members
from localcloud.ecs.model import Deployment, ServiceRecord, State, Task, TaskStatus
from localcloud.shared.core import moment

WAITING = (TaskStatus.PROVISIONING, TaskStatus.PENDING, TaskStatus.ACTIVATING)


def running(tasks: list[Task]) -> int:
    """How many of the tasks run."""
    return sum(task.status == TaskStatus.RUNNING for task in tasks)


def pending(tasks: list[Task]) -> int:
    """How many of the tasks are on their way up."""
    return sum(task.status in WAITING and task.desired_status == "RUNNING" for task in tasks)


def shape(state: State, service: ServiceRecord, *, tags: bool) -> dict[str, Any]:
    """A service with its deployments and events."""
    tasks = [t for t in state.tasks.values() if t.service_arn == service.arn]
    entry = rollout.open_entry(state, service)
    answer = {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster_arn,
        "loadBalancers": service.load_balancers,
        "serviceRegistries": [],
        "status": service.status,
        "desiredCount": service.desired_count,
        "runningCount": running(tasks),
        "pendingCount": pending(tasks),
        "launchType": service.launch_type,
        "capacityProviderStrategy": service.capacity_strategy or None,
        "platformVersion": service.platform_version,
        "platformFamily": "Linux",
        "taskDefinition": service.task_definition,
        "deploymentConfiguration": service.deployment_configuration,
        "deployments": [
            _deployment(state, d, [t for t in tasks if t.deployment_id == d.id])
            for d in service.deployments
            if service.status != "INACTIVE"
        ],
        "roleArn": _service_role(service) if service.load_balancers else None,
        "events": [
            {"id": event.id, "createdAt": moment(event.at), "message": event.message}
            for event in service.events
        ],
        "createdAt": service.created_at,
        "createdBy": service.created_by,
        "currentServiceDeployment": entry.arn if entry else None,
        "currentServiceRevisions": [
            {
                "arn": d.revision_arn,
                "requestedTaskCount": d.desired,
                "runningTaskCount": running([t for t in tasks if t.deployment_id == d.id]),
                "pendingTaskCount": pending([t for t in tasks if t.deployment_id == d.id]),
            }
            for d in service.deployments
        ],
        "placementConstraints": [],
        "placementStrategy": [],
        "networkConfiguration": service.network,
        "healthCheckGracePeriodSeconds": (
            (service.grace_period or 0) if service.load_balancers else service.grace_period
        ),
        "schedulingStrategy": service.scheduling_strategy,
        "deploymentController": {"type": "ECS"},
        "enableECSManagedTags": service.managed_tags,
        "propagateTags": service.propagate_tags,
        "enableExecuteCommand": service.enable_execute_command,
        "availabilityZoneRebalancing": service.zone_rebalancing,
        "tags": service.tags if tags else None,
    }
    return given_members(answer)


def _service_role(service: ServiceRecord) -> str:
    account = service.arn.split(":")[4]
    return f"arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


def _deployment(state: State, deployment: Deployment, tasks: list[Task]) -> dict[str, Any]:
    revision = state.revisions[deployment.revision_arn]
    return given_members(
        {
            "id": deployment.id,
            "status": deployment.status,
            "taskDefinition": revision.task_definition,
            "desiredCount": deployment.desired,
            "pendingCount": pending(tasks),
            "runningCount": running(tasks),
            "failedTasks": deployment.failed_tasks,
            "createdAt": deployment.created_at,
            "updatedAt": deployment.updated_at,
            "capacityProviderStrategy": revision.capacity_strategy or None,
            "launchType": revision.launch_type,
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "networkConfiguration": revision.network,
            "rolloutState": str(deployment.rollout),
            "rolloutStateReason": deployment.rollout_reason,
        }
    )
