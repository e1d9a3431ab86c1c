"""The files of a build context that `.dockerignore` lets through.

https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_TOKEN = re.compile(r"\*\*/?|\*|\?|\[\^?\]?[^\]]*\]|\\.|.", re.S)


@dataclass(frozen=True)
class Rule:
    """One line: paths that are left out or, after `!`, put back."""

    path: re.Pattern[str]
    puts_back: bool


def context_files(folder: Path, patterns: Sequence[str]) -> list[str]:
    """List what a build of the folder sees: files, links and folders, sorted.

    Args:
        folder: the build context.
        patterns: the lines of its `.dockerignore` that are neither empty nor a comment.

    Returns:
        Paths from the folder, with `/` between their parts.
    """
    rules = [rule for pattern in patterns if (rule := parse(pattern))]
    return sorted(_walk(folder, "", rules))


def parse(pattern: str) -> Rule | None:
    """Translate one line; None where it names the whole folder, which Docker ignores."""
    path = posixpath.normpath(pattern.removeprefix("!").strip()).strip("/")
    if path == ".":
        return None
    *tokens, last = _TOKEN.findall(path)
    expression = "".join(map(_translated, tokens))
    expression += ".*" if last == "**" else _translated(last)
    return Rule(re.compile(f"(?:{expression})(?:/.*)?", re.S), pattern.startswith("!"))


def _translated(token: str) -> str:
    if token[0] == "[" and len(token) > 1:
        return token
    if token[0] == "\\" and len(token) > 1:
        return re.escape(token[1])
    words = {"**/": "(?:.*/)?", "**": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return words.get(token) or re.escape(token)


def _left_out(path: str, rules: Sequence[Rule]) -> bool:
    """The last rule that fits a path, or a folder above it, decides."""
    result = False
    for each in rules:
        if each.puts_back == result and each.path.fullmatch(path):
            result = not each.puts_back
    return result


def _walk(folder: Path, below: str, rules: Sequence[Rule]) -> Iterator[str]:
    put_back = any(each.puts_back for each in rules)
    with os.scandir(folder / below) as entries:
        for entry in list(entries):
            path = f"{below}/{entry.name}" if below else entry.name
            out = _left_out(path, rules)
            if not out:
                yield path
            if entry.is_dir(follow_symlinks=False) and (put_back or not out):
                yield from _walk(folder, path, rules)
