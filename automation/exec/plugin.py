"""A session of ExecuteCommand by AWS's Session Manager plugin, on a terminal of its own.

https://github.com/aws/session-manager-plugin
"""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from typing import Any

_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes standard input the terminal of the process that the plugin becomes."""


@dataclass
class PluginSession:
    """One session, held by the plugin on a pseudo-terminal.

    Args:
        arguments: the plugin and its arguments.
        screen: takes what the plugin prints.
        size: the terminal's columns and rows, if there is one.
    """

    arguments: Sequence[str]
    screen: Callable[[bytes], Any]
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self._ours, self._plugins = pty.openpty()
        tty.setraw(self._plugins, termios.TCSANOW)
        if self.size is not None:
            self.resize(*self.size)

    def hold(self) -> str:
        """Pass on what the plugin prints until it ends.

        Returns:
            Nothing: the plugin prints the agent's last words.
        """
        command = [sys.executable, "-c", _TAKE_TERMINAL, *self.arguments]
        stream = self._plugins
        with subprocess.Popen(
            command, stdin=stream, stdout=stream, stderr=stream, start_new_session=True
        ) as process:
            os.close(stream)
            try:
                while output := self._read():
                    self.screen(output)
            finally:
                process.terminate()
        return ""

    def _read(self) -> bytes:
        try:
            return os.read(self._ours, 4096)
        except OSError:  # Linux: the plugin has closed its end
            return b""

    def type(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self._ours, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the plugin its terminal's size."""
        ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
