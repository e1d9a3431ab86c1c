"""What reaches a session's command: keys of a terminal, or standard input in base64."""

from __future__ import annotations

import base64
import os
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from automation.exec.shell_command import ShellCommand

END = b"\x04"
"""Ends the input of a program that reads from a terminal, at the beginning of a line."""

_PIECE = 57 * 12
"""Bytes of input in a message: whole lines of base64, and less than the protocol's 1,024."""


class Talk(Protocol):
    """An open session."""

    def type(self, keys: bytes) -> None:
        """Send keys."""

    def resize(self, columns: int, rows: int) -> None:
        """Tell the terminal's size."""


def is_terminal() -> bool:
    """Whether a person types; standard input may be closed altogether."""
    return sys.stdin is not None and sys.stdin.isatty()


def terminal_size() -> tuple[int, int] | None:
    """Columns and rows of the terminal that the output goes to."""
    if not sys.stdout.isatty():
        return None
    size = shutil.get_terminal_size()
    return size.columns, size.lines


@contextmanager
def passed_on(talk: Talk, command: ShellCommand, warn: Callable[[str], None]) -> Iterator[None]:
    """Pass standard input to the command from when it runs until the block ends."""
    ended = threading.Event()
    if is_terminal():
        with _raw_terminal(talk, command):
            _start(_pass_keys, talk, command, ended)
            try:
                yield
            finally:
                ended.set()
    else:
        _start(_pass_input, talk, command, warn)
        yield


def _start(pass_on: Callable[..., None], *arguments: Any) -> None:
    def run() -> None:
        with suppress(Exception):  # the session has ended, and says so itself
            pass_on(*arguments)

    threading.Thread(target=run, daemon=True, name="exec input").start()


@contextmanager
def _raw_terminal(talk: Talk, command: ShellCommand) -> Iterator[None]:
    """Set the terminal to raw mode; TCSADRAIN keeps what was typed before."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def resized(_number: int, _frame: Any) -> None:
        if command.begun.is_set() and (size := terminal_size()):
            talk.resize(*size)

    earlier = signal.signal(signal.SIGWINCH, resized)
    tty.setraw(descriptor, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, earlier)


def _pass_keys(talk: Talk, command: ShellCommand, ended: threading.Event) -> None:
    command.begun.wait()
    while not ended.is_set():
        ready, _, _ = select.select([sys.stdin], [], [], 0.2)
        if ready and not ended.is_set():
            talk.type(os.read(sys.stdin.fileno(), 1024))


def _pass_input(talk: Talk, command: ShellCommand, warn: Callable[[str], None]) -> None:
    command.begun.wait()
    waiting = b""
    for chunk in _chunks():
        if not command.takes_input:
            return warn("The image has no `base64`, so standard input does not reach the command.")
        waiting += chunk
        whole = len(waiting) // 3 * 3
        _send(talk, waiting[:whole])
        waiting = waiting[whole:]
    _send(talk, waiting)
    return talk.type(END)


def _chunks() -> Iterator[bytes]:
    while sys.stdin is not None and (chunk := os.read(sys.stdin.fileno(), 64 * 1024)):
        yield chunk


def _send(talk: Talk, content: bytes) -> None:
    for start in range(0, len(content), _PIECE):
        talk.type(base64.encodebytes(content[start : start + _PIECE]))
