"""Repositories on disk: they come back, and what nobody needs goes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from localcloud.ecr.model import Repository
from localcloud.ecr.store import UNREFERENCED_KEPT_SECONDS, Repositories
from localcloud.shared.service import ServiceError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def push(repositories: Repositories, name: str, layer: bytes, tag: str | None = None) -> str:
    repository = repositories.get(name)
    digest = repositories.blobs.write(layer)
    repositories.link(repository, digest)
    part = {"digest": digest, "size": len(layer)}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": part, "layers": [part]}
    return repositories.put_image(repository, json.dumps(manifest).encode(), None, tag).digest


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    found = Repositories(tmp_path, "123456789012")
    found.add(Repository("team/app", time.time()))
    return found


def age_files(folder: Path, seconds: float) -> None:
    for file in (folder / "blobs").glob("*/*"):
        os.utime(file, (time.time() - seconds,) * 2)


def blobs_in(folder: Path) -> int:
    return len(list((folder / "blobs").glob("*/*")))


def test_everything_is_there_after_a_restart(repositories: Repositories, tmp_path: Path) -> None:
    digest = push(repositories, "team/app", b"layer", "v1")
    repositories.get("team/app").policy = "{}"
    repositories.save(repositories.get("team/app"))

    again = Repositories(tmp_path, "123456789012").get("team/app")
    assert again == repositories.get("team/app")
    assert again.images[digest].tags == ["v1"]


def test_size_is_that_of_configuration_and_layers(repositories: Repositories) -> None:
    digest = push(repositories, "team/app", b"12345", "v1")
    assert repositories.get("team/app").images[digest].size == 10


def test_layers_of_a_deleted_image_go_and_shared_ones_stay(
    repositories: Repositories, tmp_path: Path
) -> None:
    push(repositories, "team/app", b"one", "v1")
    repository = repositories.get("team/app")
    kept = push(repositories, "team/app", b"two", "v2")
    gone = repository.tagged("v1")
    assert gone is not None
    repositories.delete_image(repository, gone)
    age_files(tmp_path, 3600)
    repositories.collect()

    assert blobs_in(tmp_path) == 2
    assert repositories.blobs.has(kept)
    assert repositories.blobs.has(repository.images[kept].blobs[0])


def test_a_layer_whose_manifest_is_on_its_way_stays(
    repositories: Repositories, tmp_path: Path
) -> None:
    repository = repositories.get("team/app")
    digest = repositories.blobs.write(b"layer")
    repositories.link(repository, digest)
    age_files(tmp_path, 3600)
    repositories.collect()
    assert repositories.blobs.has(digest)

    repository.blobs[digest] -= UNREFERENCED_KEPT_SECONDS
    repositories.collect()
    assert not repositories.blobs.has(digest)


def test_a_deleted_repository_takes_its_layers_along(
    repositories: Repositories, tmp_path: Path
) -> None:
    repositories.add(Repository("other", time.time()))
    push(repositories, "team/app", b"shared", "v1")
    push(repositories, "other", b"shared", "v1")
    push(repositories, "team/app", b"own", "v2")
    age_files(tmp_path, 3600)
    repositories.remove(repositories.get("team/app"))

    assert blobs_in(tmp_path) == 2
    assert [repository.name for repository in repositories] == ["other"]
    assert [file.name for file in (tmp_path / "repositories").iterdir()] == ["other.json"]


def test_a_repository_that_is_gone_is_not_written_again(
    repositories: Repositories, tmp_path: Path
) -> None:
    repository = repositories.get("team/app")
    repositories.remove(repository)
    repositories.save(repository)
    assert list((tmp_path / "repositories").iterdir()) == []


def test_unknown_and_duplicate_names(repositories: Repositories) -> None:
    with pytest.raises(ServiceError, match="RepositoryNotFoundException"):
        repositories.get("absent")
    with pytest.raises(ServiceError, match="RepositoryAlreadyExistsException"):
        repositories.add(Repository("team/app", 0.0))


def test_a_lifecycle_policy_is_evaluated_on_push(repositories: Repositories) -> None:
    repository = repositories.get("team/app")
    repository.lifecycle = json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {
                        "tagStatus": "any",
                        "countType": "imageCountMoreThan",
                        "countNumber": 2,
                    },
                    "action": {"type": "expire"},
                }
            ]
        }
    )
    for number in range(4):
        push(repositories, "team/app", b"layer %d" % number, f"v{number}")

    assert [image.tags for image in repository.images.values()] == [["v2"], ["v3"]]


@pytest.mark.parametrize(
    ("mutability", "exclusions", "tag", "immutable"),
    [
        ("MUTABLE", [], "v1", False),
        ("IMMUTABLE", [], "v1", True),
        ("IMMUTABLE_WITH_EXCLUSION", ["cache-*"], "v1", True),
        ("IMMUTABLE_WITH_EXCLUSION", ["cache-*"], "cache-main", False),
        ("MUTABLE_WITH_EXCLUSION", ["v*"], "v1", True),
        ("MUTABLE_WITH_EXCLUSION", ["v*"], "latest", False),
    ],
)
def test_which_tags_are_immutable(
    mutability: str, exclusions: list[str], tag: str, immutable: bool
) -> None:
    repository = Repository("r", 0.0, mutability=mutability, exclusions=exclusions)
    assert repository.is_immutable(tag) is immutable


def test_an_image_is_found_while_another_one_is_pushed(repositories: Repositories) -> None:
    repository = repositories.get("team/app")

    class Tags(list[str]):
        def __contains__(self, tag: object) -> bool:
            push(repositories, "team/app", f"{len(repository.images)}".encode(), None)
            return super().__contains__(tag)

    for name in (b"one", b"two"):
        repository.images[push(repositories, "team/app", name, None)].tags = Tags()
    assert repository.tagged("v9") is None
