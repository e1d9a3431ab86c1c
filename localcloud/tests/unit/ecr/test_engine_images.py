"""Which of the engine's images the registry no longer has."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound

from localcloud.ecr import engine_images
from localcloud.ecr.engine_images import stale
from localcloud.ecr.model import Image, Repository

HOST = "localhost:5000"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONG_AGO = "2026-11-23T09:00:00.123456789Z"
KEPT = "sha256:aa"


def repositories() -> dict[str, Repository]:
    image = Image(KEPT, "type", None, 1, [], [], None, ["v1"], 0.0)
    return {"team/app": Repository("team/app", 0.0, images={KEPT: image})}


def found(tags: list[str], digests: list[str], tagged_at: str = LONG_AGO) -> list[str]:
    image: dict[str, Any] = {
        "RepoTags": tags,
        "RepoDigests": digests,
        "Metadata": {"LastTagTime": tagged_at},
    }
    return list(stale([image], HOST, repositories(), NOW))


def test_what_the_registry_has_stays() -> None:
    assert found([f"{HOST}/team/app:v1"], [f"{HOST}/team/app@{KEPT}"]) == []


def test_what_it_has_no_longer_goes() -> None:
    gone = [f"{HOST}/team/app:v0", f"{HOST}/team/app@sha256:bb"]
    assert found(gone[:1], gone[1:]) == gone


def test_what_was_just_tagged_may_be_about_to_be_pushed() -> None:
    assert found([f"{HOST}/team/app:v2"], [], "2026-11-23 11:50:00.1 +0000 UTC") == []


def test_a_deleted_repository_takes_its_images_along_at_once() -> None:
    gone = f"{HOST}/deleted:v1"
    assert found([gone], [], "2026-11-23T11:59:59Z") == [gone]


def test_other_registries_are_left_alone() -> None:
    assert found(["localhost:5001/team/app:v0", "postgres:17"], ["app@sha256:cc"]) == []


def test_an_image_without_any_name_is_left_alone() -> None:
    assert list(stale([{"RepoTags": None, "RepoDigests": None}], HOST, {}, NOW)) == []


def test_an_image_that_goes_meanwhile_does_not_keep_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names, removed = [f"{HOST}/deleted:v{number}" for number in range(3)], list[str]()

    def inspect(name: str) -> dict[str, Any]:
        if name == names[1]:
            raise ImageNotFound("No such image")
        return {"RepoTags": [name], "RepoDigests": [], "Metadata": {"LastTagTime": LONG_AGO}}

    rows = [{"Id": name, "RepoTags": [name], "RepoDigests": None} for name in names]
    engine = SimpleNamespace(
        api=SimpleNamespace(images=lambda: rows, inspect_image=inspect),
        images=SimpleNamespace(remove=removed.append),
        close=lambda: None,
    )
    monkeypatch.setattr(engine_images.docker, "from_env", lambda: engine)
    assert engine_images.sweep(HOST, {}) == 2
    assert removed == [names[0], names[2]]
