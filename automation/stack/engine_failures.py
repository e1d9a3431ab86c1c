"""Turns the engine's error output into one cause."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

from pulumi.automation.errors import CommandError

from automation import paths
from automation.aws.refusals import advised, remedy
from automation.engine.progress import Failure, display_name, plain
from automation.errors import (
    ConfigurationError,
    DriverError,
    EngineFailed,
    NumberTaken,
    ServiceFailed,
)
from automation.stack import state_file
from automation.stack.stack_file import StackFile

STACK_TYPE = "pulumi:pulumi:Stack"
SERVICE_TYPE = "aws:ecs/service:Service"

NUMBER_TAKEN = re.compile("DuplicateListener|PriorityInUse")
"""A port or a priority that somebody else has, see
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html"""

PROGRAM_FAILED = "python inline source runtime error: "
"""How the Automation API begins the message of an exception in the program."""

TRACEBACK = r"Traceback \(most recent call last\):\n"

REPEATED = re.compile(
    r"^(Exception: )?invoke of \S+ failed: invocation of \S+ returned an error: (calling \S+: )?"
)
"""What the engine puts before the words of a provider that could not look something up."""

SENTENCE = re.compile(r"\w+ \w+ \w+")
"""Three words are a message of their own; `'x'` needs the exception's type beside it."""

EVIDENCE_LINES = 30
"""How much of a long error is shown, from its end."""

KILLED = re.compile(r"^\s*code: -(\d+)$", re.MULTILINE)
"""How the Automation API tells that a signal ended the engine."""

STEP = re.compile(r" (\+\+|\+-|--|[~+-])  ?\S+:\S+ ")
"""A line of the engine's own progress."""

KILLED_LINES = 3

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
    """Return the one cause of a failed command of the engine."""
    text = str(error)
    if DAMAGED.search(text):
        said = [plain(line).strip() for line in text.splitlines() if DAMAGED.search(line)]
        return damaged_state(file, said)
    for pattern, sentence in EXPLANATIONS:
        if pattern.search(text):
            return ConfigurationError(sentence)
    root = root_failure(failures)
    if root is None and (killed := KILLED.search(text)):
        return killed_engine(int(killed[1]), text)
    if root is None:
        lines = [line for line in text.splitlines() if line.strip().startswith("error:")]
        shown = [plain(line).removeprefix("error:").strip() for line in lines]
        return EngineFailed(advised(shown[0] if shown else plain(text)), shown[1:])
    if root.message.startswith(PROGRAM_FAILED):
        return program_failure(root.message)
    return resource_failure(root)


def resource_failure(root: Failure) -> EngineFailed:
    """The failure of one resource, by the class that tells what may be done about it."""
    lines = [line for line in root.message.splitlines() if line.strip()]
    name = f"{display_name(root.urn)}: " if root.urn else ""
    advice = remedy(root.message)
    if advice:
        words = f"{name}AWS refused a request: {advice}, then run the same command again."
        return EngineFailed(words, lines[-EVIDENCE_LINES:], root.urn)
    kind = EngineFailed
    if SERVICE_TYPE in (root.urn or ""):
        kind = ServiceFailed
    elif NUMBER_TAKEN.search(root.message):
        kind = NumberTaken
    return kind(f"{name}{lines[0]}", lines[1:][-EVIDENCE_LINES:], root.urn)


def killed_engine(number: int, text: str) -> EngineFailed:
    """Describe an engine that a signal ended, with its unfinished steps."""
    known = {each.value: each.name for each in signal.Signals}
    hint = " (a machine that is out of memory does that)" if number == signal.SIGKILL else ""
    steps = [line.strip() for line in plain(text).splitlines() if STEP.match(line)]
    return EngineFailed(
        f"The Pulumi engine was ended by {known.get(number, f'signal {number}')}{hint} before it "
        "was done. Run the same command again: it finds what was made and goes on.",
        steps[-KILLED_LINES:],
    )


def root_failure(failures: Sequence[Failure]) -> Failure | None:
    """The failure that explains the others: of a resource rather than of the whole stack."""
    own = [f for f in failures if f.urn and f"::{STACK_TYPE}::" not in f.urn]
    meant = [f for f in own if f.message != "update failed"] or list(failures)
    return meant[0] if meant else None


def program_failure(message: str) -> EngineFailed:
    """An exception in the program: its innermost cause, and where in this checkout it came from."""
    words, *blocks = re.split(TRACEBACK, message.removeprefix(PROGRAM_FAILED))
    said = [line for line in words.splitlines() if line.strip()] or ["it gave no reason"]
    # Of exceptions that caused one another Python prints the first one first.
    inner = _raised(blocks[0]) if blocks else None
    sentence = REPEATED.sub("", said[0])
    if inner and said[0] not in inner:
        sentence = f"{sentence} ({inner})"
    elif inner and not SENTENCE.search(said[0]):
        sentence = inner
    place = _place(blocks[0] if blocks else "")
    where = f" (in {place})" if place else ""
    return EngineFailed(f"The program failed: {sentence}{where}", said[1:])


def _raised(block: str) -> str | None:
    """The line `Type: message` that ends a traceback."""
    lines = [line for line in block.splitlines() if line and not line.startswith(" ")]
    return lines[0] if lines else None


def _place(block: str) -> str | None:
    """The innermost frame of this checkout's own code, as `file:line, function`."""
    frames = re.findall(r'File "([^"]+)", line (\d+), in (\S+)', block)
    own = [
        f"{Path(file).relative_to(paths.ROOT)}:{line}, {function}"
        for file, line, function in frames
        if Path(file).is_relative_to(paths.ROOT) and "site-packages" not in file
    ]
    return own[-1] if own else None


def damaged_state(file: StackFile, said: Sequence[str] = ()) -> EngineFailed:
    """Describe a state that can't be read, with the command that restores it.

    Args:
        file: the stack's file.
        said: what the engine said.
    """
    state = f"stacks/{file.project}/{file.name}.json"
    message = f"The state of the stack {file.name} is damaged and nothing was touched."
    folder = state_file.folder()
    if folder is None:
        backend = os.environ.get(state_file.BACKEND) or "the backend"
        return EngineFailed(
            f"{message} Restore {state} in {backend} from backups/{file.project}/"
            f"{file.name}/, then run `refresh`.",
            said,
        )
    backups = sorted((folder / "backups" / file.project / file.name).glob("*.json"))
    source = backups[-1] if backups else folder / f"{state}.bak"
    return EngineFailed(
        f"{message} Restore the last good one: cp '{source}' '{folder / state}'; then see what "
        f"differs: python automation/run.py refresh --stack {file.name}",
        said,
    )
