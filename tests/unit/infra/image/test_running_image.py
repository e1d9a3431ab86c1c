"""What runs now, and the tag of what will."""

from __future__ import annotations

from typing import Any

import pytest

from infra.image.running_image import RunningImage, release_tag
from infra.offline import RefusedError
from tests.unit.infra.image.running_service import DIGEST, REPOSITORY, answers, service_runs

CONTENT = "0123456789abcdef"


@pytest.mark.parametrize(
    ("running", "tag"),
    [
        (None, CONTENT),
        (RunningImage("nginx:1"), CONTENT),
        (RunningImage("x", frozenset({CONTENT}), frozenset({CONTENT, "b"})), CONTENT),
        (RunningImage("x", frozenset({"b"}), frozenset({"b"})), CONTENT),
        (RunningImage("x", frozenset({"b"}), frozenset({"b", CONTENT})), f"{CONTENT}-2"),
        (
            RunningImage("x", frozenset({"b"}), frozenset({"b", CONTENT, f"{CONTENT}-9"})),
            f"{CONTENT}-10",
        ),
        (
            RunningImage("x", frozenset({f"{CONTENT}-2"}), frozenset({CONTENT, f"{CONTENT}-2"})),
            f"{CONTENT}-2",
        ),
        (
            RunningImage("x", *2 * [frozenset({CONTENT, f"{CONTENT}-2", f"{CONTENT}-10"})]),
            f"{CONTENT}-10",
        ),
    ],
    ids=[
        "first",
        "foreign image",
        "runs already",
        "new content",
        "old content comes back",
        "comes back again",
        "came back and runs",
        "the same image under several tags",
    ],
)
def test_a_tag_is_never_pushed_twice(running: RunningImage | None, tag: str) -> None:
    assert release_tag(CONTENT, running) == tag


def test_no_service_no_image() -> None:
    assert service_runs({}) is None


def test_ecs_itself_is_asked_for_the_service_by_its_name() -> None:
    asked: list[dict[str, object]] = []

    def get_service(arguments: dict[str, object]) -> dict[str, object]:
        asked.append(arguments)
        return {"status": "ACTIVE", "taskDefinition": "td:7"}

    token = "aws:ecs/getService:getService"
    assert service_runs({**answers(), token: get_service}) is not None
    assert asked == [{"clusterArn": "fargate-cd-dev", "serviceName": "fargate-cd-dev"}]


def test_an_ecs_that_does_not_answer_is_no_missing_service() -> None:
    def throttled(_: dict[str, Any]) -> dict[str, Any]:
        raise RefusedError("reading ECS Service: ThrottlingException: Rate exceeded")

    with pytest.raises(Exception, match="Rate exceeded"):
        service_runs({"aws:ecs/getService:getService": throttled})


def test_a_deleted_service_runs_nothing() -> None:
    assert service_runs(answers(status="INACTIVE")) is None


def test_an_image_from_elsewhere_has_no_tags() -> None:
    assert service_runs(answers(image="nginx:1")) == RunningImage("nginx:1")


def test_the_running_image_is_known_by_its_tags() -> None:
    image = f"{REPOSITORY}@{DIGEST}"
    found = service_runs(answers(image=image, images={"a": DIGEST, "b": "sha256:other"}))
    assert found == RunningImage(image, frozenset({"a"}), frozenset({"a", "b"}))


def test_images_without_a_tag_count_for_nothing() -> None:
    image = f"{REPOSITORY}@{DIGEST}"
    cloud = answers(image=image, images={"a": DIGEST}, untagged=[DIGEST, "sha256:other"])
    found = service_runs(cloud)
    assert found == RunningImage(image, frozenset({"a"}), frozenset({"a"}))
    assert release_tag("a", found) == "a"
