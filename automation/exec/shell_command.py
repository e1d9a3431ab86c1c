"""One command of a session, quoted for the agent, and the status that no session tells by itself.

In containers the agent splits a command as a shell splits words, and runs it without a shell:
https://github.com/aws/amazon-ssm-agent/blob/mainline/agent/session/shell/shell_unix.go
So a session runs `/bin/sh -c SCRIPT COMMAND`. The script runs the command in a shell of its own,
whose exit it survives, between two marks.
"""

from __future__ import annotations

import re
import secrets
import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_SCRIPT = """trap : INT QUIT
stty {modes} 2>/dev/null
{run}"""

_ON_A_TERMINAL = """printf '<exec:%s>\\n' {token}
/bin/sh -c "$0"
printf '<exit:%s:%s>\\n' {token} $?"""

_WITH_INPUT = """if command -v base64 >/dev/null; then
printf '<exec:%s>\\n' {token}
base64 -d | { trap : INT QUIT; /bin/sh -c "$0"; printf '<exit:%s:%s>\\n' {token} $?; }
else
printf '<exec:%s:none>\\n' {token}
/bin/sh -c "$0" </dev/null
printf '<exit:%s:%s>\\n' {token} $?
fi"""

NO_SHELL = "Unable to start command"
"""What the agent says where it can't start `/bin/sh`."""


@dataclass
class ShellCommand:
    """A command, and a screen that takes what it prints without the marks around it.

    Args:
        command: a command line for the container's shell.
        screen: takes what the command prints.
        terminal_input: keys are passed on; else standard input is, in base64.
        terminal_output: the output goes to a terminal; else its line ends stay as they are.

    Attributes:
        begun: set once the command runs, or the session has ended.
        takes_input: the container has what standard input needs.
        code: the command's exit status; None while it runs, and where the session broke off.
        words: what the agent said around the command.
    """

    command: str
    screen: Callable[[bytes], Any]
    terminal_input: bool = True
    terminal_output: bool = True
    on_end: Callable[[], Any] = lambda: None
    begun: threading.Event = field(default_factory=threading.Event)
    takes_input: bool = True
    code: int | None = None
    words: bytes = b""

    def __post_init__(self) -> None:
        self._token = secrets.token_hex(4)
        self._waiting = b""
        token = self._token.encode()
        self._begin = re.compile(rb"<exec:%s(:none)?>\r?\n" % token)
        self._end = re.compile(rb"<exit:%s:(\d{1,3})>\r?\n?" % token)
        self._mark = b"<exit:%s:" % token

    def text(self) -> str:
        """What ExecuteCommand is asked to run."""
        modes = ["echo"] if self.terminal_input else ["-echo"]
        modes += [] if self.terminal_output else ["-opost"]
        run = _ON_A_TERMINAL if self.terminal_input else _WITH_INPUT
        script = _SCRIPT.replace("{run}", run).replace("{modes}", " ".join(modes))
        return shlex.join(["/bin/sh", "-c", script.replace("{token}", self._token), self.command])

    def __call__(self, output: bytes) -> None:
        """Take output; what may be the beginning of a mark waits for what follows."""
        self._waiting += output
        if not self.begun.is_set():
            if not (found := self._begin.search(self._waiting)):
                return
            self.takes_input = found[1] is None
            self._waiting = self._waiting[found.end() :]
            self.begun.set()
        if self.code is None:
            self._show()

    def end(self) -> int | None:
        """Pass on what waited, once the session has ended; the command's status."""
        if self.begun.is_set() and self.code is None:
            self.screen(self._waiting)
        else:
            self.words = self._waiting
        self.begun.set()
        return self.code

    def _show(self) -> None:
        if found := self._end.search(self._waiting):
            shown, self._waiting = self._waiting[: found.start()], self._waiting[found.end() :]
            self.code = int(found[1])
            self.on_end()
        else:
            until = _unfinished(self._waiting, self._mark)
            shown, self._waiting = self._waiting[:until], self._waiting[until:]
        if shown:
            self.screen(shown)


def _unfinished(text: bytes, mark: bytes) -> int:
    """Where a mark may have begun that is not complete; the text's length if none has."""
    begun = text.rfind(b"<")
    rest = text[begun:]
    if begun >= 0 and (mark.startswith(rest) or re.fullmatch(mark + rb"\d{0,3}", rest)):
        return begun
    return len(text)
