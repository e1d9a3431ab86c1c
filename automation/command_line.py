"""Makes commands of functions: common options, errors as words, and everything an exit code."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Callable, Iterator
from functools import wraps
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from automation.errors import Stopped
from automation.screen import Screen
from automation.unexpected_errors import in_words

Command = Callable[..., int]
"""Runs one command; returns its exit code."""


def flag(*names: str, help: str) -> Any:  # noqa: A002 -- typer's name
    """An option that takes no value, and so shows none in the help."""
    return typer.Option(*names, metavar="", help=help)


Stack = Annotated[
    str,
    typer.Option("--stack", metavar="NAME", help="The stack; its settings are Pulumi.NAME.yaml."),
]
Branch = Annotated[
    str | None,
    typer.Option(
        "--branch",
        metavar="BRANCH",
        help="The preview of this branch; --stack is then its environment.",
    ),
]
Json = Annotated[bool, flag("--json", help="One JSON document to standard output.")]
Yes = Annotated[bool, flag("--yes", "-y", help="Ask nothing.")]

KIND = inspect.Parameter.KEYWORD_ONLY
STACK = inspect.Parameter("stack", KIND, default="dev", annotation=Stack)
BRANCH = inspect.Parameter("branch", KIND, default=None, annotation=Branch)
JSON = inspect.Parameter("json", KIND, default=False, annotation=Json)
YES = inspect.Parameter("yes", KIND, default=False, annotation=Yes)


def command(
    app: typer.Typer, name: str | None = None, asks: bool = False, **settings: Any
) -> Callable[[Command], Command]:
    """Register a function as a command, with the options that its parameters ask for.

    A parameter `screen` brings --json, and --yes where the command asks; `stack` brings --stack
    and --branch, and is the name of the stack that they mean; `environment` brings --stack alone.
    A parameter `branch` is the branch as it was given. Every other parameter is an option.

    Args:
        app: the group of commands that it belongs to.
        name: the command's name; the function's own by default.
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
        app.command(name, **settings)(run)
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
    from automation.previews.preview_stacks import stack_of

    known = {**given, "screen": screen, "environment": given.get("stack")}
    if "stack" in own:
        known["stack"] = stack_of(given["stack"], given["branch"])
    return {name: known[name] for name in own}


def execute(screen: Screen, run: Callable[[], int]) -> NoReturn:
    """Run a command; errors become words, and everything becomes an exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = run()
    except KeyboardInterrupt:
        code = screen.fail(Stopped("Interrupted."))
    except Exception as error:  # noqa: BLE001 - the last resort: words instead of a traceback
        code = screen.fail(in_words(error))
    raise SystemExit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
