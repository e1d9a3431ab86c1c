"""The hash of a build context: what a build sees, and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.image import build_context


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").write_text("# notes\n*.md\n!README.md\n**/__pycache__\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text("print()\n")
    (tmp_path / "README.md").write_text("read")
    (tmp_path / "NOTES.md").write_text("notes")
    return tmp_path


def content(folder: Path, *parameters: str) -> str:
    return build_context.content_hash(folder, folder / "Dockerfile", *parameters)


Change = Callable[[Path], object]

SEEN: dict[str, Change] = {
    "content": lambda folder: (folder / "code" / "main.py").write_text("print(1)\n"),
    "new file": lambda folder: (folder / "code" / "new.py").write_text(""),
    "new folder": lambda folder: (folder / "empty").mkdir(),
    "removed": lambda folder: (folder / "code" / "main.py").unlink(),
    "renamed": lambda folder: (folder / "code" / "main.py").rename(folder / "code" / "x.py"),
    "mode": lambda folder: (folder / "code" / "main.py").chmod(0o755),
    "kept by an exception": lambda folder: (folder / "README.md").write_text("more"),
    "Dockerfile": lambda folder: (folder / "Dockerfile").write_text("FROM busybox\n"),
    "link": lambda folder: (folder / "link").symlink_to("code/main.py"),
}

UNSEEN: dict[str, Change] = {
    "time": lambda folder: os.utime(folder / "code" / "main.py", (1, 1)),
    "ignored": lambda folder: (folder / "NOTES.md").write_text("other"),
    "ignored below": lambda folder: (folder / "code" / "__pycache__").mkdir(),
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


def test_a_dockerfile_elsewhere_counts(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "Dockerfile"
    other.write_text("FROM scratch\n")
    before = build_context.content_hash(folder, other)
    other.write_text("FROM busybox\n")
    assert build_context.content_hash(folder, other) != before


def test_the_hash_is_a_tag(folder: Path) -> None:
    tag = content(folder)
    assert len(tag) == build_context.TAG_LENGTH
    int(tag, 16)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_commit_is_told_while_the_files_are_the_commits(folder: Path) -> None:
    assert build_context.commit(folder) == ""
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    assert build_context.commit(folder) == git(folder, "rev-parse", "HEAD")
    (folder / "code" / "main.py").write_text("changed")
    assert build_context.commit(folder) == ""
