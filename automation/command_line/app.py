"""The command line as a whole: its groups of commands and its exit codes."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import version
from typing import Annotated

import typer

from automation import paths

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


def shown_version() -> str:
    """The driver's version, its commit, and the engine that goes with it."""
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["project"]
    asked = ["git", "-C", str(paths.ROOT), "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # no git on this machine
        commit = ""
    details = f" ({commit})" if commit else ""
    return f"{paths.APPLICATION} {project['version']}{details}, Pulumi {version('pulumi')}"


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
