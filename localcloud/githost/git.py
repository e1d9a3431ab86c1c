"""Git on the host's side: the programs it runs and what it reads from a repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

ZERO = "0" * 40
LONGEST_PUSH = 2048  # commits that an event tells, as on GitHub
_RECORD, _FIELD = "\x1e", "\x1f"
_FORMAT = f"{_RECORD}%H%x1f%T%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%P%x1f%B{_FIELD}"
_CHANGES = {"A": "added", "D": "removed"}


class GitError(Exception):
    """Git refused; the message is its own."""


def environment(home: Path) -> dict[str, str]:
    """What Git runs with: nothing of the person's own settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_CONFIG_KEY_1": "core.quotePath",
        "GIT_CONFIG_VALUE_1": "false",
    }


def run(repository: Path, *arguments: str) -> str:
    """Runs Git in a repository and returns what it prints.

    Raises:
        GitError: it failed, or an argument has a NUL, which no process can be given.
    """
    if any("\0" in argument for argument in arguments):
        raise GitError("a name can't hold a NUL character")
    done = subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env=environment(repository),
        capture_output=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
    return done.stdout.decode(errors="replace")


def create(repository: Path, branch: str) -> None:
    """Makes a bare repository that takes pushes over HTTP."""
    repository.mkdir(parents=True, exist_ok=True)
    run(repository, "init", "--quiet", "--bare", f"--initial-branch={branch}", ".")
    run(repository, "config", "http.receivepack", "true")


def refs(repository: Path) -> dict[str, str]:
    """Each branch and tag with the object that it names."""
    listed = run(repository, "for-each-ref", "--format=%(refname) %(objectname)")
    pairs = (line.rsplit(" ", 1) for line in listed.splitlines())
    kinds = ("refs/heads/", "refs/tags/")
    return {name: commit for name, commit in pairs if name.startswith(kinds)}


def is_ancestor(repository: Path, older: str, newer: str) -> bool:
    """Whether one commit is in the history of another."""
    try:
        run(repository, "merge-base", "--is-ancestor", older, newer)
    except GitError:
        return False
    return True


def commits(repository: Path, *selection: str, limit: int = LONGEST_PUSH) -> list[dict[str, Any]]:
    """Commits with their changed files, newest first.

    Args:
        repository: the bare repository.
        selection: what `git log` takes: a ref, a commit, `A..B`.
        limit: how many at most.
    """
    listed = run(
        repository,
        "log",
        f"--max-count={limit}",
        f"--format={_FORMAT}",
        "--name-status",
        "--no-renames",
        "--end-of-options",
        *selection,
    )
    return [_commit(record) for record in listed.split(_RECORD)[1:]]


def _commit(record: str) -> dict[str, Any]:
    identifier, tree, author, author_email, authored, committer, committer_email, *rest = (
        record.split(_FIELD)
    )
    committed, parents, message, changes = rest
    files: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    for line in changes.splitlines():
        kind, _, name = line.partition("\t")
        if name:
            files[_CHANGES.get(kind[:1], "modified")].append(name)
    return {
        "id": identifier,
        "tree_id": tree,
        "message": message.strip("\n"),
        "timestamp": committed,
        "authored": authored,
        "author": {"name": author, "email": author_email},
        "committer": {"name": committer, "email": committer_email},
        "parents": parents.split(),
        **files,
    }
