"""Lifecycle policies by AWS's documented examples.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.ecr.lifecycle import (
    DAY_SECONDS,
    InvalidPolicyError,
    expiries,
    parse_policy,
)
from localcloud.ecr.model import Image, Repository

NOW = 100 * DAY_SECONDS


def rule(priority: int, **selection: Any) -> dict[str, Any]:
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


def policy(*rules: dict[str, Any]) -> str:
    return json.dumps({"rules": rules})


def image(name: str, days_old: float, *tags: str, manifests: tuple[str, ...] = ()) -> Image:
    return Image(
        digest=name,
        media_type="",
        artifact_type=None,
        size=0,
        blobs=[],
        manifests=list(manifests),
        subject=None,
        tags=list(tags),
        pushed_at=NOW - days_old * DAY_SECONDS,
    )


def expired(text: str, *images: Image) -> list[tuple[str, int]]:
    repository = Repository("r", 0.0, images={each.digest: each for each in images})
    found = expiries(parse_policy(text), repository, NOW)
    return [(expiry.image.digest, expiry.priority) for expiry in found]


KEEP_ONE: dict[str, Any] = {"countType": "imageCountMoreThan", "countNumber": 1}
TWO_WEEKS: dict[str, Any] = {
    "countType": "sinceImagePushed",
    "countUnit": "days",
    "countNumber": 14,
}


def test_untagged_images_by_age() -> None:
    text = policy(rule(1, tagStatus="untagged", **TWO_WEEKS))
    images = (image("old", 15), image("young", 13), image("tagged", 15, "v1"))
    assert expired(text, *images) == [("old", 1)]


def test_the_oldest_beyond_a_count() -> None:
    text = policy(rule(1, tagStatus="any", **KEEP_ONE))
    images = (image("a", 1, "x"), image("b", 3), image("c", 2, "y"))
    assert expired(text, *images) == [("b", 1), ("c", 1)]


def test_an_image_belongs_to_the_first_rule_that_means_it() -> None:
    """AWS's example with two rules on prefixes: a kept image is not expired by a later rule."""
    text = policy(
        rule(1, tagStatus="tagged", tagPrefixList=["prod"], **KEEP_ONE),
        rule(2, tagStatus="tagged", tagPrefixList=["beta"], **KEEP_ONE),
    )
    images = (
        image("A", 3, "beta1", "prod1"),
        image("B", 2, "beta2", "prod2"),
        image("C", 1, "beta3"),
    )
    assert expired(text, *images) == [("A", 1)]


def test_every_prefix_of_a_list_must_be_there() -> None:
    text = policy(rule(1, tagStatus="tagged", tagPrefixList=["alpha", "beta"], **TWO_WEEKS))
    images = (image("A", 20, "alpha-1"), image("B", 20, "alpha-2", "beta-2"))
    assert expired(text, *images) == [("B", 1)]


def test_patterns_are_wildcards() -> None:
    text = policy(rule(1, tagStatus="tagged", tagPatternList=["*-dev"], **TWO_WEEKS))
    assert expired(text, image("A", 20, "one-dev"), image("B", 20, "dev-one")) == [("A", 1)]


def test_an_image_of_an_index_stays_while_the_index_does() -> None:
    text = policy(rule(1, tagStatus="untagged", **TWO_WEEKS))
    images = (image("part", 20), image("index", 1, "v1", manifests=("part",)))
    assert expired(text, *images) == []


ANY = rule(1, tagStatus="any", **KEEP_ONE)
REFUSED = {
    "is not JSON": ("{", "can't be read"),
    "has no rules": (policy(), "has no rules"),
    "has a priority twice": (
        policy(rule(1, tagStatus="untagged", **KEEP_ONE), ANY),
        "the same rulePriority",
    ),
    "has any before another": (
        policy(ANY, rule(2, tagStatus="untagged", **KEEP_ONE)),
        "must be the highest",
    ),
    "has tagged without a prefix": (
        policy(rule(1, tagStatus="tagged", **KEEP_ONE)),
        "tagPrefixList or tagPatternList goes with",
    ),
    "has days without a unit": (
        policy(rule(1, tagStatus="any", countType="sinceImagePushed", countNumber=1)),
        "countUnit days",
    ),
    "has a count of zero": (
        policy(rule(1, tagStatus="any", countType="imageCountMoreThan", countNumber=0)),
        "positive",
    ),
    "has an unknown count": (
        policy(rule(1, tagStatus="any", countType="sinceImagePulled", countNumber=1)),
        "countType sinceImagePulled",
    ),
    "has another action": (
        json.dumps({"rules": [{**ANY, "action": {"type": "transition"}}]}),
        "not supported by the local cloud",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_policy_is_refused_that(name: str) -> None:
    text, message = REFUSED[name]
    with pytest.raises(InvalidPolicyError, match=message):
        parse_policy(text)
