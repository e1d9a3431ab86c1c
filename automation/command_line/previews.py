"""Commands on the previews of an environment."""

from __future__ import annotations

from typing import Annotated

import typer

from automation.command_line.app import PREVIEWS, app
from automation.command_line.command import command
from automation.command_line.options import At, flag
from automation.screen import Screen


@command(app, "previews --at 2026-12-31T18:00", group=PREVIEWS)
def previews(screen: Screen, environment: str, at: At = None) -> int:
    """The previews of an environment: branch, age, time left, cost a month, URL."""
    from automation.commands.previews import previews

    return previews(environment, screen, at=at)


@command(app, "prune --dry-run", asks=True, group=PREVIEWS)
def prune(
    screen: Screen,
    environment: str,
    dry_run: Annotated[bool, flag("--dry-run", help="Only say what is due.")] = False,
    at: At = None,
    remote: Annotated[
        str | None,
        typer.Option(
            "--remote",
            metavar="REMOTE",
            help="Another git remote whose branches count than the stack's repository.",
        ),
    ] = None,
) -> int:
    """Destroy the previews of an environment that have expired or whose branch is gone."""
    from automation.commands.prune import prune

    return prune(environment, screen, dry_run=dry_run, at=at, remote=remote)
