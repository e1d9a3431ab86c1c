"""Open a stack and run one operation of the engine on it; every command goes through here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from automation import paths
from automation.aws.clients import Cloud
from automation.aws.ecs import ServiceName
from automation.aws.provider import Provider
from automation.errors import ConfigurationError, Stopped
from automation.screen import Screen
from automation.stack import state_file
from automation.stack.engine_stack import EngineStack
from automation.stack.shared_place import other_cluster
from automation.stack.stack_file import StackFile, load_stack_file
from automation.stack.state_file import OutputValue
from automation.stack.target import TARGETS, Target
from infra.names import CONTAINER_NAME, INTERNAL_OUTPUTS, WEB, Names

if TYPE_CHECKING:  # a command that only looks imports no SDK, which takes half a second
    from pulumi import automation as auto

    from automation.engine import Engine
    from automation.engine.progress import Progress

Program = Callable[[], None]
Answer = TypeVar("Answer")
Operation = Callable[["auto.Stack", "Progress"], Answer]


SECRET = "[secret]"  # noqa: S105 - what is shown instead of one


@dataclass(frozen=True)
class Session(EngineStack):
    """An open stack, and what a command needs to work on it.

    Attributes:
        screen … opening: as in `EngineStack`.
        created: it was made in the backend just now.
        cloud: clients for its account.
        provider: the configuration of its AWS provider.
        opened_at: when the command opened it.
        other_cluster: the name of its cluster where that is not its environment's own.
        at_end: what is done before the command ends, whatever becomes of it.
    """

    created: bool
    cloud: Cloud
    provider: Provider = field(default_factory=lambda: Provider({}))
    opened_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    other_cluster: str = ""
    at_end: ExitStack = field(default_factory=ExitStack)

    @property
    def names(self) -> Names:
        """The physical names of the stack's resources."""
        return Names(
            self.file.project,
            self.file.name,
            other_cluster=self.other_cluster,
            lead=self.file.settings.lead,
            processes=tuple(self.file.settings.processes),
        )

    @property
    def service(self) -> ServiceName:
        """Where the stack's service is."""
        return ServiceName(self.names.cluster, self.names.service)

    @property
    def services(self) -> dict[str, ServiceName]:
        """Process → where its service is, the web process or who stands in its place first."""
        names = self.names.services(self.file.settings.processes)
        return {
            process: ServiceName(self.names.cluster, service) for process, service in names.items()
        }

    def service_of(self, process: str | None) -> ServiceName:
        """Where the service of a process is; that of the first one where none is named.

        Raises:
            ConfigurationError: there is no such process.
        """
        found = self.services.get(process) if process else self.service
        if found is None:
            known = ", ".join(self.services)
            raise ConfigurationError(
                f"--process {process!r} must be one of this stack's processes: {known}."
            )
        return found

    def container(self, name: str | None) -> str:
        """The name of a container of the tasks; the application's where none is named.

        Raises:
            ConfigurationError: there is no such container.
        """
        known = (CONTAINER_NAME, *self.file.settings.sidecars)
        if name and name not in known:
            raise ConfigurationError(f"--container {name}: the tasks have {', '.join(known)}.")
        return name or CONTAINER_NAME

    def stream_prefix(self, process: str | None) -> str:
        """How the names of a process's log streams begin; empty for those of all processes.

        Raises:
            ConfigurationError: there is no such process.
        """
        if process is None:
            return ""
        self.service_of(process)
        return f"{CONTAINER_NAME if process == WEB else process}/"

    @property
    def pipeline(self) -> str | None:
        """The name of the stack's pipeline; None if its settings ask for none."""
        return self.names.pipeline if self.file.settings.has_pipeline else None

    def outputs(self) -> Mapping[str, OutputValue]:
        """The stack's outputs."""
        state = state_file.read(self.file.project, self.file.name)
        known = state_file.outputs(state) if state else None
        if known is not None:
            return known
        from automation.stack import engine_operations

        return engine_operations.outputs(self)

    def state(self) -> dict[str, Any]:
        """The stack's state as the engine exports it, its secrets encrypted."""
        known = state_file.read(self.file.project, self.file.name)
        if known is not None:
            return known
        from automation.stack import engine_operations

        return engine_operations.state(self)

    def remove(self) -> None:
        """Remove the stack from the backend; its settings file stays."""
        from automation.stack import engine_operations

        engine_operations.remove(self)

    def perform(
        self,
        verb: str,
        operation: Operation[Answer],
        preview: bool = False,
        beside: Callable[[], list[str]] = list,
    ) -> Answer:
        """Run an operation of the engine with progress; a dead owner's lock is taken away once.

        Args:
            verb: what the progress says is done.
            operation: gets the engine's side of the stack, and the progress to tell of events.
            preview: nothing is changed.
            beside: further lines of the progress on a terminal, asked for again and again.

        Returns:
            What the operation returns.

        Raises:
            UpdateRunning: another update of the stack is running.
            DriverError: the operation failed; the message is its one cause.
            KeyboardInterrupt: it was interrupted, and the engine has saved its state.
        """
        from automation.stack import engine_operations

        return engine_operations.perform(self, verb, operation, preview, beside)


def no_program() -> None:
    """The program of a command that runs none."""


def without_program(_file: StackFile) -> Program:
    """The program of a command that only reads: none."""
    return no_program


@contextmanager
def opened(
    name: str,
    screen: Screen,
    program: Callable[[StackFile], Program] = without_program,
    create: bool = False,
    changes: bool = False,
) -> Iterator[Session]:
    """Open a stack: check the settings, then prepare the engine and the target.

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
    looks = not (create or changes)
    with _alone(target, name) if changes else nullcontext():
        engine = None if looks else _engine(screen)
        target.activate(screen, start=not looks)

        @cache
        def opening() -> tuple[auto.Stack, bool]:
            from automation.stack import engine_operations

            found = engine or _engine(screen)
            return engine_operations.opened(file, target, found, bound, create)

        exists = looks and state_file.find(file.project, name) is not None
        created = False if exists else opening()[1]
        provider = Provider.of(file.config, lambda key: opening()[0].get_config(key).value)
        cloud = Cloud(provider=provider)
        if not looks:  # wrong settings of the provider are told before anything is touched
            _ = cloud.session
        cluster = other_cluster(cloud, file)
        session = Session(
            screen,
            file,
            target,
            lambda: opening()[0],
            created,
            cloud,
            provider,
            other_cluster=cluster,
        )
        with session.at_end:
            yield session


def _engine(screen: Screen) -> Engine:
    from automation.stack import engine_operations

    return engine_operations.engine(screen)


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
    from automation.stack import engine_operations

    os.chdir(paths.ROOT)
    file = load_stack_file(name)
    target = TARGETS[file.settings.target]
    engine = engine_operations.engine(screen)
    target.activate(screen, start)
    workspace = engine_operations.open_workspace(file, target, engine, no_program)
    return Backend(screen, file, target, workspace)


@contextmanager
def _alone(target: Target, name: str) -> Iterator[None]:
    from automation.machine.smoke_leftovers import remove_abandoned
    from automation.stack import locks

    with locks.one_update(target.lock_dir(), name), ThreadPoolExecutor(1, "leftovers") as beside:
        removing = beside.submit(remove_abandoned)
        try:
            yield
        except KeyboardInterrupt:
            words = "Interrupted. The state is saved; run it again to go on."
            raise Stopped(words) from None
        removing.result()


def no_changes() -> dict[str, Any]:
    """Operation → 0, for the usual ones."""
    return dict.fromkeys(("create", "update", "delete", "replace", "same"), 0)


def shown_changes(progress: Progress) -> dict[str, Any]:
    """Operation → number of resources, the usual ones always present."""
    return no_changes() | dict(progress.changes or progress.done)


def shown_outputs(outputs: Mapping[str, OutputValue]) -> dict[str, Any]:
    """Outputs by name, for people and logs: neither secret ones nor the program's own are told."""
    shown = {k: v for k, v in sorted(outputs.items()) if k not in INTERNAL_OUTPUTS}
    return {k: SECRET if v.secret else v.value for k, v in shown.items()}
