"""Task definitions: families of revisions."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.ecs import arns, errors
from localcloud.ecs.core import Core, page
from localcloud.ecs.model import Task, TaskDefinition, TaskStatus
from localcloud.ecs.validation import normalised
from localcloud.shared import clock
from localcloud.shared.core import moment
from localcloud.shared.service import Call

MAXIMUM_DELETED = 10


def register(core: Core, call: Call) -> Mapping[str, Any]:
    """RegisterTaskDefinition: a new revision, once it is valid and its roles exist."""
    definition = normalised(call.input)
    for member in ("taskRoleArn", "executionRoleArn"):
        if role := definition.get(member):
            definition[member] = _role_arn(core, call, role)
    with core.change() as state:
        family = definition["family"]
        key = f"{arns.prefix(call)}task-definition/{family}"
        revision = state.last_revisions.get(key, 0) + 1
        state.last_revisions[key] = revision
        record = TaskDefinition(
            arn=f"{key}:{revision}",
            family=family,
            revision=revision,
            definition=definition,
            registered_at=clock.now(),
            registered_by=call.principal,
            tags=call.input.get("tags", []),
        )
        state.task_definitions[record.arn] = record
    return {"taskDefinition": shape(record), "tags": record.tags}


def _role_arn(core: Core, call: Call, name_or_arn: str) -> str:
    name = arns.name_of(name_or_arn)
    if name_or_arn.startswith("arn:") and f"::{call.account}:role/" not in name_or_arn:
        raise errors.client("Role is not valid")
    try:
        role = core.client("iam").get_role(RoleName=name)["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            raise errors.client("Role is not valid") from error
        raise
    return str(role["Arn"])


def describe(core: Core, call: Call) -> Mapping[str, Any]:
    """DescribeTaskDefinition."""
    with core.lock:
        record = core.task_definition(call, call.input["taskDefinition"])
        tags = record.tags if "TAGS" in call.input.get("include", []) else None
        return {"taskDefinition": shape(record)} | ({} if tags is None else {"tags": tags})


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListTaskDefinitions: by family, then revision."""
    status = call.input.get("status") or "ACTIVE"
    family = call.input.get("familyPrefix")
    with core.lock:
        found = [
            record
            for record in core.state.task_definitions.values()
            if record.status == status
            and record.arn.startswith(arns.prefix(call))
            and family in (None, record.family)
        ]
    found.sort(key=lambda r: (r.family, r.revision), reverse=call.input.get("sort") == "DESC")
    shown, token = page([record.arn for record in found], call.input)
    return {"taskDefinitionArns": shown, "nextToken": token}


def list_families(core: Core, call: Call) -> Mapping[str, Any]:
    """ListTaskDefinitionFamilies: ACTIVE families have an active revision."""
    status = call.input.get("status") or "ALL"
    active: dict[str, bool] = {}
    with core.lock:
        for record in core.state.task_definitions.values():
            if record.arn.startswith(arns.prefix(call)) and record.status != "DELETE_IN_PROGRESS":
                active[record.family] = active.get(record.family, False) or (
                    record.status == "ACTIVE"
                )
    wanted = {"ACTIVE": (True,), "INACTIVE": (False,), "ALL": (True, False)}[status]
    start = call.input.get("familyPrefix") or ""
    families = sorted(
        f for f, is_active in active.items() if is_active in wanted and f.startswith(start)
    )
    shown, token = page(families, call.input)
    return {"families": shown, "nextToken": token}


def deregister(core: Core, call: Call) -> Mapping[str, Any]:
    """DeregisterTaskDefinition: INACTIVE, still there for the services that use it."""
    reference = call.input["taskDefinition"]
    if ":" not in arns.name_of(reference):
        raise errors.client("Invalid revision number. Revision is missing.")
    with core.change():
        record = core.task_definition(call, reference)
        if record.status != "ACTIVE":
            raise errors.client("The specified task definition is inactive.")
        record.status = "INACTIVE"
        record.deregistered_at = clock.now()
        return {"taskDefinition": shape(record)}


def delete(core: Core, call: Call) -> Mapping[str, Any]:
    """DeleteTaskDefinitions: inactive revisions; one in use stays DELETE_IN_PROGRESS until free.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html
    """
    wanted = call.input["taskDefinitions"]
    if len(wanted) > MAXIMUM_DELETED:
        raise errors.invalid("You can specify up to 10 task definitions.")
    deleted, failures = [], []
    with core.change() as state:
        for reference in wanted:
            arn = f"{arns.prefix(call)}task-definition/{arns.name_of(reference)}"
            record = state.task_definitions.get(arn)
            if record is None or record.status == "ACTIVE":
                reason = (
                    "The specified task definition does not exist."
                    if record is None
                    else (
                        "The specified task definition is still in ACTIVE status. "
                        "Please deregister the target and try again."
                    )
                )
                failures.append({"arn": arn, "reason": reason})
                continue
            record.status = "DELETE_IN_PROGRESS"
            record.delete_requested_at = clock.now()
            deleted.append(shape(record))
        forget_deleted(core)
    return {"taskDefinitions": deleted, "failures": failures}


def forget_deleted(core: Core) -> None:
    """Drop the revisions under deletion that nothing uses any more; the caller holds the lock."""
    state = core.state
    used = {t.definition_arn for t in state.tasks.values() if t.status != TaskStatus.STOPPED}
    for service in state.services.values():
        if service.status != "INACTIVE":
            used.add(service.task_definition)
            used |= {state.revisions[d.revision_arn].task_definition for d in service.deployments}
    for arn, record in list(state.task_definitions.items()):
        if record.status == "DELETE_IN_PROGRESS" and arn not in used:
            del state.task_definitions[arn]


def shape(record: TaskDefinition) -> dict[str, Any]:
    """A revision as the API shows it."""
    answer = record.definition | {
        "taskDefinitionArn": record.arn,
        "family": record.family,
        "revision": record.revision,
        "status": record.status,
        "registeredAt": moment(record.registered_at),
        "registeredBy": record.registered_by,
        "requiresAttributes": [],
    }
    for member, at in (
        ("deregisteredAt", record.deregistered_at),
        ("deleteRequestedAt", record.delete_requested_at),
    ):
        if at is not None:
            answer[member] = moment(at)
    return answer


def effective(core: Core, task: Task) -> dict[str, Any]:
    """Return the definition of a task with its overrides applied.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
    """
    definition = copy.deepcopy(core.state.task_definitions[task.definition_arn].definition)
    for member in ("cpu", "memory", "taskRoleArn", "executionRoleArn"):
        if task.overrides.get(member):
            definition[member] = task.overrides[member]
    for override in task.overrides.get("containerOverrides", []):
        container = next(
            c for c in definition["containerDefinitions"] if c["name"] == override["name"]
        )
        for member in ("command", "cpu", "memory", "memoryReservation"):
            if override.get(member):
                container[member] = override[member]
        if override.get("environment"):
            merged = {v["name"]: v["value"] for v in container["environment"]}
            merged |= {v["name"]: v["value"] for v in override["environment"]}
            container["environment"] = [{"name": n, "value": v} for n, v in merged.items()]
    return definition
