"""Sessions by the plugin: a script stands in for it and for the container's agent."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from automation.commands import exec as exec_command
from automation.errors import DriverError
from automation.exec import standard_input
from automation.exec.plugin import PluginSession
from automation.exec.shell_command import ShellCommand
from localcloud.ecs.agent.command_line import split

PLUGIN = """
import os, pty, sys
print("\\nStarting session with SessionId: x", flush=True)
print("size", *os.get_terminal_size(), flush=True)
pty.spawn(sys.argv[1:])
print("\\nExiting session with sessionId: x.\\n", flush=True)
"""


@pytest.fixture
def plugin(tmp_path: Path) -> list[str]:
    file = tmp_path / "plugin.py"
    file.write_text(PLUGIN)
    return [sys.executable, str(file)]


@pytest.mark.parametrize(("text", "shown", "code"), [("echo hi; exit 7", b"hi", 7)])
def test_the_status_is_kept_and_the_banner_is_not(
    plugin: list[str], text: str, shown: bytes, code: int
) -> None:
    screen = bytearray()
    command = ShellCommand(text, screen.extend)
    PluginSession([*plugin, *split(command.text())], command, (81, 24)).hold()
    assert command.end() == code
    assert screen.split() == [shown]
    assert b"Exiting session" in command.words


def test_input_reaches_the_command_through_the_plugin(plugin: list[str]) -> None:
    screen = bytearray()
    command = ShellCommand("cat; exit 5", screen.extend, terminal_input=False)
    talk = PluginSession([*plugin, *split(command.text())], command, (81, 24))

    def type_input() -> None:
        command.begun.wait()
        standard_input._send(talk, b"one\ntwo\n")
        talk.type(standard_input.END)

    threading.Thread(target=type_input, daemon=True).start()
    talk.hold()
    assert command.end() == 5
    assert screen.split() == [b"one", b"two"]


class Talk:
    """A session whose agent starts nothing."""

    def __init__(self, *words: bytes, last: str = "") -> None:
        self.words, self.last = words, last

    def hold(self) -> str:
        return self.last


TOLD = "Unable to start command: Failed to start pty: fork/exec /bin/sh: no such file or directory"


def test_an_image_without_a_shell_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_command, "_talk", lambda *_: Talk(last=TOLD))
    session = type("Session", (), {"screen": type("Screen", (), {"warn": print})})
    with pytest.raises(DriverError, match="its image has no /bin/sh") as caught:
        exec_command._converse(session, {}, "ls")  # type: ignore[arg-type]
    assert "fork/exec /bin/sh" in str(caught.value)
