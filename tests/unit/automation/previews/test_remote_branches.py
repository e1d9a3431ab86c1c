"""The branches of a stack's remote, and what an update records of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from automation.previews import preview_stacks
from automation.previews.remote_branches import (
    RemoteUnknown,
    remote_branches,
    remote_name,
    stack_remote,
)
from automation.stack import stack_file
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured
from tests.unit.automation.previews.given import NOW, session


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository with the branches main and feature/a."""
    origin, folder = tmp_path / "origin.git", tmp_path / "clone"
    folder.mkdir()
    git(tmp_path, "init", "--bare", "--initial-branch=main", str(origin))
    git(folder, "init", "--initial-branch=main")
    git(folder, "commit", "--allow-empty", "-m", "first")
    git(folder, "remote", "add", "origin", str(origin))
    git(folder, "push", "origin", "main", "main:feature/a")
    return folder


def test_the_branches_of_a_remote(clone: Path) -> None:
    assert remote_branches(clone, "origin") == {"main", "feature/a"}


@pytest.mark.parametrize("remote", ["upstream", "--upload-pack=touch owned", "ext::sh -c id"])
def test_a_remote_that_does_not_answer_is_not_one_without_branches(
    clone: Path, remote: str
) -> None:
    with pytest.raises(RemoteUnknown):
        remote_branches(clone, remote)
    assert not list(clone.glob("owned*"))


OWN = Settings(github_owner="octo", github_repository="shop")


@pytest.mark.parametrize(
    "address",
    [
        "git@github.com:octo/shop.git",
        "ssh://git@github.com/Octo/shop",
        "https://someone:token@github.com/octo/shop.git",
    ],
)
def test_the_remote_of_a_stack_is_reached_as_the_checkout_reaches_it(
    clone: Path, address: str
) -> None:
    assert stack_remote(clone, OWN) == "https://github.com/octo/shop.git"
    git(clone, "remote", "add", "company", address)
    assert stack_remote(clone, OWN) == "company"


def test_origin_is_the_remote_of_a_stack_without_a_repository(clone: Path) -> None:
    assert stack_remote(clone, Settings()) == remote_name(Settings()) == "origin"
    assert remote_name(OWN) == "octo/shop"


@pytest.mark.parametrize(("branch", "seen"), [("feature/a", "origin"), ("unpushed", "")])
def test_an_update_records_where_it_saw_the_branch(
    captured: Captured,
    project: Path,
    clone: Path,
    monkeypatch: pytest.MonkeyPatch,
    branch: str,
    seen: str,
) -> None:
    monkeypatch.setattr(preview_stacks.paths, "ROOT", clone)
    monkeypatch.setattr(
        preview_stacks, "load_stack_file", lambda name: stack_file.load_stack_file(name, project)
    )
    opened = session(captured, project, True)
    assert preview_stacks.extended_life(opened, branch, NOW)["preview_remote"] == seen
    known = session(captured, project, False, preview_remote="octo/shop")
    for life in (preview_stacks.extended_life, preview_stacks.kept_life):
        assert life(known, "unpushed", NOW)["preview_remote"] == "octo/shop"


def test_a_remote_without_a_branch_says_nothing(clone: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--bare", str(tmp_path / "empty.git"))
    with pytest.raises(RemoteUnknown, match="no branches"):
        remote_branches(clone, str(tmp_path / "empty.git"))
