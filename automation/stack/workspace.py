"""The engine's side of a stack: its workspace, and the operations on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi import automation as auto
from pulumi.automation import CommandResult
from pulumi.automation.errors import StackAlreadyExistsError, StackNotFoundError

from automation import paths
from automation.engine import Engine
from automation.errors import ConfigurationError
from automation.stack import state_file
from automation.stack.stack_file import STATE_KEYS, StackFile, document_of
from automation.stack.target import Target
from infra.settings import files


class Workspace(auto.LocalWorkspace):
    """A folder in which the engine runs.

    Args:
        project: the project's name.
        work_dir: the folder.
        program: what the engine runs.
        engine: the engine.
    """

    def __init__(
        self, project: str, work_dir: str, program: Callable[[], None], engine: Engine
    ) -> None:
        super().__init__(work_dir=work_dir, program=program, pulumi_command=engine)
        self.project = project

    def select_stack(self, stack_name: str) -> None:
        """Make sure that the stack exists; the engine is told its name with each operation."""
        if state_file.find(self.project, stack_name):
            return
        if state_file.names(self.project) is None:
            super().select_stack(stack_name)
            return
        raise StackNotFoundError(CommandResult("", f"no stack named '{stack_name}' found", 255))


class Stack(auto.Stack):
    """A stack of which the engine is asked no more than an operation needs.

    The Automation API starts the engine three more times after each operation: twice for the
    outputs and once for the history, which the driver never reads.

    Args:
        name: the stack's name.
        workspace: where it is; the stack exists there.
    """

    def __init__(self, name: str, workspace: auto.Workspace) -> None:
        self.name, self.workspace = name, workspace

    def outputs(self) -> auto.OutputMap:
        """The outputs, from one export unless there are secrets among them."""
        project = self.workspace.project  # type: ignore[attr-defined]
        state = state_file.read(project, self.name) or exported_state(self)
        found = state_file.outputs(state)
        if found is None:
            return super().outputs()
        return {name: auto.OutputValue(each.value, each.secret) for name, each in found.items()}

    def info(self, show_secrets: bool = True) -> auto.UpdateSummary:  # noqa: ARG002 - the SDK's
        """Return the summary of the last operation, without reading the history."""
        return auto.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


def open_workspace(
    file: StackFile, target: Target, engine: Engine, program: Callable[[], None]
) -> auto.LocalWorkspace:
    """The folder with the project's and the stack's file in which the engine runs."""
    work_dir = target.work_dir(file.name)
    if work_dir != paths.ROOT:
        _copy_project(file, work_dir)
    return Workspace(file.project, str(work_dir), program, engine)


def open_stack(
    file: StackFile,
    target: Target,
    engine: Engine,
    program: Callable[[], None],
    create: bool = False,
) -> tuple[auto.Stack, bool]:
    """The stack of the Automation API, and whether it was made just now.

    Args:
        file: which stack.
        target: where it lives; its environment is in `os.environ` already.
        engine: the engine that runs it.
        program: what the engine runs.
        create: make the stack in the backend if it is not there.

    Raises:
        ConfigurationError: there is no such stack, and `create` is False.
    """
    workspace = open_workspace(file, target, engine, program)
    try:
        workspace.select_stack(file.name)
        return Stack(file.name, workspace), False
    except StackNotFoundError as error:
        if not create:
            raise ConfigurationError(
                f"The stack {file.name!r} does not exist on the target {target.name!r}: "
                f"`python automation/run.py up --stack {file.name}` makes it."
            ) from error
    try:
        workspace.create_stack(file.name)
        return Stack(file.name, workspace), True
    except StackAlreadyExistsError:  # another process was quicker
        return Stack(file.name, workspace), False


def exported_state(stack: auto.Stack) -> dict[str, Any]:
    """The stack's state with its secrets encrypted, unlike the Automation API's own export."""
    command = ["stack", "export", "--stack", stack.name]
    workspace = stack.workspace
    done = workspace.pulumi_command.run(command, workspace.work_dir, workspace.env_vars)
    exported: dict[str, Any] = json.loads(done.stdout)
    return exported


def _copy_project(file: StackFile, work_dir: Path) -> None:
    """Copy the project's files beside the state, so that a run leaves the checkout untouched.

    The engine writes the salt of a stack's secrets into the stack's file. The salt of an earlier
    run is kept, unless the checkout's own file has one.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(paths.ROOT / "Pulumi.yaml", work_dir / "Pulumi.yaml")
    copy = work_dir / file.path.name
    document = dict(file.document)
    if copy.exists() and not any(key in document for key in STATE_KEYS):
        earlier = document_of(copy)
        document |= {key: earlier[key] for key in STATE_KEYS if key in earlier}
    scratch = copy.with_suffix(".tmp")
    scratch.write_text(files.written(document))
    scratch.replace(copy)
