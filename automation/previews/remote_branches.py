"""The Git remote of a stack, and its branches."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from infra.delivery.git_remote import git_remote_url
from infra.settings.model import Settings

GIT_SECONDS = 60.0
HEADS = "refs/heads/"
DEFAULT_REMOTE = "origin"
"""The remote of a stack whose settings name no repository."""


class RemoteUnknown(Exception):  # noqa: N818 - a state of the checkout
    """Which branches there are can't be told; the message says why."""


def remote_name(settings: Settings) -> str:
    """Return `OWNER/REPOSITORY` as the settings say, else `origin`."""
    if settings.github_owner and settings.github_repository:
        return f"{settings.github_owner}/{settings.github_repository}"
    return DEFAULT_REMOTE


def stack_remote(folder: Path, settings: Settings) -> str:
    """Return the remote of a stack's repository.

    Args:
        folder: a checkout.
        settings: of the environment.

    Returns:
        The name of the checkout's remote that leads to the repository of the settings, because
        the user's credentials belong to that address; else the repository's address. `origin`
        where the settings name no repository.
    """
    if remote_name(settings) == DEFAULT_REMOTE:
        return DEFAULT_REMOTE
    url = git_remote_url(settings.github_owner, settings.github_repository)
    listed = _git(folder, "config", "--get-regexp", r"^remote\..*\.url$")
    for line in listed.stdout.splitlines():
        key, _, address = line.partition(" ")
        if _place(address) == _place(url):
            return key.removeprefix("remote.").removesuffix(".url")
    return url


def _place(address: str) -> str:
    """Return `host/owner/repository` of an address in any of Git's forms."""
    bare = re.sub(r"^[a-z+]+://", "", address.strip().lower())
    return re.sub(r"^[^@/]*@", "", bare).replace(":", "/").removesuffix(".git")


def remote_branches(folder: Path, remote: str) -> set[str]:
    """Return the branches of a remote.

    Args:
        folder: a checkout.
        remote: the name of one of its remotes, or an address.

    Raises:
        RemoteUnknown: there is no such remote, it does not answer, or it has no branch at all,
            which says more about the remote than about the previews.
    """
    done = _git(folder, "ls-remote", "--heads", "--", remote)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["git gave no reason"]
        raise RemoteUnknown(lines[0])
    names = (line.partition("\t")[2] for line in done.stdout.splitlines())
    found = {name.removeprefix(HEADS) for name in names if name.startswith(HEADS)}
    if not found:
        raise RemoteUnknown(f"{remote} has no branches")
    return found


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=GIT_SECONDS,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},
            check=False,
        )
    except FileNotFoundError as error:
        raise RemoteUnknown("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise RemoteUnknown(f"{arguments[-1]} has not answered for {GIT_SECONDS:.0f} s") from error
