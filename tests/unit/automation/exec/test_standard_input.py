"""What a person types, and other standard input, on their way to a session's command."""

from __future__ import annotations

import base64
import os
import pty
import re
import sys
import threading
from collections.abc import Iterator

import pytest

from automation.exec import standard_input
from automation.exec.shell_command import ShellCommand
from localcloud.ecs.agent.command_line import split

SECONDS = 60


class Talk:
    """A session that keeps what it is sent."""

    def __init__(self, until: bytes) -> None:
        self.sent, self.arrived, self._until = bytearray(), threading.Event(), until

    def type(self, keys: bytes) -> None:
        self.sent += keys
        if self._until in self.sent:
            self.arrived.set()

    def resize(self, columns: int, rows: int) -> None:
        """A terminal of another size."""


def begin(command: ShellCommand, mark: str = "") -> None:
    """Say what the script prints right before the command."""
    (token,) = re.findall(r"<exec:%s>\\n' (\w+)", split(command.text())[2])
    command(f"<exec:{token}{mark}>\r\n".encode())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """A terminal that is standard input: its two ends."""
    ours, its = pty.openpty()
    with os.fdopen(os.dup(its)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours, its
    os.close(ours)
    os.close(its)


def test_what_is_typed_before_the_command_runs_reaches_it(terminal: tuple[int, int]) -> None:
    ours, _ = terminal
    command, talk = ShellCommand("sh", bytes), Talk(b"pwd\n")
    os.write(ours, b"ls\n")
    with standard_input.passed_on(talk, command, pytest.fail):
        os.write(ours, b"pwd\n")
        assert talk.sent == b""
        begin(command)
        assert talk.arrived.wait(SECONDS)
    assert talk.sent == b"ls\npwd\n"


def given(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Standard input that is a pipe with this content."""
    source, sink = os.pipe()
    os.write(sink, content)
    os.close(sink)
    monkeypatch.setattr(sys, "stdin", os.fdopen(source))


@pytest.mark.parametrize("content", [b"", b"one\ntwo", bytes(range(256)) * 8])
def test_a_pipe_is_passed_on_and_ended(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    given(monkeypatch, content)
    command = ShellCommand("cat", bytes, terminal_input=False)
    talk = Talk(standard_input.END)
    with standard_input.passed_on(talk, command, pytest.fail):
        begin(command)
        assert talk.arrived.wait(SECONDS)
    assert base64.b64decode(talk.sent.removesuffix(standard_input.END)) == content


def test_closed_standard_input_is_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert not standard_input.is_terminal()
    command = ShellCommand("cat", bytes, terminal_input=False)
    talk = Talk(standard_input.END)
    with standard_input.passed_on(talk, command, pytest.fail):
        begin(command)
        assert talk.arrived.wait(SECONDS)
    assert talk.sent == standard_input.END


def test_an_image_without_base64_gets_no_input_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(monkeypatch, b"one\n")
    command, talk = ShellCommand("cat", bytes, terminal_input=False), Talk(b"")
    said: list[str] = []
    warned = threading.Event()

    def warn(message: str) -> None:
        said.append(message)
        warned.set()

    with standard_input.passed_on(talk, command, warn):
        begin(command, ":none")
        assert warned.wait(SECONDS)
    assert "no `base64`" in said[0]
    assert talk.sent == b""
