"""The build context: what is hashed is what is sent."""

from __future__ import annotations

import itertools
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.image import build_context
from infra.image.build_context import BuildContext, BuildContextError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "code").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / ".dockerignore").write_text("# notes\n*.md\n!README.md\n**/__pycache__\n")
    (folder / "code" / "main.py").write_text("print()\n")
    (folder / "README.md").write_text("read")
    (folder / "NOTES.md").write_text("notes")
    return folder


@pytest.fixture(autouse=True)
def staging_area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    area = tmp_path / "staging"
    area.mkdir()
    monkeypatch.setattr(build_context, "STAGING_AREA", area)
    return area


def read(folder: Path) -> BuildContext:
    return BuildContext.read(folder, folder / "Dockerfile")


def content(folder: Path, *parameters: str) -> str:
    return read(folder).digest(*parameters)


Change = Callable[[Path], object]

SEEN: dict[str, Change] = {
    "content": lambda folder: (folder / "code" / "main.py").write_text("print(1)\n"),
    "new file": lambda folder: (folder / "code" / "new.py").write_text(""),
    "new folder": lambda folder: (folder / "empty").mkdir(),
    "removed": lambda folder: (folder / "code" / "main.py").unlink(),
    "renamed": lambda folder: (folder / "code" / "main.py").rename(folder / "code" / "x.py"),
    "executable": lambda folder: (folder / "code" / "main.py").chmod(0o755),
    "kept by an exception": lambda folder: (folder / "README.md").write_text("more"),
    "Dockerfile": lambda folder: (folder / "Dockerfile").write_text("FROM busybox\n"),
    "link": lambda folder: (folder / "link").symlink_to("code/main.py"),
}

UNSEEN: dict[str, Change] = {
    "time": lambda folder: os.utime(folder / "code" / "main.py", (1, 1)),
    "umask of files": lambda folder: (folder / "code" / "main.py").chmod(0o600),
    "umask of folders": lambda folder: (folder / "code").chmod(0o700),
    "ignored": lambda folder: (folder / "NOTES.md").write_text("other"),
    "ignored below": lambda folder: (folder / "code" / "__pycache__").mkdir(),
    "a comment in .dockerignore": lambda folder: (folder / ".dockerignore").write_text(
        "*.md\n!README.md\n**/__pycache__\n"
    ),
}


@pytest.mark.parametrize("change", SEEN.values(), ids=SEEN)
def test_what_a_build_sees_changes_the_hash(folder: Path, change: Change) -> None:
    before = content(folder)
    change(folder)
    assert content(folder) != before


@pytest.mark.parametrize("change", UNSEEN.values(), ids=UNSEEN)
def test_what_a_build_does_not_see_leaves_the_hash(folder: Path, change: Change) -> None:
    before = content(folder)
    change(folder)
    assert content(folder) == before


def test_the_target_of_a_link_counts(folder: Path) -> None:
    link = folder / "link"
    link.symlink_to("code/main.py")
    before = content(folder)
    link.unlink()
    link.symlink_to("README.md")
    assert content(folder) != before


def test_the_platform_counts(folder: Path) -> None:
    assert content(folder, "linux/amd64") != content(folder, "linux/arm64")


def test_a_dockerfile_elsewhere_counts(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.Dockerfile"
    other.write_text("FROM scratch\n")
    before = BuildContext.read(folder, other).digest()
    other.write_text("FROM busybox\n")
    assert BuildContext.read(folder, other).digest() != before


def test_the_hash_is_a_tag(folder: Path) -> None:
    tag = content(folder)
    assert len(tag) == build_context.TAG_LENGTH
    int(tag, 16)


def test_the_staged_folder_holds_what_is_sent(folder: Path) -> None:
    (folder / "code" / "main.py").chmod(0o700)
    (folder / "README.md").chmod(0o600)
    (folder / "code" / "link").symlink_to("./../README.md")
    (folder / ".dockerignore").write_text("*.md\n!README.md\nDockerfile\n")
    staged, dockerfile = read(folder).stage()
    found = {
        path.relative_to(staged).as_posix(): path.lstat().st_mode & 0o777
        for path in staged.rglob("*")
        if not path.is_symlink()
    }
    assert found == {"Dockerfile": 0o644, "README.md": 0o644, "code": 0o755, "code/main.py": 0o755}
    assert os.readlink(staged / "code" / "link") == "./../README.md"  # noqa: PTH115
    assert (staged / "README.md").stat().st_mtime == (folder / "README.md").stat().st_mtime
    assert dockerfile == staged / "Dockerfile"
    assert BuildContext.read(staged, dockerfile).digest() == content(folder)


def test_two_checkouts_stage_one_folder(folder: Path, tmp_path: Path) -> None:
    """pulumi-docker reads the path in the state again, whichever checkout wrote it."""
    first = read(folder).stage()
    folder.rename(tmp_path / "elsewhere")
    assert read(tmp_path / "elsewhere").stage() == first


def test_of_two_updates_that_stage_at_once_neither_takes_the_others_folder(
    folder: Path, staging_area: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quicker one may build from it already."""
    copy, quicker = build_context._copy, list[int]()

    def while_another_is_quicker(*arguments: Any) -> None:
        monkeypatch.setattr(build_context, "_copy", copy)
        quicker.append(read(folder).stage()[0].stat().st_ino)
        copy(*arguments)

    monkeypatch.setattr(build_context, "_copy", while_another_is_quicker)
    staged, _ = read(folder).stage()
    assert [staged.stat().st_ino] == quicker
    assert list(staging_area.iterdir()) == [staged.parent]


def test_a_dockerfile_outside_is_staged_outside(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.Dockerfile"
    other.write_text("FROM busybox\n")
    staged, dockerfile = BuildContext.read(folder, other).stage()
    assert dockerfile == staged.parent / "Dockerfile"
    assert dockerfile.read_text() == "FROM busybox\n"


@pytest.mark.parametrize("change", [Path.unlink, lambda file: file.write_text("other")])
def test_a_staged_folder_that_changed_is_made_again(folder: Path, change: Change) -> None:
    staged, _ = read(folder).stage()
    change(staged / "README.md")
    assert read(folder).stage()[0] == staged
    assert (staged / "README.md").read_text() == "read"


def test_old_staged_folders_go(folder: Path, staging_area: Path) -> None:
    first, _ = read(folder).stage()
    old = time.time() - build_context.KEPT_SECONDS - 1
    os.utime(first.parent, (old, old))
    (folder / "README.md").write_text("more")
    second, _ = read(folder).stage()
    assert list(staging_area.iterdir()) == [second.parent]


def test_a_link_in_the_place_of_the_staged_folder_is_refused(
    folder: Path, staging_area: Path, tmp_path: Path
) -> None:
    (tmp_path / "evil").mkdir()
    (staging_area / f"fargate-cd-{content(folder)}").symlink_to(tmp_path / "evil")
    with pytest.raises(BuildContextError, match="another user"):
        read(folder).stage()


def refusal(folder: Path) -> str:
    with pytest.raises(BuildContextError) as caught:
        read(folder).stage()
    (problem,) = caught.value.problems
    assert problem.startswith("fargate-cd:app_path: ")
    return problem


def test_a_name_that_is_not_utf8_is_named(folder: Path) -> None:
    (folder / os.fsdecode(b"caf\xe9")).write_text("")
    assert r"the name b'caf\xe9' in " in refusal(folder)
    (folder / ".dockerignore").write_text("caf*")
    read(folder).stage()


def test_a_target_that_is_not_utf8_is_named(folder: Path) -> None:
    (folder / "link").symlink_to(os.fsdecode(b"caf\xe9"))
    assert r"the target of the link b'caf\xe9' in " in refusal(folder)


def test_a_link_that_leads_outside_is_named(folder: Path) -> None:
    (folder / "link").symlink_to("../outside")
    assert f"{folder / 'link'} is a link to ../outside" in refusal(folder)


def test_a_pipe_is_named(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert f"{folder / 'pipe'} is no file, folder or link" in refusal(folder)


def test_a_socket_is_left_out_as_docker_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(folder)
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        assert content(folder) == before


def as_user(folder: Path, expected: str | None) -> None:
    """Reads the context as a user who is not root, in a process of its own."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            try:
                read(folder)
                status = 0 if expected is None else 1
            except BuildContextError as error:
                status = 0 if expected is not None and expected in str(error) else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def open_folder(folder: Path) -> Path:
    """The folder where every user reaches it."""
    top = Path(tempfile.gettempdir())
    for each in itertools.takewhile(lambda each: each != top, (folder, *folder.parents)):
        each.chmod(0o755)
    return folder


def test_a_file_that_can_not_be_read_is_named(open_folder: Path) -> None:
    (open_folder / "private").write_text("")
    (open_folder / "private").chmod(0)
    as_user(open_folder, f"app_path: {open_folder / 'private'} can't be read (Permission denied)")
    (open_folder / ".dockerignore").write_text("private\n")
    as_user(open_folder, None)


def test_a_folder_that_can_not_be_read_is_named(open_folder: Path) -> None:
    (open_folder / "private").mkdir(mode=0)
    as_user(open_folder, f"app_path: {open_folder / 'private'} can't be read (Permission denied)")
    (open_folder / ".dockerignore").write_text("private\n")
    as_user(open_folder, None)


def test_an_ignore_file_that_can_not_be_read_is_named(open_folder: Path) -> None:
    (open_folder / ".dockerignore").chmod(0)
    as_user(open_folder, f"{open_folder / '.dockerignore'} can't be read (Permission denied)")


def test_a_dockerfile_that_can_not_be_read_is_named(open_folder: Path) -> None:
    (open_folder / "Dockerfile").chmod(0)
    as_user(open_folder, f"{open_folder / 'Dockerfile'} can't be read (Permission denied)")
