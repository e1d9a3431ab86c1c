#!/usr/bin/env python3
"""The driver: `python automation/run.py COMMAND [--stack NAME] [--json] [--yes]`.

A verb is one function in `automation/commands/`; this file only maps the command line to it.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
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

from automation.errors import ConfigurationError, Stopped  # noqa: E402
from automation.screen import Screen  # noqa: E402
from automation.unexpected_errors import in_words  # noqa: E402

app = typer.Typer(
    help=__doc__.splitlines()[0],
    epilog=(
        "Exit codes: 0 done and healthy; 1 failed or rolled back; 2 wrong command or settings, "
        "nothing touched; 3 another update runs; 4 unexpected changes; 130 interrupted."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
local_app = typer.Typer(help="The local cloud.", no_args_is_help=True)
app.add_typer(local_app, name="local")
pipeline_app = typer.Typer(help="Run the pipeline, answer its approval.", no_args_is_help=True)
app.add_typer(pipeline_app, name="pipeline")


def _flag(*names: str, help: str) -> Any:  # noqa: A002 -- typer's name
    """An option that takes no value, and so shows none in the help."""
    return typer.Option(*names, metavar="", help=help)


Stack = Annotated[
    str,
    typer.Option("--stack", metavar="NAME", help="The stack; its settings are Pulumi.NAME.yaml."),
]
Branch = Annotated[
    str | None,
    typer.Option(
        "--branch",
        metavar="BRANCH",
        help="The preview of this branch; --stack is then its environment.",
    ),
]
Json = Annotated[bool, _flag("--json", help="One JSON document to standard output.")]
Yes = Annotated[bool, _flag("--yes", "-y", help="Ask nothing.")]
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
Build = Annotated[bool, _flag("--build", help="Build and deploy the working tree's application.")]


def named(stack: str, branch: str | None) -> str:
    """The stack to work on: `--stack`, or with `--branch` the preview of that branch."""
    from automation.previews.preview_stacks import stack_of

    return stack_of(stack, branch)


def execute(screen: Screen, command: Callable[[], int]) -> NoReturn:
    """Run a command; errors become words, and everything becomes an exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = command()
    except KeyboardInterrupt:
        code = screen.fail(Stopped("Interrupted."))
    except Exception as error:  # noqa: BLE001 - the last resort: words instead of a traceback
        code = screen.fail(in_words(error))
    raise SystemExit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@app.command()
def up(
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    image: Image = None,
    build: Build = False,
    smoke: Annotated[
        bool, _flag("--smoke/--no-smoke", help="Run the container once here first.")
    ] = True,
) -> None:
    """Create or update the stack, wait until it is healthy, print the verdict and the outputs."""
    from automation.commands.up import up as command

    screen = Screen(json=json, yes=yes)
    execute(
        screen,
        lambda: command(
            named(stack, branch), screen, image=image, build=build, smoke=smoke, branch=branch
        ),
    )


@app.command()
def preview(
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    image: Image = None,
    build: Build = False,
    expect_no_changes: Annotated[
        bool, _flag("--expect-no-changes", help="Changes end with exit code 4.")
    ] = False,
    drift: Annotated[
        bool, _flag("--drift/--no-drift", help="Look for what others have changed.")
    ] = True,
) -> None:
    """Show what `up` would change."""
    from automation.commands.preview import preview as command

    screen = Screen(json=json, yes=yes)
    execute(
        screen,
        lambda: command(
            named(stack, branch),
            screen,
            image=image,
            build=build,
            branch=branch,
            expect_no_changes=expect_no_changes,
            look_for_drift=drift,
        ),
    )


@app.command()
def destroy(
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    with_previews: Annotated[
        bool, _flag("--with-previews", help="Destroy the environment's previews as well.")
    ] = False,
) -> None:
    """Delete every resource and the stack, then look for leftovers."""
    from automation.commands.destroy import destroy as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(named(stack, branch), screen, with_previews=with_previews))


@app.command()
def previews(stack: Stack = "dev", json: Json = False, yes: Yes = False, at: At = None) -> None:
    """The previews of an environment: branch, age, time left, cost a month, URL."""
    from automation.commands.previews import previews as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(stack, screen, at=at))


@app.command()
def prune(
    stack: Stack = "dev",
    json: Json = False,
    yes: Yes = False,
    dry_run: Annotated[bool, _flag("--dry-run", help="Only say what is due.")] = False,
    at: At = None,
    remote: Annotated[
        str,
        typer.Option(
            "--remote",
            metavar="REMOTE",
            help="The git remote whose branches count, or its address.",
        ),
    ] = "origin",
) -> None:
    """Destroy the previews of an environment that have expired or whose branch is gone."""
    from automation.commands.prune import prune as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(stack, screen, dry_run=dry_run, at=at, remote=remote))


@app.command()
def refresh(
    stack: Stack = "dev", branch: Branch = None, json: Json = False, yes: Yes = False
) -> None:
    """Bring the state in line with the cloud, and say what drifted."""
    from automation.commands.refresh import refresh as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(named(stack, branch), screen))


@app.command()
def outputs(
    name: Annotated[str | None, typer.Argument(help="Print the bare value of this one.")] = None,
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
) -> None:
    """The stack's outputs, or one bare value."""
    from automation.commands.outputs import outputs as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(named(stack, branch), screen, name))


@app.command()
def doctor(
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    fix: Annotated[bool, _flag("--fix", help="Put right what can be put right.")] = False,
    quiet: Annotated[bool, _flag("--quiet", help="Say only what is wrong.")] = False,
) -> None:
    """Every prerequisite, what is wrong, and how to put it right."""
    from automation.commands.doctor import doctor as command

    screen = Screen(json=json, yes=yes, quiet=quiet)
    execute(screen, lambda: command(named(stack, branch), screen, fix=fix))


@app.command()
def status(
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    watch: Annotated[bool, _flag("--watch", "-w", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Service, tasks, target health, current release, pipeline stages, alarms."""
    from automation.commands.status import status as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(named(stack, branch), screen, watch=watch))


@app.command()
def logs(
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    follow: Annotated[bool, _flag("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    since: Annotated[
        str, typer.Option("--since", metavar="AGE", help="How far back: 90s, 10m, 2h, 1d.")
    ] = "10m",
    build: Annotated[
        bool, _flag("--build", help="The build logs of the pipeline's last run instead.")
    ] = False,
) -> None:
    """The application's logs, or the pipeline's build logs."""
    from automation.commands.logs import logs as command

    screen = Screen(json=json, yes=yes)
    execute(
        screen,
        lambda: command(named(stack, branch), screen, follow=follow, since=since, build=build),
    )


@app.command()
def releases(
    stack: Stack = "dev", branch: Branch = None, json: Json = False, yes: Yes = False
) -> None:
    """The releases of the service, newest first."""
    from automation.commands.releases import releases_command as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(named(stack, branch), screen))


@app.command()
def rollback(
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="The release's number.")
    ] = None,
) -> None:
    """Put back the release before, or --to N, with no build; waits, then prints the verdict."""
    from automation.commands.rollback import rollback as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(named(stack, branch), screen, to=to))


@app.command("exec", context_settings={"ignore_unknown_options": True})
def exec_(
    command: Annotated[list[str], typer.Argument(help="The command, after --.")],
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="ID", help="In this task, by the beginning of its id."),
    ] = None,
) -> None:
    """A command inside a running container."""
    from automation.commands.exec import exec_command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: exec_command(named(stack, branch), screen, command, task=task))


@app.command()
def diagnose(
    stack: Stack = "dev", branch: Branch = None, json: Json = False, yes: Yes = False
) -> None:
    """Why the last deployment failed: one cause, its evidence, the setting to change."""
    from automation.commands.diagnose import diagnose_command as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(named(stack, branch), screen))


@app.command()
def cost(
    stack: Stack = "dev",
    branch: Branch = None,
    json: Json = False,
    yes: Yes = False,
    running: Annotated[
        bool, _flag("--running", help="Price what runs instead of what the settings ask.")
    ] = False,
) -> None:
    """The stack's estimated cost a month, line by line, and what would cost less."""
    from automation.commands.cost import cost as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(named(stack, branch), screen, running=running))


Comment = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Kept with the answer.")]


@pipeline_app.command("start")
def pipeline_start(
    stack: Stack = "dev",
    json: Json = False,
    yes: Yes = False,
    no_wait: Annotated[bool, _flag("--no-wait", help="Do not wait for its end.")] = False,
) -> None:
    """Run the pipeline on the branch's latest commit, and tell its stages as they go."""
    from automation.commands.pipeline import start as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(stack, screen, wait=not no_wait))


@pipeline_app.command("approve")
def pipeline_approve(
    stack: Stack = "dev", json: Json = False, yes: Yes = False, comment: Comment = ""
) -> None:
    """Let the release that waits for an answer go on."""
    from automation.commands.pipeline import answer as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(stack, screen, approve=True, comment=comment))


@pipeline_app.command("reject")
def pipeline_reject(
    stack: Stack = "dev", json: Json = False, yes: Yes = False, comment: Comment = ""
) -> None:
    """Stop the release that waits for an answer."""
    from automation.commands.pipeline import answer as command

    screen = Screen(json=json, yes=yes)
    execute(screen, lambda: command(stack, screen, approve=False, comment=comment))


@local_app.command("start")
def local_start(json: Json = False) -> None:
    """Start the local cloud."""
    from automation.commands import localcloud

    screen = Screen(json=json)
    execute(screen, lambda: localcloud.start(screen))


@local_app.command("stop")
def local_stop(json: Json = False) -> None:
    """Stop the local cloud; its state stays on disk."""
    from automation.commands import localcloud

    screen = Screen(json=json)
    execute(screen, lambda: localcloud.stop(screen))


@local_app.command("status")
def local_status(json: Json = False) -> None:
    """Whether the local cloud runs, and where."""
    from automation.commands import localcloud

    screen = Screen(json=json)
    execute(screen, lambda: localcloud.status(screen))


@local_app.command("env")
def local_env(json: Json = False) -> None:
    """Shell exports for `aws`, boto3 and plain `pulumi up`."""
    from automation.commands import localcloud

    screen = Screen(json=json)
    execute(screen, lambda: localcloud.environment(screen))


@local_app.command("logs")
def local_logs(
    follow: Annotated[bool, _flag("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", metavar="N", help="How many of the last.")
    ] = 100,
) -> None:
    """The local cloud's own log."""
    from automation.commands import localcloud

    screen = Screen()
    execute(screen, lambda: localcloud.logs(follow=follow, lines=lines))


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
        failure = ConfigurationError(f"{message.rstrip('.')}. See `{path} --help`.")
        code = Screen(json="--json" in own).fail(failure)
    raise SystemExit(code or 0)


if __name__ == "__main__":
    main()
