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
from infra.image.docker_build import BuildError, with_buildkit
from tests.unit.infra.image.ignore_table import (
    BIN,
    LONE_CARRIAGE_RETURN,
    ROWS,
    WRONG,
    Row,
    lay_out,
    sent,
)
from tests.unit.infra.image.test_ignore_rules import files_of

BUILDKIT = "1"
OLDER = "0"

Files = dict[str, int]
"""Name and mode of each file of an image."""
Build = Callable[..., Files]


def builders() -> list[str]:
    """Docker's older builder, and BuildKit where a command of the PATH has it."""
    try:
        with_buildkit()
    except BuildError:
        return [OLDER]
    return [OLDER, BUILDKIT]


@pytest.fixture(autouse=True)
def staging_area(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_context, "STAGING_AREA", tmp_path_factory.mktemp("staging"))


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
    program = with_buildkit() if builder == BUILDKIT else "docker"
    environment = {**os.environ, "DOCKER_BUILDKIT": builder}
    return subprocess.run(
        [program, *arguments], check=True, capture_output=True, env=environment
    ).stdout


def is_of_20_10(builder: str) -> bool:
    """Whether it is BuildKit as it came with Docker 20.10."""
    version = docker("version", "--format={{.Client.Version}}", builder=builder).decode()
    return builder == BUILDKIT and version.startswith("20.10.")


def is_dockers(name: str) -> bool:
    """What the engine adds to a container, and what no build needs."""
    return name == ".dockerenv" or name.split("/")[0] in {"dev", "etc", "proc", "sys"}


def staged(folder: Path, build: Build) -> Files:
    """The image's files as an update builds it."""
    return build(*BuildContext.read(folder, folder / "Dockerfile").stage())


IGNORE_FILES = {".dockerignore", "Dockerfile.dockerignore", "Dockerfile"}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_docker_sends_what_the_table_says(
    tmp_path: Path, build: Build, builder: str, row: Row
) -> None:
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_bytes(row.ignoring)
    found = build(tmp_path).keys() - IGNORE_FILES
    old = is_of_20_10(builder)
    pruned = (
        {"bin/run.py", "bin/deep/more.py"} if row.pruned and (builder == OLDER or old) else set()
    )
    unknown = set(row.without) if row.unknown and old else set()
    assert found == (sent(row) | unknown) - pruned


def test_a_lone_carriage_return_ends_no_line(tmp_path: Path, build: Build, builder: str) -> None:
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_bytes(LONE_CARRIAGE_RETURN.ignoring)
    if builder == OLDER:
        assert build(tmp_path).keys() - IGNORE_FILES == sent(LONE_CARRIAGE_RETURN)
        return
    assert staged(tmp_path, build).keys() == sent(LONE_CARRIAGE_RETURN) | {"Dockerfile"}


def test_the_dockerfiles_own_ignore_file_comes_first(
    tmp_path: Path, build: Build, builder: str
) -> None:
    """The older builder does not know it, so what it is given has no ignore file."""
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_text("data\n")
    (tmp_path / "Dockerfile.dockerignore").write_text("bin\n")
    expected = sent(Row(b"", BIN))
    if builder == BUILDKIT:
        assert build(tmp_path).keys() - IGNORE_FILES == expected
    assert staged(tmp_path, build).keys() == expected | {"Dockerfile"}


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"caf\xe9"])
def test_names_that_are_not_utf8_are_left_out_alike(
    tmp_path: Path, build: Build, name: bytes
) -> None:
    for ignoring in (b"caf\xe9*\n", b"caf?*\n", b"ca*\xe9*\n"):
        lay_out(tmp_path)
        (tmp_path / os.fsdecode(name)).write_text("")
        (tmp_path / ".dockerignore").write_bytes(ignoring)
        found = build(tmp_path).keys() - IGNORE_FILES
        assert found == files_of(tmp_path), ignoring


@pytest.mark.parametrize("ignoring", WRONG.values(), ids=WRONG)
def test_docker_refuses_what_the_table_says(tmp_path: Path, build: Build, ignoring: bytes) -> None:
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_bytes(ignoring)
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_staged_folder_builds_the_same_on_every_machine(
    tmp_path: Path, build: Build, umask: int
) -> None:
    """Also where the older builder leaves out more of the folder itself."""
    before = os.umask(umask)
    try:
        lay_out(tmp_path)
        (tmp_path / "bin" / "run.py").chmod(0o777 & ~umask)
        row = ROWS["re-included below an excluded folder"]
        (tmp_path / ".dockerignore").write_bytes(row.ignoring)
        found = staged(tmp_path, build)
    finally:
        os.umask(before)
    assert found.keys() == sent(row) | {"Dockerfile"}
    assert {name for name, mode in found.items() if mode == 0o755} == {"bin/run.py"}
    assert set(found.values()) == {0o755, 0o644}
