#!/usr/bin/env python3
"""The driver: `python automation/run.py COMMAND [--stack NAME] [--branch BRANCH] [--json] [--yes]`.

Its commands stand in `automation/command_line/`; what each does is in `automation/commands/`.
"""

from __future__ import annotations

import atexit
import gc
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

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


def _open_closed_streams() -> None:
    """Read from and write to nowhere what the shell has closed (`>&-`), instead of failing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - until the end


if __name__ == "__main__":
    _open_closed_streams()
    # The folder of a script comes first in sys.path; the project's root must be there instead.
    sys.path[0] = str(ROOT)
    _use_virtual_environment()
    # The classes of Pulumi's SDK stay until the end: to look through them for garbage again and
    # again takes a fifth of a preview's processor time.
    gc.set_threshold(100_000, 20, 100)
    # Nor are they looked through when the process ends, which took a second of an `up`.
    atexit.register(gc.freeze)

import typer  # noqa: E402

from automation.command_line import deploy, look, machine, previews, work  # noqa: E402, F401
from automation.command_line.app import app  # noqa: E402
from automation.errors import ConfigurationError  # noqa: E402
from automation.screen import Screen  # noqa: E402


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
