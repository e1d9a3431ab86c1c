"""The branches of a remote repository, as git tells them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

GIT_SECONDS = 60.0
HEADS = "refs/heads/"


class RemoteUnknown(Exception):  # noqa: N818 - a state of the checkout
    """Which branches there are can't be told; the message says why."""


def remote_branches(folder: Path, remote: str) -> set[str]:
    """The branches of a remote.

    Args:
        folder: a checkout.
        remote: the name of one of its remotes, or an address.

    Raises:
        RemoteUnknown: there is no such remote, it does not answer, or it has no branch at all,
            which says more about the remote than about the previews.
    """
    command = ["git", "-C", str(folder), "ls-remote", "--heads", "--", remote]
    try:
        done = subprocess.run(
            command,
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
        raise RemoteUnknown(f"{remote} has not answered for {GIT_SECONDS:.0f} s") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["git gave no reason"]
        raise RemoteUnknown(lines[0])
    names = (line.partition("\t")[2] for line in done.stdout.splitlines())
    found = {name.removeprefix(HEADS) for name in names if name.startswith(HEADS)}
    if not found:
        raise RemoteUnknown(f"{remote} has no branches")
    return found
