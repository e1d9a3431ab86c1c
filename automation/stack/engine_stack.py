"""A stack and its side in the engine, which is opened once something asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from automation.screen import Screen
from automation.stack.stack_file import StackFile
from automation.stack.target import Target

if TYPE_CHECKING:  # a command that only looks imports no SDK, which takes half a second
    from pulumi import automation as auto


@dataclass(frozen=True)
class EngineStack:
    """What an operation of the engine needs of a stack.

    Attributes:
        screen: where results and progress go.
        file: the stack's settings.
        target: where it lives.
        opening: opens the engine's side of it.
    """

    screen: Screen
    file: StackFile
    target: Target
    opening: Callable[[], auto.Stack]

    @cached_property
    def stack(self) -> auto.Stack:
        """The engine's side of the stack."""
        return self.opening()

    @property
    def pending_file(self) -> Path:
        """Where creations are remembered that failed without a clear answer."""
        return self.target.pending_file(self.file.name)
