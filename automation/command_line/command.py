"""Makes commands of functions: common options, errors as words, and everything an exit code."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Callable, Iterator
from functools import wraps
from types import FrameType
from typing import Any, NoReturn

import typer

from automation.command_line.options import Branch, Json, Stack, Yes
from automation.errors import Stopped
from automation.screen import Screen
from automation.stack.chosen import chosen, stack_of

Command = Callable[..., int]
"""Runs one command; returns its exit code."""


KIND = inspect.Parameter.KEYWORD_ONLY
STACK = inspect.Parameter("stack", KIND, default=None, annotation=Stack)
BRANCH = inspect.Parameter("branch", KIND, default=None, annotation=Branch)
JSON = inspect.Parameter("json", KIND, default=False, annotation=Json)
YES = inspect.Parameter("yes", KIND, default=False, annotation=Yes)


def command(
    app: typer.Typer,
    example: str,
    name: str | None = None,
    *,
    group: str | None = None,
    asks: bool = False,
    **settings: Any,
) -> Callable[[Command], Command]:
    """Register a function as a command, with the options that its parameters ask for.

    A parameter `screen` brings --json, and --yes where the command asks; `stack` brings --stack
    and --branch, and is the name of the stack that they mean; `environment` brings --stack alone.
    A parameter `branch` is the branch as it was given. Every other parameter is an option.

    Args:
        app: the commands that it belongs to.
        example: a command line, shown with its help.
        name: the command's name; the function's own by default.
        group: the heading of the list of commands that it stands under.
        asks: the command asks before it goes on.
        settings: typer's settings of the command.
    """

    def register(function: Command) -> Command:
        own = inspect.signature(function, eval_str=True).parameters
        shown = list(_shown(own, asks))

        @wraps(function)
        def run(**given: Any) -> NoReturn:
            screen = Screen(json=given.pop("json", False), yes=given.pop("yes", False))
            execute(screen, lambda: function(**_arguments(own, screen, given)))

        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in shown}
        epilog = f"Example: python automation/run.py {example}"
        app.command(name, epilog=epilog, rich_help_panel=group, **settings)(run)
        return function

    return register


def _shown(own: Any, asks: bool) -> Iterator[inspect.Parameter]:
    """The parameters that the command line offers for those of a function."""
    arguments = {"screen", "stack", "environment", "branch"}
    yield from (each for name, each in own.items() if name not in arguments)
    if "stack" in own or "environment" in own:
        yield STACK
    if "stack" in own:
        yield BRANCH
    if "screen" in own:
        yield JSON
    if asks:
        yield YES


def _arguments(own: Any, screen: Screen, given: dict[str, Any]) -> dict[str, Any]:
    """A function's arguments from what the command line gave."""
    known = {**given, "screen": screen}
    if "stack" in given:
        known["environment"] = given["stack"] or chosen().stack
    if "stack" in own:
        known["stack"] = stack_of(known["environment"], given["branch"])
    return {name: known[name] for name in own}


def execute(screen: Screen, run: Callable[[], int]) -> NoReturn:
    """Run a command; errors become words, and everything becomes an exit code.

    A closed terminal (SIGHUP) and SIGTERM interrupt it as Ctrl-C does.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under `nohup`
            signal.signal(number, _interrupt)
    try:
        code = run()
    except KeyboardInterrupt:
        code = screen.fail(Stopped("Interrupted."))
    except Exception as error:  # noqa: BLE001 - the last resort: words instead of a traceback
        from automation.unexpected_errors import in_words

        code = screen.fail(in_words(error))
    raise SystemExit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
