"""Commands on this machine: its prerequisites, the local cloud, the remembered stack."""

from __future__ import annotations

from typing import Annotated

import typer

from automation.command_line.app import MACHINE, app, local_app
from automation.command_line.command import command
from automation.command_line.options import Follow, flag, stack_names
from automation.screen import Screen


@command(app, "use local", group=MACHINE)
def use(
    screen: Screen,
    name: Annotated[
        str | None,
        typer.Argument(help="The stack.", autocompletion=stack_names),
    ] = None,
) -> int:
    """Remember the stack for the commands that follow; without NAME say which it is."""
    from automation.commands.use import use

    return use(name, screen)


@command(app, "doctor --fix", group=MACHINE)
def doctor(
    screen: Screen,
    stack: str,
    fix: Annotated[bool, flag("--fix", help="Put right what can be put right.")] = False,
    quiet: Annotated[bool, flag("--quiet", help="Say only what is wrong.")] = False,
) -> int:
    """Every prerequisite, what is wrong, and how to put it right."""
    from automation.commands.doctor import doctor

    screen.quiet = quiet
    return doctor(stack, screen, fix=fix)


@command(local_app, "local start", "start")
def local_start(screen: Screen) -> int:
    """Start the local cloud."""
    from automation.commands import localcloud

    return localcloud.start(screen)


@command(local_app, "local stop", "stop")
def local_stop(screen: Screen) -> int:
    """Stop the local cloud; its state stays on disk."""
    from automation.commands import localcloud

    return localcloud.stop(screen)


@command(local_app, "local status --json", "status")
def local_status(screen: Screen) -> int:
    """Whether the local cloud runs, and where."""
    from automation.commands import localcloud

    return localcloud.status(screen)


@command(local_app, "local env", "env")
def local_env(screen: Screen) -> int:
    """Shell exports for `aws`, boto3 and plain `pulumi up`."""
    from automation.commands import localcloud

    return localcloud.environment(screen)


@command(local_app, "local logs --follow", "logs")
def local_logs(
    follow: Follow = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", metavar="N", help="How many of the last.")
    ] = 100,
) -> int:
    """The local cloud's own log."""
    from automation.commands import localcloud

    return localcloud.logs(follow=follow, lines=lines)
