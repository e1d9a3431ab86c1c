"""Commands that only read: status, logs, releases, costs."""

from __future__ import annotations

from typing import Annotated

import typer

from automation.command_line.app import LOOK, app
from automation.command_line.command import command
from automation.command_line.options import Container, Follow, Process, flag
from automation.screen import Screen


@command(app, "outputs service_url", group=LOOK)
def outputs(
    screen: Screen,
    stack: str,
    name: Annotated[str | None, typer.Argument(help="Print the bare value of this one.")] = None,
) -> int:
    """The stack's outputs, or one bare value."""
    from automation.commands.outputs import outputs

    return outputs(stack, screen, name)


@command(app, "status --watch", group=LOOK)
def status(
    screen: Screen,
    stack: str,
    watch: Annotated[bool, flag("--watch", "-w", help="Go on until Ctrl-C.")] = False,
) -> int:
    """Service, tasks, target health, current release, pipeline stages, alarms."""
    from automation.commands.status import status

    return status(stack, screen, watch=watch)


@command(app, "logs --follow --since 10m", group=LOOK)
def logs(
    screen: Screen,
    stack: str,
    follow: Follow = False,
    since: Annotated[
        str, typer.Option("--since", metavar="AGE", help="How far back: 90s, 10m, 2h, 1d.")
    ] = "10m",
    build: Annotated[
        bool, flag("--build", help="The build logs of the pipeline's last run instead.")
    ] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", metavar="N", min=0, help="Only the newest N lines.")
    ] = None,
    text: Annotated[
        str, typer.Option("--filter", metavar="TEXT", help="Only lines that contain it.")
    ] = "",
    errors: Annotated[bool, flag("--errors", help="Only lines that tell of an error.")] = False,
    process: Process = None,
    container: Container = None,
    health_checks: Annotated[
        bool, flag("--health-checks", help="The load balancer's health checks as well.")
    ] = False,
) -> int:
    """The application's logs, or the pipeline's build logs."""
    from automation.commands.logs import Wanted, logs

    wanted = Wanted(text, errors, health_checks, container or "")
    return logs(stack, screen, follow, since, build, tail, wanted, process)


@command(app, "releases --json", group=LOOK)
def releases(screen: Screen, stack: str) -> int:
    """The releases of the service, newest first."""
    from automation.commands.releases import releases_command

    return releases_command(stack, screen)


@command(app, "jobs --json", group=LOOK)
def jobs(screen: Screen, stack: str) -> int:
    """The scheduled jobs: last run, result, next run."""
    from automation.commands.jobs import jobs

    return jobs(stack, screen)


@command(app, "diagnose --stack prod", group=LOOK)
def diagnose(screen: Screen, stack: str) -> int:
    """Why the last deployment failed: one cause, its evidence, the setting to change."""
    from automation.commands.diagnose import diagnose_command

    return diagnose_command(stack, screen)


@command(app, "cost --running", group=LOOK)
def cost(
    screen: Screen,
    stack: str,
    running: Annotated[
        bool, flag("--running", help="Price what runs instead of what the settings ask.")
    ] = False,
) -> int:
    """The stack's estimated cost a month, line by line, and what would cost less."""
    from automation.commands.cost import cost

    return cost(stack, screen, running=running)
