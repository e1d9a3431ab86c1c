"""`run -- COMMAND…`, `run JOB`: a one-off task of the current release, its log, and its status."""

from __future__ import annotations

from collections.abc import Sequence

from automation.aws.ecs import describe_service
from automation.deployment.one_off import Ended, OneOff, follow, start, stop
from automation.errors import ConfigurationError
from automation.screen import Screen
from automation.stack.operations import Session, opened
from infra.names import CONTAINER_NAME

STARTED_BY = "fargate-cd/run"
NOT_RUN = 1
"""The exit code where the command was never run."""
NO_COMMAND = 127
"""The exit code of a command that the image does not have."""


def run_task(stack: str, screen: Screen, command: Sequence[str]) -> int:
    """Run a command in a new task of the current release and wait for its end.

    The task has the image, variables, secrets, rights and network of the service, and takes no
    requests. Ctrl-C stops it.

    Args:
        stack: the stack's name.
        screen: where the log and the result go.
        command: the command in place of the container's own, word by word; or the name of a job,
            whose command then runs in a task of the job's size.

    Returns:
        The exit code of the command; 1 if it was never run.

    Raises:
        ConfigurationError: no release runs.
    """
    with opened(stack, screen) as session:
        ended, lines = _run(session, command)
    screen.document(
        {
            "stack": stack,
            "task": ended.task,
            "exit_code": ended.status,
            "reason": ended.reason,
            "log": lines,
        }
    )
    if ended.status is None:
        screen.warn(f"The task {ended.task} never ran the command: {ended.reason}")
        return NOT_RUN
    screen.note(f"The task {ended.task} ended with exit code {ended.status}")
    if ended.status == NO_COMMAND and len(command) == 1:
        screen.note(f"{command[0]} is no job of {stack} (previews have none), so it was a command")
    return ended.status


def _run(session: Session, command: Sequence[str]) -> tuple[Ended, list[str]]:
    """How the task ended, and its log."""
    service = describe_service(session.cloud, session.service)
    if service is None:
        raise ConfigurationError(
            f"No release of {session.file.name} runs, so there is nothing to run a command of: "
            f"`python automation/run.py up --stack {session.file.name}` makes one."
        )
    job = session.file.settings.jobs.get(command[0]) if len(command) == 1 else None
    size = {"cpu": job.cpu, "memory": job.memory} if job else {}
    task = OneOff(
        session.service,
        service["taskDefinition"],
        CONTAINER_NAME,
        tuple(job.command if job else command),
        STARTED_BY,
        size={name: str(value) for name, value in size.items() if value},
    )
    arn = start(session.cloud, service, task)
    session.screen.note(f"Started the task {arn.rpartition('/')[2]}; Ctrl-C stops it")
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        session.screen.result(line)

    try:
        return follow(session.cloud, task, arn, tell, session.screen.still), lines
    except KeyboardInterrupt:
        stop(session.cloud, task, arn)
        raise
