"""The commit of a build context: told while every byte of the context is that commit's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.image.build_context import BuildContext
from infra.image.commit import commit_of

Change = Callable[[Path], object]


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with an application whose Dockerfile is elsewhere."""
    top = tmp_path / "repository"
    (top / "app" / "code").mkdir(parents=True)
    (top / "app" / "code" / "main.py").write_text("print()\n")
    (top / "app" / "code" / "run").write_text("#!/bin/sh\n")
    (top / "app" / "code" / "run").chmod(0o755)
    (top / "app" / "code" / "link").symlink_to("main.py")
    (top / "app" / "NOTES.md").write_text("notes")
    (top / "app" / ".dockerignore").write_text("*.md\n")
    (top / "Dockerfile").write_text("FROM scratch\n")
    (top / ".gitignore").write_text("*.log\n")
    git(top, "init", "--quiet")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "first")
    return top


def commit(top: Path) -> str:
    return commit_of(BuildContext.read(top / "app", top / "Dockerfile"))


CLEAN: dict[str, Change] = {
    "nothing": Path.exists,
    "a file that is not sent": lambda top: (top / "app" / "NOTES.md").write_text("more"),
    "a file that is not sent is gone": lambda top: (top / "app" / "NOTES.md").unlink(),
    "a new file outside": lambda top: (top / "other").write_text(""),
    "the umask": lambda top: (top / "app" / "code" / "main.py").chmod(0o600),
}

DIRTY: dict[str, Change] = {
    "changed": lambda top: (top / "app" / "code" / "main.py").write_text("print(1)\n"),
    "changed unseen by git status": lambda top: (
        git(top, "update-index", "--assume-unchanged", "app/code/main.py"),
        (top / "app" / "code" / "main.py").write_text("print(1)\n"),
    ),
    "executable": lambda top: (top / "app" / "code" / "main.py").chmod(0o755),
    "removed": lambda top: (top / "app" / "code" / "main.py").unlink(),
    "untracked": lambda top: (top / "app" / "code" / "new.py").write_text(""),
    "ignored by Git": lambda top: (top / "app" / "code" / "x.log").write_text(""),
    "staged": lambda top: (
        (top / "app" / "code" / "new.py").write_text(""),
        git(top, "add", "."),
    ),
    "an empty folder": lambda top: (top / "app" / "empty").mkdir(),
    "the link": lambda top: (
        (top / "app" / "code" / "link").unlink(),
        (top / "app" / "code" / "link").symlink_to("run"),
    ),
    "the Dockerfile": lambda top: (top / "Dockerfile").write_text("FROM busybox\n"),
    ".dockerignore": lambda top: (top / "app" / ".dockerignore").write_text("*.txt\n*.md\n"),
    "a new ignore file": lambda top: (top / "Dockerfile.dockerignore").write_text("*.md\n"),
}


@pytest.mark.parametrize("change", CLEAN.values(), ids=CLEAN)
def test_the_commit_is_told_while_what_is_sent_is_its(top: Path, change: Change) -> None:
    change(top)
    assert commit(top) == git(top, "rev-parse", "HEAD")


@pytest.mark.parametrize("change", DIRTY.values(), ids=DIRTY)
def test_what_is_not_the_commits_is_dirty(top: Path, change: Change) -> None:
    change(top)
    assert commit(top) == git(top, "rev-parse", "HEAD") + "-dirty"


@pytest.mark.parametrize("name", ["a\nb", '"a', 'a\\"b', "é\t"])
def test_any_name_of_a_file_is_looked_up_in_git(top: Path, name: str) -> None:
    for each in ("a", "b", name):
        (top / "app" / each).write_text(each)
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "odd names")
    assert commit(top) == git(top, "rev-parse", "HEAD")
    (top / "app" / name).write_text("changed")
    assert commit(top) == git(top, "rev-parse", "HEAD") + "-dirty"


def test_a_dockerfile_outside_of_the_repository_is_dirty(top: Path, tmp_path: Path) -> None:
    other = tmp_path / "Dockerfile"
    other.write_text("FROM scratch\n")
    assert commit_of(BuildContext.read(top / "app", other)).endswith("-dirty")


def test_an_application_at_the_top(top: Path) -> None:
    context = BuildContext.read(top, top / "Dockerfile")
    # Git's own folder is part of this context, and of no commit.
    assert commit_of(context).endswith("-dirty")
    (top / ".dockerignore").write_text(".git\n")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "second")
    assert commit_of(BuildContext.read(top, top / "Dockerfile")) == git(top, "rev-parse", "HEAD")


def test_without_git_or_a_commit_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    context = BuildContext.read(tmp_path, tmp_path / "Dockerfile")
    assert commit_of(context) == ""
    git(tmp_path, "init", "--quiet")
    assert commit_of(context) == ""
