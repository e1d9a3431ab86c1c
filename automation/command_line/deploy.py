"""Commands that change a stack."""

from __future__ import annotations

from typing import Annotated

import typer

from automation.command_line.app import DEPLOY, app
from automation.command_line.command import command
from automation.command_line.options import Branch, Build, Image, flag
from automation.screen import Screen


@command(app, "up --branch feature/menu", asks=True, group=DEPLOY)
def up(
    screen: Screen,
    stack: str,
    branch: Branch = None,
    image: Image = None,
    build: Build = False,
    smoke: Annotated[
        bool, flag("--smoke/--no-smoke", help="Run the container once here first.")
    ] = True,
    preflight: Annotated[
        bool, flag("--preflight/--no-preflight", help="Check first what would fail.")
    ] = True,
) -> int:
    """Create or update the stack, wait until it is healthy, print the verdict and the outputs."""
    from automation.commands.up import up

    return up(
        stack,
        screen,
        image=image,
        build=build,
        smoke=smoke,
        preflight=preflight,
        branch=branch,
    )


@command(app, "preview --expect-no-changes", group=DEPLOY)
def preview(
    screen: Screen,
    stack: str,
    branch: Branch = None,
    image: Image = None,
    build: Build = False,
    expect_no_changes: Annotated[
        bool, flag("--expect-no-changes", help="Changes end with exit code 4.")
    ] = False,
    drift: Annotated[
        bool, flag("--drift/--no-drift", help="Look for what others have changed.")
    ] = True,
) -> int:
    """Show what `up` would change."""
    from automation.commands.preview import preview

    return preview(
        stack,
        screen,
        image=image,
        build=build,
        branch=branch,
        expect_no_changes=expect_no_changes,
        look_for_drift=drift,
    )


@command(app, "destroy --stack local --yes", asks=True, group=DEPLOY)
def destroy(
    screen: Screen,
    stack: str,
    with_previews: Annotated[
        bool, flag("--with-previews", help="Destroy the environment's previews as well.")
    ] = False,
) -> int:
    """Delete every resource and the stack, then look for leftovers."""
    from automation.commands.destroy import destroy

    return destroy(stack, screen, with_previews=with_previews)


@command(app, "refresh --stack prod", group=DEPLOY)
def refresh(screen: Screen, stack: str) -> int:
    """Bring the state in line with the cloud, and say what drifted."""
    from automation.commands.refresh import refresh

    return refresh(stack, screen)


@command(app, "rollback --to 3", asks=True, group=DEPLOY)
def rollback(
    screen: Screen,
    stack: str,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="The release's number.")
    ] = None,
) -> int:
    """Put back the release before, or --to N, with no build; waits, then prints the verdict."""
    from automation.commands.rollback import rollback

    return rollback(stack, screen, to=to)
