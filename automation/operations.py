"""Open a stack and run one operation of the engine on it; every command goes through here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pulumi import automation as auto
from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from automation import locks, paths
from automation.cloud import Cloud
from automation.engine import Engine, obtain_engine
from automation.errors import ConfigurationError, DriverError
from automation.progress import Failure, Progress, display_name, plain
from automation.screen import Screen
from automation.stacks import StackFile, load_stack_file, open_stack
from automation.target import TARGETS, Target
from automation.verdict import ServiceName
from infra.names import Names

Program = Callable[[], None]
Answer = TypeVar("Answer")
Operation = Callable[[auto.Stack, Progress], Answer]

STACK_TYPE = "pulumi:pulumi:Stack"

PROGRAM_FAILED = "python inline source runtime error: "
"""How the Automation API begins the message of an exception in the program."""

EVIDENCE_LINES = 30
"""How much of a long error is shown, from its end."""


@dataclass(frozen=True)
class Session:
    """An open stack, and what a command needs to work on it."""

    screen: Screen
    file: StackFile
    target: Target
    stack: auto.Stack
    cloud: Cloud

    @property
    def names(self) -> Names:
        """The physical names of the stack's resources."""
        return Names(self.file.project, self.file.name)

    @property
    def service(self) -> ServiceName:
        """Where the stack's service is."""
        return ServiceName(self.names.cluster, self.names.service)

    def outputs(self) -> Mapping[str, auto.OutputValue]:
        """The stack's outputs."""
        try:
            return dict(self.stack.outputs())
        except CommandError as error:
            raise explain(error, (), self.file) from error

    def perform(self, verb: str, operation: Operation[Answer], preview: bool = False) -> Answer:
        """Run an operation of the engine with progress; a dead owner's lock is taken away once.

        Raises:
            UpdateRunning: another update of the stack is running.
            DriverError: the operation failed; the message is its one cause.
            KeyboardInterrupt: it was interrupted, and the engine has saved its state.
        """
        try:
            return self._attempt(verb, operation, preview)
        except ConcurrentUpdateError as error:
            locks.clear_dead(self.file.name, str(error), self.screen.warn)
        try:
            return self._attempt(verb, operation, preview)
        except ConcurrentUpdateError as error:
            raise locks.running(self.file.name, str(error)) from error

    def _attempt(self, verb: str, operation: Operation[Answer], preview: bool) -> Answer:
        with Progress(self.screen, verb, preview) as progress:
            try:
                return operation(self.stack, progress)
            except ConcurrentUpdateError:
                raise
            except CommandError as error:
                raise explain(error, progress.failures, self.file) from error


def no_program() -> None:
    """The program of a command that runs none."""


@contextmanager
def opened(
    name: str,
    screen: Screen,
    program: Program = no_program,
    create: bool = False,
    changes: bool = False,
) -> Iterator[Session]:
    """Open a stack: settings are checked first, then the engine and the target are got ready.

    Args:
        name: the stack.
        screen: where to say what happens.
        program: what the engine runs.
        create: make the stack if it does not exist.
        changes: the command changes the stack, so that no other one may do so at the same time.
    """
    os.chdir(paths.ROOT)
    file = load_stack_file(name)
    target = TARGETS[file.settings.target]
    with _alone(target, name) if changes else _together():
        engine = obtain_engine(screen.note)
        engine.announce_stop = lambda: screen.warn(
            "Stopping: the engine finishes what it began and saves its state"
        )
        target.activate(screen)
        yield Session(
            screen, file, target, _open(file, target, engine, program, create), Cloud(file.region)
        )


@contextmanager
def _together() -> Iterator[None]:
    yield


@contextmanager
def _alone(target: Target, name: str) -> Iterator[None]:
    with locks.one_update(target.lock_dir(), name):
        yield


def _open(
    file: StackFile, target: Target, engine: Engine, program: Program, create: bool
) -> auto.Stack:
    try:
        return open_stack(file, target, engine, program, create)
    except CommandError as error:
        raise explain(error, (), file) from error


DAMAGED = re.compile(r"failed to load checkpoint|snapshot integrity failure|unexpected end of JSON")

EXPLANATIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"incorrect passphrase"),
        "PULUMI_CONFIG_PASSPHRASE is not the one that this stack's secrets were written with.",
    ),
    (
        re.compile(r"PULUMI_ACCESS_TOKEN must be set|pulumi login"),
        "No Pulumi backend is chosen: run `pulumi login`, or set PULUMI_BACKEND_URL "
        "(for example s3://BUCKET).",
    ),
    (
        re.compile(r"no resource plugin|Could not automatically download and install"),
        "A provider plugin is missing and can't be downloaded: run `pulumi plugin install`.",
    ),
)
"""What the engine says → what it means and what to do."""


def explain(
    error: CommandError, failures: tuple[Failure, ...] | list[Failure], file: StackFile
) -> DriverError:
    """One cause in words for a failed command of the engine."""
    text = str(error)
    if DAMAGED.search(text):
        return damaged_state(file)
    for pattern, sentence in EXPLANATIONS:
        if pattern.search(text):
            return ConfigurationError(sentence)
    root = root_failure(failures)
    if root is None:
        lines = [line for line in text.splitlines() if line.strip().startswith("error:")]
        shown = [plain(line).removeprefix("error:").strip() for line in lines]
        return DriverError(shown[0] if shown else plain(text), shown[1:])
    lines = [
        line for line in root.message.removeprefix(PROGRAM_FAILED).splitlines() if line.strip()
    ]
    name = f"{display_name(root.urn)}: " if root.urn else ""
    return DriverError(f"{name}{lines[0]}", lines[1:][-EVIDENCE_LINES:], root.urn)


def root_failure(failures: tuple[Failure, ...] | list[Failure]) -> Failure | None:
    """The failure that explains the others: of a resource rather than of the whole stack."""
    own = [f for f in failures if f.urn and f"::{STACK_TYPE}::" not in f.urn]
    meant = [f for f in own if f.message != "update failed"] or list(failures)
    return meant[0] if meant else None


def damaged_state(file: StackFile) -> DriverError:
    """The words about a state that can't be read, with the way back."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    state = f"stacks/{file.project}/{file.name}.json"
    message = f"The state of the stack {file.name} is damaged and nothing was touched."
    if not backend.startswith("file://"):
        return DriverError(
            f"{message} Restore {state} in {backend or 'the backend'} from backups/{file.project}/"
            f"{file.name}/, then run `refresh`."
        )
    folder = Path(backend.removeprefix("file://")) / ".pulumi"
    backups = sorted((folder / "backups" / file.project / file.name).glob("*.json"))
    source = backups[-1] if backups else folder / f"{state}.bak"
    return DriverError(
        f"{message} Restore the last good one: cp '{source}' '{folder / state}'; then see what "
        f"differs: python automation/run.py refresh --stack {file.name}",
    )


def shown_changes(progress: Progress) -> dict[str, Any]:
    """Operation → number of resources, the usual ones always present."""
    usual = dict.fromkeys(("create", "update", "delete", "replace", "same"), 0)
    return usual | dict(progress.changes)
