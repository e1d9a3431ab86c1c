#!/usr/bin/env python3
"""The driver: `python automation/run.py COMMAND [--stack NAME] [--branch BRANCH] [--json] [--yes]`.

A verb is one function in `automation/commands/`; this file only maps the command line to it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("typer", "rich", "yaml", "pulumi", "boto3", "psutil", "pydantic")
"""What this process needs to import; a virtual environment beside it may have them."""


def _use_virtual_environment() -> None:
    """Run in the checkout's `.venv` if this interpreter lacks the packages."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if not missing:
        return
    python = ROOT / ".venv" / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
        os.execv(python, [str(python), *sys.argv])  # noqa: S606 - the same program again
    sys.stderr.write(
        f"Error: Python packages are missing ({', '.join(missing)}): run `make setup`, or "
        "`python3 -m venv .venv && .venv/bin/pip install -r requirements.txt`.\n"
    )
    raise SystemExit(2)


if __name__ == "__main__":
    # The folder of a script comes first in sys.path; the project's root must be there instead.
    sys.path[0] = str(ROOT)
    _use_virtual_environment()

import typer  # noqa: E402

from automation.command_line import (  # noqa: E402
    Branch,
    command,
    flag,
    shown_version,
    stack_names,
)
from automation.errors import ConfigurationError  # noqa: E402
from automation.screen import Screen  # noqa: E402

app = typer.Typer(
    epilog=(
        "Exit codes: 0 done and healthy; 1 failed or rolled back; 2 wrong command or settings, "
        "nothing touched; 3 another update runs; 4 unexpected changes; 130 interrupted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
DEPLOY = "Deploy, such as `run.py up --branch feature/menu`"
LOOK = "Look, such as `run.py status --watch`"
WORK = "Work with what runs, such as `run.py exec -- sh`"
PREVIEWS = "Previews of an environment, such as `run.py prune --dry-run`"
MACHINE = "This machine, such as `run.py doctor --fix`"

local_app = typer.Typer(help="The local cloud.", no_args_is_help=True)
app.add_typer(local_app, name="local", rich_help_panel=MACHINE)
pipeline_app = typer.Typer(help="Run the pipeline, answer its approval.", no_args_is_help=True)
app.add_typer(pipeline_app, name="pipeline", rich_help_panel=WORK)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"{shown_version()}\n")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", metavar="", help="Show the version.", is_eager=True, callback=_show_version
    ),
]


@app.callback()
def options(version: Version = False) -> None:
    """The driver: `python automation/run.py COMMAND [--stack NAME] [--json]`."""


At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="MOMENT",
        help="The moment that counts as now, such as 2026-12-31T18:00 (UTC).",
    ),
]
Image = Annotated[
    str | None, typer.Option("--image", metavar="URI", help="Deploy this image and build none.")
]
Build = Annotated[bool, flag("--build", help="Build and deploy the working tree's application.")]
Follow = Annotated[bool, flag("--follow", "-f", help="Go on until Ctrl-C.")]
Comment = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Kept with the answer.")]


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


@command(app, "refresh --stack prod", group=DEPLOY)
def refresh(screen: Screen, stack: str) -> int:
    """Bring the state in line with the cloud, and say what drifted."""
    from automation.commands.refresh import refresh

    return refresh(stack, screen)


@command(app, "outputs service_url", group=LOOK)
def outputs(
    screen: Screen,
    stack: str,
    name: Annotated[str | None, typer.Argument(help="Print the bare value of this one.")] = None,
) -> int:
    """The stack's outputs, or one bare value."""
    from automation.commands.outputs import outputs

    return outputs(stack, screen, name)


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
    health_checks: Annotated[
        bool, flag("--health-checks", help="The load balancer's health checks as well.")
    ] = False,
) -> int:
    """The application's logs, or the pipeline's build logs."""
    from automation.commands.logs import Wanted, logs

    wanted = Wanted(text, errors, health_checks)
    return logs(stack, screen, follow, since, build, tail, wanted)


@command(app, "releases --json", group=LOOK)
def releases(screen: Screen, stack: str) -> int:
    """The releases of the service, newest first."""
    from automation.commands.releases import releases_command

    return releases_command(stack, screen)


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


@command(app, "exec -- sh", "exec", context_settings={"ignore_unknown_options": True}, group=WORK)
def exec_(
    screen: Screen,
    stack: str,
    command: Annotated[list[str], typer.Argument(help="The command, after --.")],
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="ID", help="In this task, by the beginning of its id."),
    ] = None,
) -> int:
    """A command inside a running container."""
    from automation.commands.exec import exec_command

    return exec_command(stack, screen, command, task=task)


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
    command: Annotated[list[str], typer.Argument(help="The command, after --.")],
) -> int:
    """Run a command in a new task of the current release; its log, its status."""
    from automation.commands.run_task import run_task

    return run_task(stack, screen, command)


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


def main() -> NoReturn:
    """Run the command line; what is wrong with it is told as any other error is."""
    given = sys.argv[1:]
    own = given[: given.index("--")] if "--" in given else given
    try:
        code = app(standalone_mode=False, prog_name="run.py")
    except typer.TyperException as error:
        message = error.format_message()
        if not message:  # no command: the help is printed
            raise SystemExit(error.exit_code) from None
        context: Any = getattr(error, "ctx", None)
        path = context.command_path if context else "run.py"
        end = "" if message.rstrip(".").endswith("?") else "."
        failure = ConfigurationError(f"{message.rstrip('.')}{end} See `{path} --help`.")
        code = Screen(json="--json" in own).fail(failure)
    raise SystemExit(code or 0)


if __name__ == "__main__":
    main()
