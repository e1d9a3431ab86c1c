"""Remove what the engine leaves: old task definition revisions, log groups of AWS's own."""

from __future__ import annotations

from collections.abc import Callable

from automation.aws.clients import Cloud
from automation.errors import DriverError
from automation.leftovers.finders import log_groups, preview_tags, revisions
from infra.names import Names

BATCH = 10
"""DeleteTaskDefinitions takes ten at most, see
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html"""

IMAGE_BATCH = 100
"""BatchDeleteImage takes a hundred at most, see
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html"""

Note = Callable[[str], None]


def clean_up(cloud: Cloud, names: Names, note: Note) -> int:
    """Delete every revision of the stack's families, its remaining log groups, a preview's images.

    The engine deregisters the latest revision only, and an inactive one stays for ever. A
    preview's images are in its environment's repository, which stays.

    Returns:
        How many were deleted.
    """
    revisions = delete_task_definitions(cloud, names)
    if revisions:
        note(f"deleted {revisions} task definition revisions")
    groups = log_groups(cloud, names)
    for group in groups:
        cloud.client("logs").delete_log_group(logGroupName=group)
        note(f"deleted the log group {group}")
    images = delete_preview_images(cloud, names) if names.is_preview else 0
    if images:
        note(f"deleted {images} images from the repository {names.repository}")
    return revisions + len(groups) + images


def delete_preview_images(cloud: Cloud, names: Names) -> int:
    """Delete a preview's images from its environment's repository; returns how many there were.

    Raises:
        DriverError: ECR refused to delete some.
    """
    tags = preview_tags(cloud, names)
    failures: list[str] = []
    for start in range(0, len(tags), IMAGE_BATCH):
        answer = cloud.client("ecr").batch_delete_image(
            repositoryName=names.repository,
            imageIds=[{"imageTag": tag} for tag in tags[start : start + IMAGE_BATCH]],
        )
        failures += [
            f"{row['imageId'].get('imageTag')}: {row['failureReason']}"
            for row in answer.get("failures", [])
            if row["failureCode"] != "ImageNotFound"
        ]
    if failures:
        raise DriverError("ECR does not delete some images of the preview:", failures)
    return len(tags)


def delete_task_definitions(cloud: Cloud, names: Names) -> int:
    """Deregister and delete every revision of the stack's families; returns how many there were.

    Raises:
        DriverError: ECS refused to delete some.
    """
    ecs = cloud.client("ecs")
    for arn in revisions(cloud, names, "ACTIVE"):
        ecs.deregister_task_definition(taskDefinition=arn)
    arns = revisions(cloud, names, "INACTIVE")
    failures: list[str] = []
    for start in range(0, len(arns), BATCH):
        answer = ecs.delete_task_definitions(taskDefinitions=arns[start : start + BATCH])
        failures += [f"{row['arn']}: {row['reason']}" for row in answer.get("failures", [])]
    if failures:
        raise DriverError("ECS does not delete some task definition revisions:", failures)
    return len(arns)
