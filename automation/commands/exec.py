"""`exec -- COMMAND…`: a command inside a running container."""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import error_code
from automation.aws.ecs import describe_service, tasks
from automation.errors import ConfigurationError, DriverError
from automation.screen import Screen
from automation.stack.operations import Session, opened
from infra.service.task import CONTAINER_NAME

PLUGIN = "session-manager-plugin"
AGENT = "ExecuteCommandAgent"
REFUSALS = frozenset({"TargetNotConnectedException", "InvalidParameterException"})
PLUGIN_PAGE = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html"
)


def exec_command(
    stack: str, screen: Screen, command: Sequence[str], task: str | None = None
) -> int:
    """Run a command in a container of the stack, on this terminal if there is one.

    Args:
        stack: the stack's name.
        screen: where messages go; the command's own output goes to standard output.
        command: the command; several words are quoted for the container's shell, one is not.
        task: in this task, by the beginning of its id; else in the newest.

    Returns:
        The command's own exit status; 1 if the session broke off.

    Raises:
        ConfigurationError: there is nothing to run it in, or `exec` is off.
        DriverError: ECS refuses, or the session does not come about.
    """
    if screen.json:
        raise ConfigurationError("exec prints what the command prints: --json has no place here.")
    words = command[0] if len(command) == 1 else shlex.join(command)
    with opened(stack, screen) as session:
        if not session.file.settings.exec:
            raise ConfigurationError(
                f"`exec` is off: set `fargate-cd:exec: true` in {session.file.path.name}, then "
                f"run `up --stack {stack}`."
            )
        chosen = choose(running_tasks(session), task)
        screen.note(f"In task {_short(chosen)} (release {_release(chosen)})")
        plugin = shutil.which(PLUGIN)
        if plugin and session.target.session_plugin:
            return _by_plugin(session, chosen, words, plugin)
        return _by_ourselves(session, chosen, words)


def running_tasks(session: Session) -> list[dict[str, Any]]:
    """The service's running tasks, newest first.

    Raises:
        ConfigurationError: there is no service, or none runs.
    """
    name = session.service
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


def _start(session: Session, task: dict[str, Any], command: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = session.cloud.client("ecs").execute_command(
            cluster=session.service.cluster,
            task=task["taskArn"],
            container=CONTAINER_NAME,
            interactive=True,
            command=command,
        )
    except ClientError as error:
        if error_code(error) not in REFUSALS:
            raise
        raise DriverError(
            f"ECS opens no session in task {_short(task)}: {error.response['Error']['Message']}"
        ) from error
    return answer


def _by_plugin(session: Session, task: dict[str, Any], command: str, plugin: str) -> int:
    """As the AWS CLI does it: https://github.com/aws/aws-cli, `ecs execute-command`."""
    answer = _start(session, task, command)
    region = session.cloud.client("ecs").meta.region_name
    container = next(c for c in task["containers"] if c["name"] == CONTAINER_NAME)
    cluster = session.service.cluster
    target = f"ecs:{cluster}_{_identity(task)}_{container['runtimeId']}"
    arguments = [
        plugin,
        json.dumps(answer["session"]),
        region,
        "StartSession",
        os.environ.get("AWS_PROFILE", ""),
        json.dumps({"Target": target}),
        session.cloud.client("ssm").meta.endpoint_url,
    ]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command gets it
    try:
        return subprocess.run(arguments, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def _by_ourselves(session: Session, task: dict[str, Any], command: str) -> int:
    """Without the plugin: the session's channel spoken by this process."""
    from automation.exec import channel as channel

    if session.file.settings.customer_managed_key and session.target.session_plugin:
        raise ConfigurationError(
            f"This stack encrypts its sessions with a key of its own (customer_managed_key), which "
            f"{PLUGIN} can do and this client can't: install it ({PLUGIN_PAGE})."
        )
    answer = _start(session, task, channel.telling_its_status(command))
    status = channel.Status(_write)
    talk = channel.Session(answer["session"], status, _size())
    with _keys(talk):
        try:
            last = talk.hold()
        except channel.SessionError as error:
            status.end()
            raise DriverError(str(error)) from error
        code = status.end()
    if code is None:
        session.screen.warn(f"The session ended without the command's status. {last}".rstrip())
        return 1
    return code


def _write(output: bytes) -> None:
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()


def _size() -> tuple[int, int] | None:
    if not sys.stdout.isatty():
        return None
    size = shutil.get_terminal_size()
    return size.columns, size.lines


@contextmanager
def _keys(talk: Any) -> Iterator[None]:
    """Pass on what is typed and the terminal's size, if there is a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            ready, _, _ = select.select([descriptor], [], [], 0.2)
            if ready and not ended.is_set():
                talk.type(os.read(descriptor, 1024))

    def resized(_number: int, _frame: Any) -> None:
        if talk.ready.is_set() and (size := _size()):
            talk.resize(*size)

    earlier = signal.signal(signal.SIGWINCH, resized)
    tty.setraw(descriptor)
    threading.Thread(target=read, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        talk.ready.set()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, earlier)
