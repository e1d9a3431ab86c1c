"""How the agent in a container splits a command into words, which it then runs without a shell.

The rules are google/shlex's, which the agent uses in container mode:
https://github.com/aws/amazon-ssm-agent/blob/mainline/agent/session/shell/shell_unix.go
"""

from __future__ import annotations

from collections.abc import Iterator

_SPACES = " \t\r\n"


class UnfinishedCommandError(ValueError):
    """A quote or an escape is not finished; the message is the agent's."""


def split(command: str) -> list[str]:
    """Split a command into words.

    Quotes and backslashes are taken away; nothing is expanded, and `;`, `|`, `>` or `$` mean
    nothing. A `#` at the beginning of a word begins a comment.

    Raises:
        UnfinishedCommandError: the command ends within quotes or after a backslash.
    """
    words: list[str] = []
    word: str | None = None
    quote = ""
    characters = iter(command)
    for character in characters:
        if quote == "'" and character != "'":
            word = (word or "") + character
        elif character == "\\":
            word = (word or "") + _next(characters)
        elif character == quote:
            quote = ""
        elif quote:
            word = (word or "") + character
        elif character in "'\"":
            quote, word = character, word or ""
        elif character in _SPACES:
            words += [] if word is None else [word]
            word = None
        elif character == "#" and word is None:
            _skip_line(characters)
        else:
            word = (word or "") + character
    if quote:
        raise UnfinishedCommandError("EOF found when expecting closing quote")
    return words if word is None else [*words, word]


def _next(characters: Iterator[str]) -> str:
    for character in characters:
        return character
    raise UnfinishedCommandError("EOF found after escape character")


def _skip_line(characters: Iterator[str]) -> None:
    for character in characters:
        if character == "\n":
            return
