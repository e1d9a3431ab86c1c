"""The real Docker against the registry: log in, push, pull, by tag and by digest."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.tests.cloud_process import CloudProcess, running

LAYER_BYTES = 60_000_000


@dataclass
class Docker:
    """The docker command with a configuration of its own."""

    folder: Path
    registry: str

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "DOCKER_CONFIG": str(self.folder / "config")},
        )

    def must(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def build(self, name: str, content: bytes) -> str:
        """An image of one file, on no base; returns its reference."""
        context = self.folder / name.replace("/", "-").replace(":", "-")
        context.mkdir()
        (context / "file").write_bytes(content)
        (context / "Dockerfile").write_text("FROM scratch\nCOPY file /file\nCMD ['/file']\n")
        reference = f"{self.registry}/{name}"
        self.must("build", "--quiet", "--label", "fargate-cd.test=1", "-t", reference, str(context))
        return reference


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with running(tmp_path_factory.mktemp("registry") / "state") as found:
        yield found


@pytest.fixture(scope="module")
def ecr(cloud: CloudProcess) -> Any:
    return cloud.client("ecr")


@pytest.fixture(scope="module")
def docker(
    cloud: CloudProcess, ecr: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Docker]:
    docker = Docker(tmp_path_factory.mktemp("docker"), cloud.endpoints.registry_host)
    (data,) = ecr.get_authorization_token()["authorizationData"]
    password = base64.b64decode(data["authorizationToken"]).decode().split(":", 1)[1]
    docker.must("login", "-u", "AWS", "--password-stdin", docker.registry, stdin=password)
    yield docker
    listed = docker.must("images", "--format", "{{.Repository}}:{{.Tag}}")
    for name in listed.splitlines():
        if name.startswith(docker.registry):
            docker.run("rmi", name)


@pytest.fixture
def repository(ecr: Any, request: pytest.FixtureRequest) -> str:
    name = f"docker/{request.node.name.replace('_', '-').lower()[:40].strip('-')}"
    ecr.create_repository(repositoryName=name)
    return name


def digest_of(ecr: Any, repository: str, tag: str) -> str:
    images = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    return str(images["imageDetails"][0]["imageDigest"])


def test_pull_by_tag_and_digest_gives_what_was_pushed(
    docker: Docker, ecr: Any, repository: str
) -> None:
    reference = docker.build(f"{repository}:v1", b"pushed and pulled")
    image_id = docker.must("image", "inspect", "-f", "{{.Id}}", reference).strip()
    docker.must("push", reference)
    digest = digest_of(ecr, repository, "v1")
    by_digest = f"{docker.registry}/{repository}@{digest}"

    for wanted in (reference, by_digest):
        docker.must("rmi", "-f", image_id)
        docker.must("pull", wanted)
        assert docker.must("image", "inspect", "-f", "{{.Id}}", wanted).strip() == image_id
    docker.must("rmi", "-f", image_id)


def test_refusals_in_dockers_words(docker: Docker, ecr: Any, repository: str) -> None:
    unknown = docker.build("docker/no-such-repository:v1", b"unknown")
    assert "name unknown: The repository with name" in docker.run("push", unknown).stderr
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    reference = docker.build(f"{repository}:v1", b"immutable")
    docker.must("push", reference)
    again = docker.run("push", reference)
    assert "tag invalid: The image tag 'v1' already exists in the" in again.stderr
    absent = docker.run("pull", f"{docker.registry}/{repository}:absent")
    assert "Requested image not found" in absent.stderr or "not found" in absent.stderr


def test_without_a_login_nothing_is_served(docker: Docker, repository: str, tmp_path: Path) -> None:
    stranger = Docker(tmp_path, docker.registry)
    pull = stranger.run("pull", f"{docker.registry}/{repository}:v1")
    assert pull.returncode != 0
    assert "no basic auth credentials" in pull.stderr or "authorization token" in pull.stderr
    login = stranger.run("login", "-u", "AWS", "--password-stdin", docker.registry, stdin="wrong")
    assert login.returncode != 0


def test_pushes_side_by_side_and_flat_memory(
    docker: Docker, cloud: CloudProcess, ecr: Any, repository: str
) -> None:
    references = [
        docker.build(f"{repository}:v{n}", os.urandom(1000) * (LAYER_BYTES // 1000))
        for n in range(3)
    ]
    before = cloud.memory()
    peak = _highest_while(cloud, lambda: _all([docker.must] * 3, [("push", r) for r in references]))

    tags = sorted(i["imageTag"] for i in ecr.list_images(repositoryName=repository)["imageIds"])
    assert tags == ["v0", "v1", "v2"]
    assert peak - before < LAYER_BYTES, "a layer was held in memory"
    stored = json.loads(json.dumps(ecr.describe_images(repositoryName=repository), default=str))
    assert all(row["imageSizeInBytes"] > 0 for row in stored["imageDetails"])


def _all(calls: list[Callable[..., str]], arguments: list[tuple[str, ...]]) -> None:
    failures: list[BaseException] = []

    def call(function: Callable[..., str], words: tuple[str, ...]) -> None:
        try:
            function(*words)
        except AssertionError as error:
            failures.append(error)

    pairs = zip(calls, arguments, strict=True)
    threads = [threading.Thread(target=call, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def _highest_while(cloud: CloudProcess, work: Callable[[], None]) -> int:
    ended = threading.Event()
    seen = [cloud.memory()]

    def watch() -> None:
        while not ended.wait(0.1):
            seen.append(cloud.memory())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        work()
    finally:
        ended.set()
        watching.join()
    return max(seen)
