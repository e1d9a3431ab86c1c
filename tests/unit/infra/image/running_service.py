"""Answers of a cloud in which a service runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra import offline
from infra.image.running_image import RunningImage, running_image
from infra.names import Names
from infra.offline import Answer
from tests.unit.infra.recorder import ACCOUNT, PLACE, REGION

DIGEST = f"sha256:{'a' * 64}"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/fargate-cd-dev"


def answers(
    image: str = f"{REPOSITORY}@{DIGEST}",
    images: Mapping[str, str] | None = None,
    untagged: Sequence[str] = (),
    status: str = "ACTIVE",
) -> dict[str, Answer]:
    """What AWS answers when a service runs.

    Args:
        image: what it runs.
        images: tag → digest, in the stack's repository.
        untagged: the digests of its images without a tag.
        status: its status.
    """
    held = {"latest-of-test": DIGEST} if images is None else images
    ids: list[dict[str, str | None]] = [
        {"imageTag": tag, "imageDigest": digest} for tag, digest in held.items()
    ]
    ids += [{"imageTag": None, "imageDigest": digest} for digest in untagged]
    return {
        "aws:ecs/getService:getService": lambda _: {"status": status, "taskDefinition": "td:7"},
        "aws:ecs/getContainerDefinition:getContainerDefinition": lambda _: {"image": image},
        "aws:ecr/getImages:getImages": lambda _: {"imageIds": ids},
    }


def service_runs(cloud: Mapping[str, Answer]) -> RunningImage | None:
    """What `running_image` finds in a cloud that answers so."""
    found: list[RunningImage | None] = []

    def look() -> None:
        found.append(running_image(Names("fargate-cd", "dev")))

    offline.run(look, {}, PLACE, project="fargate-cd", stack="dev", answers=cloud)
    return found[0]
