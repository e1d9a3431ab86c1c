"""The build context against Docker's own builders: what `docker build` sends, and what we do."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.image import build_context
from infra.image.build_context import BuildContext
from tests.unit.infra.image.ignore_table import ROWS, WRONG, Row, lay_out, sent

BUILDKIT = "1"
OLDER = "0"

Files = dict[str, int]
"""Name and mode of each file of an image."""
Build = Callable[..., Files]


def builders() -> list[str]:
    """Docker's older builder, and BuildKit where the command has its plugin."""
    there = subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False)
    return [OLDER, BUILDKIT] if there.returncode == 0 else [OLDER]


@pytest.fixture(params=builders())
def builder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def build(builder: str) -> Iterator[Build]:
    """Builds a folder and lists the files of the image."""
    tag = f"fargate-cd-test-{uuid.uuid4().hex[:8]}:1"

    def made(folder: Path, dockerfile: Path | None = None) -> Files:
        command = [
            "docker",
            "build",
            f"--tag={tag}",
            f"--file={dockerfile or folder / 'Dockerfile'}",
        ]
        docker(*command[1:], str(folder), builder=builder)
        container = docker("create", tag, "none").decode().strip()
        try:
            with tarfile.open(fileobj=io.BytesIO(docker("export", container))) as archive:
                members = archive.getmembers()
        finally:
            docker("rm", container)
        ours = [member for member in members if member.isreg() and not is_dockers(member.name)]
        return {member.name: member.mode & 0o777 for member in ours}

    try:
        yield made
    finally:
        subprocess.run(["docker", "image", "rm", "--force", tag], capture_output=True, check=False)


def docker(*arguments: str, builder: str = OLDER) -> bytes:
    environment = {**os.environ, "DOCKER_BUILDKIT": builder}
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, env=environment
    ).stdout


def is_dockers(name: str) -> bool:
    """What the engine adds to a container, and what no build needs."""
    return name == ".dockerenv" or name.split("/")[0] in {"dev", "etc", "proc", "sys"}


IGNORE_FILES = {".dockerignore", "Dockerfile.dockerignore", "Dockerfile"}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_docker_sends_what_the_table_says(
    tmp_path: Path, build: Build, builder: str, row: Row
) -> None:
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_bytes(row.ignoring)
    found = build(tmp_path).keys() - IGNORE_FILES
    pruned = {"bin/run.py", "bin/deep/more.py"} if row.pruned and builder == OLDER else set()
    assert found == sent(row) - pruned


@pytest.mark.parametrize("ignoring", WRONG.values(), ids=WRONG)
def test_docker_refuses_what_the_table_says(tmp_path: Path, build: Build, ignoring: bytes) -> None:
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_bytes(ignoring)
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_staged_folder_builds_the_same_on_every_machine(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    """Also where the older builder leaves out more of the folder itself."""
    monkeypatch.setattr(build_context, "STAGING_AREA", tmp_path)
    before = os.umask(umask)
    try:
        lay_out(tmp_path / "app")
        (tmp_path / "app" / "bin" / "run.py").chmod(0o777 & ~umask)
        row = ROWS["re-included below an excluded folder"]
        (tmp_path / "app" / ".dockerignore").write_bytes(row.ignoring)
        staged = BuildContext.read(tmp_path / "app", tmp_path / "app" / "Dockerfile").stage()
        found = build(*staged)
    finally:
        os.umask(before)
    assert found.keys() == sent(row) | {"Dockerfile"}
    assert {name for name, mode in found.items() if mode == 0o755} == {"bin/run.py"}
    assert set(found.values()) == {0o755, 0o644}
