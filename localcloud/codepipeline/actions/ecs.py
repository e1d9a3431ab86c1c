"""The ECS deploy action.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECS.html: it makes a
revision of the task definition from the one that the service uses now, with the images of the image
definitions file; has the service run it; and ends when that deployment does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from localcloud.codepipeline import errors
from localcloud.codepipeline.actions.artifacts import read_member
from localcloud.codepipeline.actions.work import (
    CONFIGURATION_ERROR,
    ActionError,
    Outcome,
    Work,
    failed,
    succeeded,
)

LONGEST_MINUTES = 60
DEFAULT_FILE = "imagedefinitions.json"
# What DescribeTaskDefinition tells and RegisterTaskDefinition does not take.
_TOLD_ONLY = {
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
}


def check(name: str, configuration: Mapping[str, str]) -> None:
    """Refuses a time-out that is none."""
    minutes = configuration.get("DeploymentTimeout")
    if minutes is None:
        return
    if not minutes.isdigit() or not 1 <= int(minutes) <= LONGEST_MINUTES:
        raise errors.action(
            f"DeploymentTimeout of action '{name}' must be 1 to {LONGEST_MINUTES} minutes, and is "
            f"{minutes!r}"
        )


def advance(work: Work) -> Outcome:
    """Registers, then updates the service, then waits for the deployment."""
    if "taskDefinition" not in work.progress:
        revision = _register(work)
        return Outcome(progress={"taskDefinition": revision}, at_once=True)
    if "deployment" not in work.progress:
        return _update(work, work.progress["taskDefinition"])
    return _watch(work)


def _service(work: Work) -> dict[str, Any]:
    cluster, name = work.configuration["ClusterName"], work.configuration["ServiceName"]
    answer = work.client("ecs").describe_services(cluster=cluster, services=[name])
    active = [one for one in answer["services"] if one["status"] == "ACTIVE"]
    if not active:
        raise ActionError(
            f"The Amazon ECS service '{name}' does not exist in cluster '{cluster}'",
            CONFIGURATION_ERROR,
        )
    service: dict[str, Any] = active[0]
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if controller != "ECS":
        raise ActionError(
            f"The service '{name}' has the deployment controller {controller}; the ECS action "
            "deploys services of the controller ECS",
            CONFIGURATION_ERROR,
        )
    return service


def _register(work: Work) -> str:
    images = _images(work)
    ecs = work.client("ecs")
    service = _service(work)
    answer = ecs.describe_task_definition(
        taskDefinition=service["taskDefinition"], include=["TAGS"]
    )
    current = answer["taskDefinition"]
    names = [container["name"] for container in current["containerDefinitions"]]
    unknown = sorted(set(images) - set(names))
    if unknown:
        raise ActionError(
            f"The task definition {service['taskDefinition']} has no container named "
            f"'{unknown[0]}', which the image definitions file names; it has {', '.join(names)}",
            CONFIGURATION_ERROR,
        )
    containers = [
        {**container, "image": images.get(container["name"], container["image"])}
        for container in current["containerDefinitions"]
    ]
    kept = {name: value for name, value in current.items() if name not in _TOLD_ONLY}
    tags = {"tags": answer["tags"]} if answer.get("tags") else {}
    made = ecs.register_task_definition(**{**kept, "containerDefinitions": containers, **tags})
    return str(made["taskDefinition"]["taskDefinitionArn"])


def _images(work: Work) -> dict[str, str]:
    """Container → image, as
    https://docs.aws.amazon.com/codepipeline/latest/userguide/file-reference.html says."""
    name = work.configuration.get("FileName", DEFAULT_FILE)
    content = read_member(work, work.inputs[0], name)
    try:
        rows = json.loads(content)
        images = {str(row["name"]): str(row["imageUri"]) for row in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise ActionError(
            f"Failed to read the image definitions file {name}: it must be a JSON list of objects "
            f"with name and imageUri ({type(error).__name__}: {error})"
        ) from error
    if not images:
        raise ActionError(f"The image definitions file {name} names no container")
    return images


def _update(work: Work, task_definition: str) -> Outcome:
    service = work.client("ecs").update_service(
        cluster=work.configuration["ClusterName"],
        service=work.configuration["ServiceName"],
        taskDefinition=task_definition,
    )["service"]
    deployment = next(
        one for one in service["deployments"] if one["taskDefinition"] == task_definition
    )
    progress = {**work.progress, "deployment": deployment["id"]}
    return Outcome(progress=progress, external_id=deployment["id"], summary=task_definition)


def _watch(work: Work) -> Outcome:
    task_definition = work.progress["taskDefinition"]
    identifier = work.progress["deployment"]
    service = _service(work)
    by_id = {one["id"]: one for one in service["deployments"]}
    ours = by_id.get(identifier)
    primary = next(one for one in service["deployments"] if one["status"] == "PRIMARY")
    known = {"progress": work.progress, "external_id": identifier}
    if ours is not None and ours.get("rolloutState") == "FAILED":
        reason = ours.get("rolloutStateReason", "no reason given")
        return failed(f"The deployment {identifier} failed: {reason}", **known)
    if primary["id"] != identifier:
        return failed(_replaced(identifier, primary, service), **known)
    if primary.get("rolloutState") == "COMPLETED":
        return succeeded(summary=f"{task_definition} is running", **known)
    minutes = int(work.configuration.get("DeploymentTimeout", LONGEST_MINUTES))
    if time.time() - work.started > minutes * 60:
        return failed(
            f"The deployment {identifier} did not end within {minutes} minutes "
            f"(DeploymentTimeout): {primary.get('rolloutStateReason', 'still in progress')}",
            **known,
        )
    progress = (
        f"{primary['runningCount']} of {primary['desiredCount']} tasks run "
        f"{task_definition.rpartition('/')[2]}, {primary.get('failedTasks', 0)} failed"
    )
    return Outcome(summary=progress, **known)


def _replaced(identifier: str, primary: dict[str, Any], service: dict[str, Any]) -> str:
    """Rolled back, or overtaken by another update of the service: either way not ours runs."""
    said = primary.get("rolloutStateReason") or next(
        (event["message"] for event in service.get("events", [])), "no reason given"
    )
    return (
        f"The deployment {identifier} was replaced by {primary['id']} of "
        f"{primary['taskDefinition']}: {said}"
    )
