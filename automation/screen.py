"""Where the driver's words go: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from automation.errors import ConfigurationError, DriverError

SILENT_SECONDS = 15.0
"""How long a wait may go on without a line on a plain log."""

LOOK_SECONDS = 1.0
"""How often a wait looks whether a line is due."""


def _console(stream: TextIO) -> Console:
    width = None if stream.isatty() else 200
    return Console(
        file=stream, highlight=False, emoji=False, soft_wrap=not stream.isatty(), width=width
    )


def printable(text: str) -> str:
    """A text that can't steer a terminal: control characters become `\ufffd`."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def picture(lines: Iterable[str]) -> Text:
    """Lines to draw again and again: cut at the terminal's edge, since a line that wraps shifts
    all others whenever its length changes."""
    return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")


def duration(length: timedelta) -> str:
    """A length of time by its two largest units: `3 d 4 h`, `5 h 10 min`, `2 min`."""
    minutes = int(length.total_seconds()) // 60
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [(days, "d"), (hours, "h"), (rest, "min")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 2)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


@dataclass
class Screen:
    """Standard output and standard error of one command.

    Attributes:
        json: one JSON document goes to standard output, everything else to standard error.
        quiet: say only what a person must act on.
        yes: questions are answered with yes.
    """

    json: bool = False
    quiet: bool = False
    yes: bool = False
    err: Console = field(default_factory=lambda: _console(sys.stderr))
    out: Console = field(default_factory=lambda: _console(sys.stdout))
    started: float = field(default_factory=time.monotonic)
    _documented: bool = False
    _noted: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.started

    def note(self, message: str) -> None:
        """Say what is going on; one line with the seconds since the command began."""
        self._noted = time.monotonic()
        if self.quiet:
            return
        stamp = "" if self.err.is_terminal else f"{self.elapsed:7.1f}s  "
        self.err.print(f"{stamp}{message}", markup=False)

    def still(self, message: str) -> None:
        """Say what the command waits for, where a plain log has had no line for a while."""
        if not self.err.is_terminal and time.monotonic() - self._noted >= SILENT_SECONDS:
            self.note(message)

    @contextmanager
    def waiting(self, message: str) -> Iterator[None]:
        """Say what the block waits for: drawn on a terminal, a line now and then elsewhere."""
        ended = threading.Event()

        def tell() -> None:
            while not ended.wait(LOOK_SECONDS):
                self.still(message)

        telling = threading.Thread(target=tell, daemon=True)
        telling.start()
        try:
            with self.drawn(message, list):
                yield
        finally:
            ended.set()
            telling.join()

    def warn(self, message: str) -> None:
        """Say what a person should know even in quiet mode."""
        self.err.print(message, markup=False, style="yellow")

    def result(self, message: str, style: str | None = None) -> None:
        """A line of the command's result; standard error if a JSON document is asked for.

        Args:
            message: the line.
            style: its colour on a terminal, in rich's words.
        """
        self._noted = time.monotonic()
        console = self.err if self.json else self.out
        # The terminal wraps it, so that an address or a command can be copied in one piece.
        console.print(message, markup=False, soft_wrap=True, style=style)

    @contextmanager
    def drawn(self, head: str, lines: Callable[[], list[str]]) -> Iterator[None]:
        """Draw lines again and again while the block runs; only on a terminal."""
        if self.quiet or not self.err.is_terminal:
            yield
            return

        def drawing() -> Text:
            return picture([f"{head}  {self.elapsed:.0f} s", *lines()])

        with Live(get_renderable=drawing, console=self.err, refresh_per_second=4, transient=True):
            yield

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows of the command's result."""
        table = Table(*columns, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(Text(printable(str(cell))) for cell in row))
        (self.err if self.json else self.out).print(table, markup=False)

    def document(self, document: Mapping[str, Any] | Sequence[Any]) -> None:
        """The one JSON document, if it is asked for."""
        self._documented = True
        if self.json:
            try:
                sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
                sys.stdout.flush()
            except BrokenPipeError:  # as after `| head`; the same as where lines are printed
                self.out.on_broken_pipe()

    def fail(self, error: DriverError) -> int:
        """End with an error: in words, and as the JSON document if there is none yet.

        Returns:
            The error's exit code.
        """
        self.complain(error)
        if not self._documented:
            self.document({"error": error.message, "details": error.evidence})
        return error.exit_code

    def complain(self, error: DriverError) -> None:
        """An error in words, with its evidence."""
        message = f"Error: {error.message}"
        self.err.print(message, markup=False, style="bold red", soft_wrap=True)
        for line in error.evidence:
            self.err.print(f"  {line}", markup=False, soft_wrap=True)

    @property
    def interactive(self) -> bool:
        """Whether a person is there to be asked, and wants to be."""
        terminal = sys.stdin is not None and sys.stdin.isatty() and self.err.is_terminal
        return terminal and not self.json and not self.yes

    def require_answer(self, question: str) -> None:
        """Refuse where `confirm` could not get an answer.

        Raises:
            ConfigurationError: there is no terminal to ask on, and --yes is missing.
        """
        if not self.yes and not (sys.stdin.isatty() and self.err.is_terminal):
            raise ConfigurationError(f"{question} There is no terminal to ask on: add --yes.")

    def confirm(self, question: str) -> None:
        """Ask before something is destroyed; without a terminal nothing is asked.

        Raises:
            ConfigurationError: the answer is no, or nobody can be asked and --yes is missing.
        """
        if self.yes:
            return
        self.require_answer(question)
        self.err.print(f"{question} [y/N] ", end="", markup=False)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise ConfigurationError("Nothing was touched.")
