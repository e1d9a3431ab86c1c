"""The command of a session: quoted for the agent, run by a real shell, its marks taken away."""

from __future__ import annotations

import base64
import os
import pty
import re
import subprocess
import threading

import pytest

from automation.exec.shell_command import ShellCommand
from localcloud.ecs.agent.command_line import split


def marks(command: ShellCommand) -> tuple[bytes, bytes]:
    """What the script prints around the command, its status left open."""
    (token,) = re.findall(r"<exec:%s>\\n' (\w+)", split(command.text())[2])
    return f"<exec:{token}>\r\n".encode(), f"<exit:{token}:".encode()


@pytest.mark.parametrize(
    ("chunks", "shown", "code"),
    [
        ([b"hello\r\n", b"END0>\r\n"], b"hello\r\n", 0),
        ([b"a" * 100, b"b<ex", b"END130>\r\n"], b"a" * 100 + b"b<ex", 130),
        ([b"no newlineEND1>\r\n"], b"no newline", 1),
        ([b"END1>", b"\r\nExiting session\n"], b"", 1),
        ([b"cut off"], b"cut off", None),
        ([b"<exit:0>\r\nmore<"], b"<exit:0>\r\nmore<", None),
        ([], b"", None),
    ],
)
def test_the_status_is_kept_back(chunks: list[bytes], shown: bytes, code: int | None) -> None:
    screen = bytearray()
    command = ShellCommand("true", screen.extend)
    begin, end = marks(command)
    command(b"Starting session\n")
    command(begin)
    for chunk in chunks:
        command(chunk.replace(b"END", end))
    assert command.end() == code
    assert bytes(screen) == shown


def test_a_mark_may_come_in_pieces() -> None:
    screen = bytearray()
    command = ShellCommand("true", screen.extend)
    begin, end = marks(command)
    for byte in b"banner\n" + begin + b"a <e" + end + b"7>\r\nbye":
        command(bytes([byte]))
    assert command.end() == 7
    assert bytes(screen) == b"a <e"


def test_a_prompt_is_shown_at_once() -> None:
    shown = bytearray()
    command = ShellCommand("sh", shown.extend)
    command(marks(command)[0] + b"# ")
    assert bytes(shown) == b"# "


def test_what_the_agent_says_instead_is_kept() -> None:
    shown = bytearray()
    command = ShellCommand("sh", shown.extend)
    command(b"Unable to start command: x")
    assert command.end() is None
    assert command.begun.is_set()
    assert (command.words, bytes(shown)) == (b"Unable to start command: x", b"")


def run_in_container(command: ShellCommand, given: bytes | None = None) -> int | None:
    """The agent's part: split the text, run the words on a terminal."""
    ours, its = pty.openpty()
    with subprocess.Popen(split(command.text()), stdin=its, stdout=its, stderr=its):
        os.close(its)

        def type_input() -> None:
            command.begun.wait()
            os.write(ours, base64.encodebytes(given or b"") + b"\x04")

        if not command.terminal_input:
            threading.Thread(target=type_input, daemon=True).start()
        while True:
            try:
                output = os.read(ours, 1024)
            except OSError:
                break
            if not output:
                break
            command(output)
    os.close(ours)
    return command.end()


COMMANDS = [
    ("exit 7", "", 7),
    ("set -e; false; echo not here", "", 1),
    ("kill -9 $$", None, 137),
    ('echo "a  b" \'c"d\' $((1+1))', 'a  b c"d 2\r\n', 0),
    ('printf %s "it\'s"', "it's", 0),
    ("echo one\necho two; (exit 3)", "one\r\ntwo\r\n", 3),
    ("# nothing", "", 0),
    ("kill -INT $$; sleep 1", "", 130),
    ("echo '<exit:0>'; exit 4", "<exit:0>\r\n", 4),
]


@pytest.mark.parametrize(("text", "printed", "code"), COMMANDS, ids=[row[0] for row in COMMANDS])
def test_a_command_keeps_its_status_and_its_quotes(
    text: str, printed: str | None, code: int
) -> None:
    screen = bytearray()
    assert run_in_container(ShellCommand(text, screen.extend)) == code
    assert printed is None or screen.decode() == printed


@pytest.mark.parametrize("given", [b"", b"one\ntwo", bytes(range(256)) * 20])
def test_standard_input_arrives_byte_for_byte(given: bytes) -> None:
    screen = bytearray()
    command = ShellCommand("cat; exit 5", screen.extend, False, False)
    assert run_in_container(command, given) == 5
    assert bytes(screen) == given


def test_a_command_that_reads_no_input_ends_though_the_input_does_not() -> None:
    screen = bytearray()
    command = ShellCommand("echo done", screen.extend, terminal_input=False)
    ours, its = pty.openpty()
    command.on_end = lambda: os.write(ours, b"\x04")
    with subprocess.Popen(split(command.text()), stdin=its, stdout=its, stderr=its):
        os.close(its)
        while command.code is None:
            command(os.read(ours, 1024))
    assert (bytes(screen), command.code) == (b"done\r\n", 0)
