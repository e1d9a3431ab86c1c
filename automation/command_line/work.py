"""Commands that work with what runs: sessions, one-off tasks, the pipeline."""

from __future__ import annotations

from typing import Annotated

import typer

from automation.command_line.app import WORK, app, pipeline_app
from automation.command_line.command import command
from automation.command_line.options import Comment, Container, Process, flag
from automation.screen import Screen


@command(app, "exec -- sh", "exec", context_settings={"ignore_unknown_options": True}, group=WORK)
def exec_(
    screen: Screen,
    stack: str,
    command: Annotated[list[str], typer.Argument(help="The command, after --.")],
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="ID", help="In this task, by the beginning of its id."),
    ] = None,
    process: Process = None,
    container: Container = None,
) -> int:
    """A command inside a running container."""
    from automation.commands.exec import exec_command

    return exec_command(stack, screen, command, task=task, process=process, container=container)


@command(
    app,
    "run -- python manage.py migrate",
    "run",
    context_settings={"ignore_unknown_options": True},
    group=WORK,
)
def run_(
    screen: Screen,
    stack: str,
    command: Annotated[
        list[str], typer.Argument(help="The command, after --; or the name of a job.")
    ],
) -> int:
    """Run a command or a job in a new task of the current release; its log, its status."""
    from automation.commands.run_task import run_task

    return run_task(stack, screen, command)


@command(pipeline_app, "pipeline start --no-wait", "start")
def pipeline_start(
    screen: Screen,
    environment: str,
    no_wait: Annotated[bool, flag("--no-wait", help="Do not wait for its end.")] = False,
) -> int:
    """Run the pipeline on the branch's latest commit, and tell its stages as they go."""
    from automation.commands.pipeline import start

    return start(environment, screen, wait=not no_wait)


@command(pipeline_app, "pipeline approve --comment checked", "approve", asks=True)
def pipeline_approve(screen: Screen, environment: str, comment: Comment = "") -> int:
    """Let the release that waits for an answer go on."""
    from automation.commands.pipeline import answer

    return answer(environment, screen, approve=True, comment=comment)


@command(pipeline_app, "pipeline reject --comment wrong", "reject", asks=True)
def pipeline_reject(screen: Screen, environment: str, comment: Comment = "") -> int:
    """Stop the release that waits for an answer."""
    from automation.commands.pipeline import answer

    return answer(environment, screen, approve=False, comment=comment)
