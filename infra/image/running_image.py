"""Reads the image of the running service, and its tags in the registry."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pulumi_aws as aws

from infra.names import CONTAINER_NAME, Names

ACTIVE = "ACTIVE"
NO_SERVICE = "no matching ECS Service found"
"""What the vendor's provider says of a service or a cluster that does not exist:
https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service_data_source.go
"""


@dataclass(frozen=True)
class RunningImage:
    """The image of the service's current task definition.

    Attributes:
        uri: as the task definition has it, by digest where the stack or its pipeline deployed it.
        tags: its tags in the stack's repository; none where it is from elsewhere.
        taken_tags: every tag of the stack's repository.
    """

    uri: str
    tags: frozenset[str] = frozenset()
    taken_tags: frozenset[str] = frozenset()


def running_image(names: Names) -> RunningImage | None:
    """Look up what the stack's service runs, in ECS itself.

    Other inventories, such as the tagging API, lag behind: a service that they don't list yet
    would be taken for none, and its release be built over.

    Args:
        names: the stack's names.

    Returns:
        The image; None where there is no service.

    Raises:
        Exception: ECS could not be asked.
    """
    service = _service(names)
    if service is None or service.status != ACTIVE:
        return None
    container = aws.ecs.get_container_definition(
        task_definition=service.task_definition, container_name=CONTAINER_NAME
    )
    return _with_tags(container.image, names.repository)


def _service(names: Names) -> aws.ecs.AwaitableGetServiceResult | None:
    try:
        return aws.ecs.get_service(cluster_arn=names.cluster, service_name=names.service)
    except Exception as error:  # the SDK has no narrower class for a function that failed
        if NO_SERVICE in str(error):
            return None
        raise


def _with_tags(uri: str, repository: str) -> RunningImage:
    path, _, digest = uri.partition("@")
    if not digest or path.partition("/")[2] != repository:
        return RunningImage(uri)
    tagged = _tagged(repository)
    return RunningImage(
        uri,
        tags=frozenset(tag for tag, of in tagged.items() if of == digest),
        taken_tags=frozenset(tagged),
    )


def tags_of(repository: str) -> frozenset[str]:
    """Every tag of a repository that exists."""
    return frozenset(_tagged(repository))


def _tagged(repository: str) -> dict[str, str]:
    """Tag → digest; an image without a tag is listed too, and its tag is null."""
    images = aws.ecr.get_images(repository_name=repository).image_ids
    return {each.image_tag: each.image_digest for each in images if each.image_tag}


def release_tag(content: str, running: RunningImage | None) -> str:
    """The tag under which a content is built and pushed; tags in the registry never change.

    Args:
        content: the hash of the build context.
        running: what runs now.

    Returns:
        The running tag where this very content runs, so that nothing is built (of several the
        last one that was pushed, which the state knows); the hash where it was never pushed; else
        the hash with the next number, since a content that comes back after another can't be
        pushed under its old tag.
    """
    ours = re.compile(rf"{re.escape(content)}(?:-(\d+))?")
    if running is None:
        return content
    running_tags = {int(m[1] or 1): m[0] for m in map(ours.fullmatch, running.tags) if m}
    if running_tags:
        return running_tags[max(running_tags)]
    numbers = [int(match[1] or 1) for match in map(ours.fullmatch, running.taken_tags) if match]
    return f"{content}-{max(numbers) + 1}" if numbers else content
