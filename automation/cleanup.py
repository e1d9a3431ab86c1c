"""Remove what the engine leaves: old task definition revisions, log groups of AWS's own."""

from __future__ import annotations

from collections.abc import Callable

from automation.cloud import Cloud
from automation.errors import DriverError
from automation.leftovers import log_groups, task_definitions
from infra.names import Names

BATCH = 10
"""DeleteTaskDefinitions takes ten at most, see
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html"""

Note = Callable[[str], None]


def clean_up(cloud: Cloud, names: Names, note: Note) -> int:
    """Delete every revision of the stack's family and its remaining log groups.

    The engine deregisters the latest revision only, and an inactive one stays for ever.

    Returns:
        How many were deleted.
    """
    revisions = delete_task_definitions(cloud, names.service)
    if revisions:
        note(f"deleted {revisions} task definition revisions")
    groups = log_groups(cloud, names)
    for group in groups:
        cloud.client("logs").delete_log_group(logGroupName=group)
        note(f"deleted the log group {group}")
    return revisions + len(groups)


def delete_task_definitions(cloud: Cloud, family: str) -> int:
    """Deregister and delete every revision of a family; returns how many there were.

    Raises:
        DriverError: ECS refused to delete some.
    """
    ecs = cloud.client("ecs")
    for arn in task_definitions(cloud, family, "ACTIVE"):
        ecs.deregister_task_definition(taskDefinition=arn)
    arns = task_definitions(cloud, family, "INACTIVE")
    failures: list[str] = []
    for start in range(0, len(arns), BATCH):
        answer = ecs.delete_task_definitions(taskDefinitions=arns[start : start + BATCH])
        failures += [f"{row['arn']}: {row['reason']}" for row in answer.get("failures", [])]
    if failures:
        raise DriverError("ECS does not delete some task definition revisions:", failures)
    return len(arns)
