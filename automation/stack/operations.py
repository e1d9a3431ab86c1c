"""Open a stack and run one operation of the engine on it; every command goes through here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pulumi import automation as auto
from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from automation import paths
from automation.aws.clients import Cloud
from automation.aws.ecs import ServiceName
from automation.aws.provider import Provider
from automation.deployment.rollout import Watch
from automation.engine import Engine, obtain_engine
from automation.engine.failures import explain
from automation.engine.progress import Progress
from automation.errors import Stopped
from automation.recovery import pending_creations
from automation.screen import Screen
from automation.stack import locks
from automation.stack.stack_file import StackFile, load_stack_file, open_stack, open_workspace
from automation.stack.target import TARGETS, Target
from infra.names import Names

Program = Callable[[], None]
Answer = TypeVar("Answer")
Operation = Callable[[auto.Stack, Progress], Answer]


SECRET = "[secret]"  # noqa: S105 - what is shown instead of one


@dataclass(frozen=True)
class Session:
    """An open stack, and what a command needs to work on it.

    Attributes:
        screen: where results and progress go.
        file: the stack's settings.
        target: where it lives.
        stack: the engine's side of it.
        created: it was made in the backend just now.
        cloud: clients for its account.
        provider: the configuration of its AWS provider.
        opened_at: when the command opened it.
    """

    screen: Screen
    file: StackFile
    target: Target
    stack: auto.Stack
    created: bool
    cloud: Cloud
    provider: Provider = field(default_factory=lambda: Provider({}))
    opened_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def names(self) -> Names:
        """The physical names of the stack's resources."""
        return Names(self.file.project, self.file.name)

    @property
    def service(self) -> ServiceName:
        """Where the stack's service is."""
        return ServiceName(self.names.cluster, self.names.service)

    @property
    def pipeline(self) -> str | None:
        """The name of the stack's pipeline; None if its settings ask for none."""
        return self.names.pipeline if self.file.settings.has_pipeline else None

    @property
    def unsettled_file(self) -> Path:
        """Where creations are remembered that failed without a clear answer."""
        return self.target.unsettled_file(self.file.name)

    def watch(self) -> Watch:
        """A view of the service's rollout: lines to draw on a terminal, told elsewhere."""
        drawn = self.screen.err.is_terminal and not self.screen.quiet
        tell = None if drawn else self.screen.note
        return Watch(Cloud(provider=self.provider), self.service, tell)

    def outputs(self) -> Mapping[str, auto.OutputValue]:
        """The stack's outputs."""
        try:
            return dict(self.stack.outputs())
        except CommandError as error:
            raise explain(error, (), self.file) from error

    def remove(self) -> None:
        """Remove the stack from the backend; its settings file stays."""
        try:
            self.stack.workspace.remove_stack(self.file.name, preserve_config=True)
        except CommandError as error:
            raise explain(error, (), self.file) from error
        pending_creations.forget(self.unsettled_file)
        work_dir = self.target.work_dir(self.file.name)
        if work_dir != paths.ROOT:
            shutil.rmtree(work_dir)

    def perform(
        self,
        verb: str,
        operation: Operation[Answer],
        preview: bool = False,
        beside: Callable[[], list[str]] = list,
    ) -> Answer:
        """Run an operation of the engine with progress; a dead owner's lock is taken away once.

        Raises:
            UpdateRunning: another update of the stack is running.
            DriverError: the operation failed; the message is its one cause.
            KeyboardInterrupt: it was interrupted, and the engine has saved its state.
        """
        try:
            return self._attempt(verb, operation, preview, beside)
        except ConcurrentUpdateError as error:
            locks.clear_dead(self.file.name, str(error), self.screen.warn, self.stack.cancel)
        try:
            return self._attempt(verb, operation, preview, beside)
        except ConcurrentUpdateError as error:
            raise locks.running(self.file.name, str(error)) from error

    def _attempt(
        self,
        verb: str,
        operation: Operation[Answer],
        preview: bool,
        beside: Callable[[], list[str]],
    ) -> Answer:
        with Progress(self.screen, verb, preview, beside) as progress:
            try:
                return operation(self.stack, progress)
            except ConcurrentUpdateError:
                raise
            except CommandError as error:
                raise explain(error, progress.failures, self.file) from error
            finally:
                attempts = pending_creations.unclear(progress.not_created, progress.failures)
                pending_creations.remember(self.unsettled_file, attempts)


def no_program() -> None:
    """The program of a command that runs none."""


def without_program(_file: StackFile) -> Program:
    """What a command that only looks lets the engine run."""
    return no_program


@contextmanager
def opened(
    name: str,
    screen: Screen,
    program: Callable[[StackFile], Program] = without_program,
    create: bool = False,
    changes: bool = False,
) -> Iterator[Session]:
    """Open a stack: settings are checked first, then the engine and the target are got ready.

    Args:
        name: the stack.
        screen: where to say what happens.
        program: settings → what the engine runs; may refuse them before anything is touched.
        create: make the stack if it does not exist.
        changes: the command changes the stack, so that no other one may do so at the same time.
    """
    os.chdir(paths.ROOT)
    file = load_stack_file(name)
    bound = program(file)
    target = TARGETS[file.settings.target]
    with _alone(target, name) if changes else _together():
        engine = obtain_engine(screen.note)
        engine.announce_stop = lambda: screen.warn(
            "Stopping: the engine finishes what it began and saves its state"
        )
        target.activate(screen, start=create or changes)
        stack, created = _open(file, target, engine, bound, create)
        provider = Provider.of(file.config, lambda key: stack.get_config(key).value)
        cloud = Cloud(provider=provider)
        yield Session(screen, file, target, stack, created, cloud, provider)


@dataclass(frozen=True)
class Backend:
    """The backend of an environment's stacks, without one of them open.

    Attributes:
        screen: where results and progress go.
        file: the environment's settings.
        target: where it lives.
        workspace: runs commands of the engine.
    """

    screen: Screen
    file: StackFile
    target: Target
    workspace: auto.LocalWorkspace


def connected(name: str, screen: Screen, start: bool = True) -> Backend:
    """The backend of an environment, whether the environment exists or not.

    Args:
        name: the environment.
        screen: where to say what happens.
        start: start what does not run at its target.

    Raises:
        ConfigurationError: there is no settings file of that name, or it is wrong.
    """
    os.chdir(paths.ROOT)
    file = load_stack_file(name)
    target = TARGETS[file.settings.target]
    engine = obtain_engine(screen.note)
    target.activate(screen, start)
    return Backend(screen, file, target, open_workspace(file, target, engine, no_program))


@contextmanager
def _together() -> Iterator[None]:
    yield


@contextmanager
def _alone(target: Target, name: str) -> Iterator[None]:
    with locks.one_update(target.lock_dir(), name):
        try:
            yield
        except KeyboardInterrupt:
            words = "Interrupted. The state is saved; run it again to go on."
            raise Stopped(words) from None


def _open(
    file: StackFile, target: Target, engine: Engine, program: Program, create: bool
) -> tuple[auto.Stack, bool]:
    try:
        return open_stack(file, target, engine, program, create)
    except CommandError as error:
        raise explain(error, (), file) from error


def no_changes() -> dict[str, Any]:
    """Operation → 0, for the usual ones."""
    return dict.fromkeys(("create", "update", "delete", "replace", "same"), 0)


def shown_changes(progress: Progress) -> dict[str, Any]:
    """Operation → number of resources, the usual ones always present."""
    return no_changes() | dict(progress.changes or progress.done)


def shown_outputs(outputs: Mapping[str, auto.OutputValue]) -> dict[str, Any]:
    """Outputs by name, for people and logs: secret ones are not told."""
    return {k: SECRET if v.secret else v.value for k, v in sorted(outputs.items())}
