"""The stack of a command without --stack: by the environment variable, else by `use`."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from automation import paths
from automation.errors import ConfigurationError
from infra.names import environment_of, preview_stack

VARIABLE = "FARGATE_CD_STACK"
DEFAULT = "dev"


@dataclass(frozen=True)
class Choice:
    """A stack, and what chose it.

    Attributes:
        stack: its name.
        by: what chose it, in words.
    """

    stack: str
    by: str


def chosen() -> Choice:
    """The stack of a command without --stack."""
    if named := os.environ.get(VARIABLE):
        return Choice(named, f"set by {VARIABLE}")
    if remembered := _remembered():
        return Choice(remembered, "remembered by `use`")
    return Choice(DEFAULT, "the default")


def remember(stack: str) -> None:
    """Remember a stack for the commands of this checkout that follow."""
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(stack)


def _remembered() -> str:
    file = _file()
    return file.read_text(errors="replace").strip() if file.exists() else ""


def _file() -> Path:
    checkout = hashlib.sha256(os.fsencode(paths.ROOT)).hexdigest()[:16]
    return paths.cache_dir() / "chosen" / checkout


def known_stacks(root: Path = paths.ROOT) -> list[str]:
    """The stacks that have a settings file."""
    return sorted(
        p.name.removeprefix("Pulumi.").removesuffix(".yaml") for p in root.glob("Pulumi.*.yaml")
    )


def stack_of(stack: str, branch: str | None) -> str:
    """The stack that a command works on: the environment, or with a branch its preview.

    Raises:
        ConfigurationError: the branch has no name, or the stack is a preview already.
    """
    if branch is None:
        return stack
    if not branch.strip():
        raise ConfigurationError("--branch needs the name of a branch, and it is empty.")
    if environment_of(stack):
        raise ConfigurationError(
            f"--branch goes with the environment, and {stack} is a preview: leave one of them out."
        )
    return preview_stack(stack, branch)


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """` Did you mean NAME?` where a known name is like a wrong one, else nothing."""
    close = difflib.get_close_matches(wrong, list(known), 1)
    return f" Did you mean {close[0]}?" if close else ""
