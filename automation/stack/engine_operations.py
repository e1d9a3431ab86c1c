"""Runs operations of the engine on an open stack and explains its failures.

Apart from `operations.py`, so that a command that only looks need not import Pulumi's SDK.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pulumi import automation as auto
from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from automation import paths
from automation.engine import Engine, obtain_engine
from automation.engine.progress import Progress
from automation.screen import Screen
from automation.stack import locks, pending_creations
from automation.stack.engine_failures import explain
from automation.stack.engine_stack import EngineStack
from automation.stack.stack_file import StackFile
from automation.stack.state_file import OutputValue
from automation.stack.target import Target
from automation.stack.workspace import exported_state, open_stack, open_workspace

__all__ = ["engine", "open_workspace", "opened", "outputs", "perform", "remove", "state"]

Answer = TypeVar("Answer")
Operation = Callable[[auto.Stack, Progress], Answer]


def engine(screen: Screen) -> Engine:
    """Return the engine; it announces when a signal stops it."""
    found = obtain_engine(screen.note)
    found.announce_stop = lambda: screen.warn(
        "Stopping: the engine finishes what it began and saves its state"
    )
    return found


def opened(
    file: StackFile, target: Target, engine: Engine, program: Callable[[], None], create: bool
) -> tuple[auto.Stack, bool]:
    """Open the stack in the engine.

    Args:
        file: the stack's settings.
        target: where it lives.
        engine: the engine.
        program: what the engine runs.
        create: make the stack if it does not exist.

    Returns:
        The stack, and whether it was just created.

    Raises:
        DriverError: the engine can't open it; the message is its one cause.
    """
    try:
        return open_stack(file, target, engine, program, create)
    except CommandError as error:
        raise explain(error, (), file) from error


def outputs(session: EngineStack) -> Mapping[str, OutputValue]:
    """The stack's outputs, its secrets decrypted."""
    try:
        found = session.stack.outputs()
    except CommandError as error:
        raise explain(error, (), session.file) from error
    return {name: OutputValue(each.value, each.secret) for name, each in found.items()}


def state(session: EngineStack) -> dict[str, Any]:
    """The stack's state, its secrets encrypted."""
    return perform(session, "Reading the state", lambda stack, _progress: exported_state(stack))


def remove(session: EngineStack) -> None:
    """Remove the stack from the backend; its settings file stays."""
    try:
        session.stack.workspace.remove_stack(session.file.name, preserve_config=True)
    except CommandError as error:
        raise explain(error, (), session.file) from error
    pending_creations.forget(session.pending_file)
    work_dir = session.target.work_dir(session.file.name)
    if work_dir != paths.ROOT:
        shutil.rmtree(work_dir)


def perform(
    session: EngineStack,
    verb: str,
    operation: Operation[Answer],
    preview: bool = False,
    beside: Callable[[], list[str]] = list,
) -> Answer:
    """Run an operation; see `Session.perform`."""
    try:
        return _attempt(session, verb, operation, preview, beside)
    except ConcurrentUpdateError as error:
        stack, screen = session.stack, session.screen
        with screen.waiting("Waiting for the engine of an earlier update"):
            locks.clear_dead(session.file.name, str(error), screen.warn, stack.cancel)
    try:
        return _attempt(session, verb, operation, preview, beside)
    except ConcurrentUpdateError as error:
        raise locks.running(session.file.name, str(error)) from error


def _attempt(
    session: EngineStack,
    verb: str,
    operation: Operation[Answer],
    preview: bool,
    beside: Callable[[], list[str]],
) -> Answer:
    with Progress(session.screen, verb, preview, beside) as progress:
        try:
            return operation(session.stack, progress)
        except ConcurrentUpdateError:
            raise
        except CommandError as error:
            raise explain(error, progress.failures, session.file) from error
        finally:
            attempts = pending_creations.unclear(progress.not_created, progress.failures)
            pending_creations.remember(session.pending_file, attempts)
