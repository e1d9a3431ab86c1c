"""`use NAME`: remember the stack for the commands that follow."""

from __future__ import annotations

import os

from automation.screen import Screen
from automation.stack.chosen import VARIABLE, chosen, remember
from automation.stack.stack_file import load_stack_file


def use(stack: str | None, screen: Screen) -> int:
    """Remember a stack; without one say which is in use.

    Args:
        stack: its name.
        screen: where the result goes.

    Raises:
        ConfigurationError: there is no such stack, or its settings are wrong.
    """
    if stack is not None:
        load_stack_file(stack)
        remember(stack)
    choice = chosen()
    screen.document({"stack": choice.stack, "by": choice.by})
    screen.result(f"Commands without --stack work on {choice.stack} ({choice.by})")
    if stack not in (None, choice.stack):
        screen.warn(f"{VARIABLE}={os.environ[VARIABLE]} wins over {stack}: unset it")
    return 0
