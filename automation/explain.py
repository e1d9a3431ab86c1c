"""What the engine says when it fails, as one cause in words."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from pulumi.automation.errors import CommandError

from automation import paths
from automation.errors import ConfigurationError, DriverError
from automation.progress import Failure, display_name, plain
from automation.stacks import StackFile

STACK_TYPE = "pulumi:pulumi:Stack"

PROGRAM_FAILED = "python inline source runtime error: "
"""How the Automation API begins the message of an exception in the program."""

EVIDENCE_LINES = 30
"""How much of a long error is shown, from its end."""

DAMAGED = re.compile(r"failed to load checkpoint|snapshot integrity failure|unexpected end of JSON")

EXPLANATIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"incorrect passphrase"),
        "PULUMI_CONFIG_PASSPHRASE is not the one that this stack's secrets were written with.",
    ),
    (
        re.compile(r"PULUMI_ACCESS_TOKEN must be set|pulumi login"),
        "No Pulumi backend is chosen: run `pulumi login`, or set PULUMI_BACKEND_URL "
        "(for example s3://BUCKET).",
    ),
    (
        re.compile(r"no resource plugin|Could not automatically download and install"),
        "A provider plugin is missing and can't be downloaded: run `pulumi plugin install`.",
    ),
)
"""What the engine says → what it means and what to do."""


def explain(error: CommandError, failures: Sequence[Failure], file: StackFile) -> DriverError:
    """One cause in words for a failed command of the engine."""
    text = str(error)
    if DAMAGED.search(text):
        return damaged_state(file)
    for pattern, sentence in EXPLANATIONS:
        if pattern.search(text):
            return ConfigurationError(sentence)
    root = root_failure(failures)
    if root is None:
        lines = [line for line in text.splitlines() if line.strip().startswith("error:")]
        shown = [plain(line).removeprefix("error:").strip() for line in lines]
        return DriverError(shown[0] if shown else plain(text), shown[1:])
    if root.message.startswith(PROGRAM_FAILED):
        return program_failure(root.message)
    lines = [line for line in root.message.splitlines() if line.strip()]
    name = f"{display_name(root.urn)}: " if root.urn else ""
    return DriverError(f"{name}{lines[0]}", lines[1:][-EVIDENCE_LINES:], root.urn)


def root_failure(failures: Sequence[Failure]) -> Failure | None:
    """The failure that explains the others: of a resource rather than of the whole stack."""
    own = [f for f in failures if f.urn and f"::{STACK_TYPE}::" not in f.urn]
    meant = [f for f in own if f.message != "update failed"] or list(failures)
    return meant[0] if meant else None


def program_failure(message: str) -> DriverError:
    """An exception in the program: its message, and where in this checkout it came from."""
    words, _, trace = message.removeprefix(PROGRAM_FAILED).partition("Traceback (most recent call")
    said = [line for line in words.splitlines() if line.strip()] or ["it gave no reason"]
    lines = trace.splitlines()
    frames = [line.strip() for line in lines if f'File "{paths.ROOT}' in line]
    return DriverError(f"The program failed: {said[0]}", [*said[1:], *frames[-3:]])


def damaged_state(file: StackFile) -> DriverError:
    """The words about a state that can't be read, with the way back."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    state = f"stacks/{file.project}/{file.name}.json"
    message = f"The state of the stack {file.name} is damaged and nothing was touched."
    if not backend.startswith("file://"):
        return DriverError(
            f"{message} Restore {state} in {backend or 'the backend'} from backups/{file.project}/"
            f"{file.name}/, then run `refresh`."
        )
    folder = Path(backend.removeprefix("file://")) / ".pulumi"
    backups = sorted((folder / "backups" / file.project / file.name).glob("*.json"))
    source = backups[-1] if backups else folder / f"{state}.bak"
    return DriverError(
        f"{message} Restore the last good one: cp '{source}' '{folder / state}'; then see what "
        f"differs: python automation/run.py refresh --stack {file.name}",
    )
