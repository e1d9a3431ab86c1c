"""The repository's lifecycle policy, evaluated as ECR does."""

from __future__ import annotations

import json

from infra.image.registry import KEPT_IMAGES, LIFECYCLE_POLICY
from localcloud.ecr.lifecycle import DAY_SECONDS, expiries, parse_policy
from localcloud.ecr.model import Image, Repository

NOW = 1000 * DAY_SECONDS
RULES = parse_policy(json.dumps(LIFECYCLE_POLICY))


def image(name: str, pushed_at: float, *tags: str) -> Image:
    return Image(
        digest=name,
        media_type="",
        artifact_type=None,
        size=0,
        blobs=[],
        manifests=[],
        subject=None,
        tags=list(tags),
        pushed_at=pushed_at,
    )


def expired(*images: Image) -> set[str]:
    repository = Repository("web", created_at=0.0)
    repository.images = {one.digest: one for one in images}
    return {expiry.image.digest for expiry in expiries(RULES, repository, NOW)}


def test_the_newest_images_stay() -> None:
    images = [image(f"r{n}", NOW - 100 * DAY_SECONDS + n, f"commit{n}") for n in range(250)]
    assert expired(*images) == {f"r{n}" for n in range(250 - KEPT_IMAGES)}


def test_left_overs_of_pushes_go_after_a_day() -> None:
    assert expired(image("old", NOW - 2 * DAY_SECONDS), image("new", NOW - 60)) == {"old"}
