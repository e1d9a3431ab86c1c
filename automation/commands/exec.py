"""`exec -- COMMAND…`: a command inside a running container."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import error_code
from automation.aws.ecs import describe_service, tasks
from automation.errors import ConfigurationError, DriverError
from automation.exec import standard_input
from automation.exec.channel import Session as Channel
from automation.exec.channel import SessionError
from automation.exec.plugin import PluginSession
from automation.exec.shell_command import NO_SHELL, ShellCommand
from automation.screen import Screen
from automation.stack.operations import Session, opened

PLUGIN = "session-manager-plugin"
REFUSALS = frozenset({"TargetNotConnectedException", "InvalidParameterException"})
PLUGIN_PAGE = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html"
)


@dataclass(frozen=True)
class Place:
    """Where a command runs.

    Attributes:
        task: the task, as ECS describes it.
        container: the name of the container.
    """

    task: dict[str, Any]
    container: str


def exec_command(
    stack: str,
    screen: Screen,
    command: Sequence[str],
    task: str | None = None,
    process: str | None = None,
    container: str | None = None,
) -> int:
    """Run a command in a container of the stack, on this terminal if there is one.

    Args:
        stack: the stack's name.
        screen: where messages go; the command's own output goes to standard output.
        command: the command; several words are quoted for the container's shell, one is not.
        task: in this task, by the beginning of its id; else in the newest.
        process: in a task of this process; else of the web process.
        container: in this container of the task; else in the application's.

    Returns:
        The command's own exit status; 1 if the session broke off.

    Raises:
        ConfigurationError: there is nothing to run it in, or `exec` is off.
        DriverError: ECS refuses, or the session does not come about.
    """
    if screen.json:
        raise ConfigurationError(
            "--json can't be used with exec, which prints the command's own output."
        )
    words = command[0] if len(command) == 1 else shlex.join(command)
    with opened(stack, screen) as session:
        if not session.file.settings.exec:
            raise ConfigurationError(
                f"`exec` is off: set `fargate-cd:exec: true` in {session.file.path.name}, then "
                f"run `up --stack {stack}`."
            )
        name = session.container(container)
        chosen = choose(running_tasks(session, process), task)
        within = f", container {name}" if container else ""
        screen.note(f"In task {_short(chosen)} (release {_release(chosen)}){within}")
        return _converse(session, Place(chosen, name), words)


def running_tasks(session: Session, process: str | None = None) -> list[dict[str, Any]]:
    """The running tasks of a process, newest first.

    Raises:
        ConfigurationError: there is no such process or no service, or none runs.
    """
    name = session.service_of(process)
    if describe_service(session.cloud, name) is None:
        raise ConfigurationError(
            f"The stack {session.file.name} has no service yet: "
            f"`python automation/run.py up --stack {session.file.name}` makes it."
        )
    found = [task for task in tasks(session.cloud, name) if task["lastStatus"] == "RUNNING"]
    if not found:
        raise ConfigurationError(
            f"No task of the stack {session.file.name} runs now: `diagnose` tells why."
        )
    return sorted(found, key=lambda task: task["createdAt"], reverse=True)


def choose(tasks: Sequence[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    """The task to run in.

    Raises:
        ConfigurationError: no such task, or one that was started without `exec`.
    """
    known = ", ".join(_short(task) for task in tasks)
    fitting = [t for t in tasks if wanted is None or _identity(t).startswith(wanted)]
    if not fitting:
        raise ConfigurationError(f"No running task begins with {wanted!r}; there are: {known}.")
    ready = [task for task in fitting if task.get("enableExecuteCommand")]
    if not ready:
        raise ConfigurationError(
            "The tasks were started before `exec` was on: a new deployment replaces them, such as "
            "`up --build`."
        )
    return ready[0]


def _identity(task: dict[str, Any]) -> str:
    return str(task["taskArn"].rpartition("/")[2])


def _short(task: dict[str, Any]) -> str:
    return _identity(task)[:8]


def _release(task: dict[str, Any]) -> str:
    return str(task["taskDefinitionArn"].rpartition(":")[2])


def _start(session: Session, place: Place, command: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = session.cloud.client("ecs").execute_command(
            cluster=session.service.cluster,
            task=place.task["taskArn"],
            container=place.container,
            interactive=True,
            command=command,
        )
    except ClientError as error:
        if error_code(error) not in REFUSALS:
            raise
        why = error.response["Error"]["Message"]
        raise DriverError(f"ECS opens no session in task {_short(place.task)}: {why}") from error
    return answer


def _converse(session: Session, place: Place, words: str) -> int:
    command = ShellCommand(words, _write, standard_input.is_terminal(), sys.stdout.isatty())
    talk = _talk(session, place, command)
    if not command.terminal_input:
        # What waits for the end of the input need not wait any longer.
        command.on_end = lambda: talk.type(standard_input.END)
    with standard_input.passed_on(talk, command, session.screen.warn):
        try:
            last = talk.hold()
        except SessionError as error:
            command.end()
            raise DriverError(str(error)) from error
        code = command.end()
    told = f"{command.words.decode(errors='replace')}\n{last}".strip()
    if NO_SHELL in told:
        raise DriverError(
            f"No command can be run in the container: its image has no /bin/sh, which `exec` needs "
            f"({told.splitlines()[-1]}). Deploy an image with a shell, or read `logs`."
        )
    if code is None:
        session.screen.warn(f"The session ended without the command's status. {last}".rstrip())
        return 1
    return code


def _talk(session: Session, place: Place, command: ShellCommand) -> Channel | PluginSession:
    """Hold the session: by the Session Manager plugin if installed, else in this process."""
    size = standard_input.terminal_size()
    plugin = shutil.which(PLUGIN) if session.target.session_plugin else None
    if plugin:
        return PluginSession(
            _plugin_arguments(session, place, command.text(), plugin), command, size
        )
    if session.file.settings.customer_managed_key and session.target.session_plugin:
        raise ConfigurationError(
            f"This stack encrypts its sessions with a key of its own (customer_managed_key), which "
            f"{PLUGIN} can do and this client can't: install it ({PLUGIN_PAGE})."
        )
    return Channel(_start(session, place, command.text())["session"], command, size)


def _plugin_arguments(session: Session, place: Place, command: str, plugin: str) -> list[str]:
    """Return the plugin's arguments, as `aws ecs execute-command` passes them."""
    answer = _start(session, place, command)
    container = next(c for c in place.task["containers"] if c["name"] == place.container)
    target = f"ecs:{session.service.cluster}_{_identity(place.task)}_{container['runtimeId']}"
    return [
        plugin,
        json.dumps(answer["session"]),
        session.cloud.client("ecs").meta.region_name,
        "StartSession",
        os.environ.get("AWS_PROFILE", ""),
        json.dumps({"Target": target}),
        session.cloud.client("ssm").meta.endpoint_url,
    ]


def _write(output: bytes) -> None:
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()
