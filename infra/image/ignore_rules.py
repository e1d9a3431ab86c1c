"""The rules of `.dockerignore`, as Docker's builders apply them.

They are those of moby's `patternmatcher` and `ignorefile`, which BuildKit, the older builder and
pulumi-docker share: https://github.com/moby/patternmatcher,
https://docs.docker.com/build/concepts/context/#dockerignore-files

Names are text in the form of `os.fsdecode`: bytes that are not UTF-8 stay distinct characters.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

_BOM = b"\xef\xbb\xbf"
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_ESCAPED = frozenset(".+()$")
"""What patternmatcher escapes: it means to escape `|`, `{` and `}` too, but does not."""
_NOT_UTF8 = "\udc80-\udcff\ufffd"
"""Go reads each byte that is not UTF-8 as U+FFFD, in patterns and in names."""

Inherited = tuple[bool, ...]
"""Which patterns match a folder itself or one above it."""


class IgnoreRulesError(ValueError):
    """A pattern that Docker refuses, or that it reads in a way nobody means."""


@dataclass(frozen=True)
class _Pattern:
    matches: re.Pattern[str]
    exception: bool


@dataclass(frozen=True)
class IgnoreRules:
    """Which names of a build context Docker leaves out.

    Attributes:
        patterns: of the ignore file, in its order; the last one that matches decides.
    """

    patterns: tuple[_Pattern, ...] = field(default=(), repr=False)

    @property
    def has_exceptions(self) -> bool:
        """Whether something below an excluded folder may be sent."""
        return any(pattern.exception for pattern in self.patterns)

    def judge(self, name: str, inherited: Inherited = ()) -> tuple[bool, Inherited]:
        """Whether a name is left out.

        Args:
            name: from the top of the context, with slashes.
            inherited: what this returned for the folder that holds it; empty at the top.

        Returns:
            Whether the name itself is left out, and what the names below it inherit.
        """
        excluded = False
        own = []
        for number, pattern in enumerate(self.patterns):
            matched = bool(inherited) and inherited[number]
            if not matched and pattern.exception == excluded:
                matched = pattern.matches.search(name) is not None
            own.append(matched)
            if matched:
                excluded = not pattern.exception
        return excluded, tuple(own)

    def excludes(self, name: str) -> bool:
        """Whether a name is left out, judged from the top of the context."""
        excluded = False
        inherited: Inherited = ()
        steps = name.split("/")
        for depth in range(1, len(steps) + 1):
            excluded, inherited = self.judge("/".join(steps[:depth]), inherited)
        return excluded


def ignore_files(folder: Path, dockerfile: Path) -> tuple[Path, Path]:
    """Where an ignore file may be; the first one that is there counts.

    Args:
        folder: the build context.
        dockerfile: the Dockerfile, inside the context or not.
    """
    return dockerfile.with_name(f"{dockerfile.name}.dockerignore"), folder / ".dockerignore"


def read_rules(file: Path) -> IgnoreRules:
    """Read an ignore file.

    Raises:
        IgnoreRulesError: a pattern is wrong; the message has the file and the line.
        OSError: the file can't be read.
    """
    patterns = []
    for number, line in enumerate(file.read_bytes().removeprefix(_BOM).split(b"\n"), 1):
        text = os.fsdecode(line)
        try:
            pattern = parse_pattern(text)
        except IgnoreRulesError as error:
            raise IgnoreRulesError(f"{file}, line {number}: {text.strip()!r}: {error}") from None
        patterns.append(pattern)
    return IgnoreRules(tuple(pattern for pattern in patterns if pattern))


def rules_of(lines: Iterable[str]) -> IgnoreRules:
    """The rules that some lines of an ignore file make."""
    return IgnoreRules(tuple(pattern for pattern in map(parse_pattern, lines) if pattern))


def parse_pattern(line: str) -> _Pattern | None:
    """One line of an ignore file; None for a comment or an empty line.

    Raises:
        IgnoreRulesError: Docker refuses the pattern.
    """
    text = line.strip(_SPACE)
    if line.startswith("#") or not text:
        return None
    mark, text = ("!", text[1:].strip(_SPACE)) if text.startswith("!") else ("", text)
    if text:
        text = _clean(text)
        text = text[1:] if len(text) > 1 and text.startswith("/") else text
    text = _clean((mark + text).strip(_SPACE))
    exception = text.startswith("!")
    text = text[1:] if exception else text
    if not text:
        raise IgnoreRulesError("an exception without a pattern; remove the line")
    try:
        return _Pattern(re.compile(_expression(text)), exception)
    except re.error as error:
        raise IgnoreRulesError(f"not a pattern ({error}); correct or remove the line") from None


def _clean(path: str) -> str:
    """What Go's `filepath.Clean` makes of a path."""
    return posixpath.normpath(re.sub("/+", "/", path))


def _expression(whole: str) -> str:
    """The regular expression that moby's patternmatcher makes of a pattern."""
    kind, made, position = "exact", "", 0
    pattern = whole.removeprefix("\ufeff")
    while position < len(pattern):
        first, character = position == 0, pattern[position]
        position += 1
        if character == "*" and pattern.startswith("*", position):
            position += 1
            position += pattern.startswith("/", position)
            at_end = position == len(pattern)
            made += ".*" if at_end else "(.*/)?"
            kind = "prefix" if at_end and kind == "exact" else "expression"
            kind = "suffix" if first else kind
            continue
        if character in _SPECIAL:
            part, position = _SPECIAL[character](pattern, position)
            kind = "expression"
        else:
            part = _literal(character)
        made += part
    return _KINDS[kind](whole, made)


def _literal(character: str) -> str:
    if re.match(f"[{_NOT_UTF8}]", character):
        return f"[{_NOT_UTF8}]"
    return f"\\{character}" if character in _ESCAPED else character


def _escaped(pattern: str, position: int) -> tuple[str, int]:
    character = pattern[position : position + 1]
    if not character:
        raise IgnoreRulesError("the backslash at its end escapes nothing; remove it")
    if not character.isascii() or character.isalnum():
        raise IgnoreRulesError(f"Docker reads \\{character} as no letter; remove the backslash")
    return re.escape(character), position + 1


def _class(pattern: str, position: int) -> tuple[str, int]:
    """A character class, such as `[a-z]` or `[^0-9]`; Go's `filepath.Match` says what is one."""
    made = "[^" if pattern.startswith("^", position) else "["
    position += len(made) - 1
    opening = made
    while made == opening or not pattern.startswith("]", position):
        part, position = _class_character(pattern, position)
        made += part
        if pattern.startswith("-", position):
            part, position = _class_character(pattern, position + 1)
            made += f"-{part}"
    return f"{made}]", position + 1


def _class_character(pattern: str, position: int) -> tuple[str, int]:
    character = pattern[position : position + 1]
    if (
        character in {"", "-", "]"}
        or position + 1 == len(pattern)
        or "\ud800" <= character <= "\udfff"
    ):
        raise IgnoreRulesError("a character class is `[abc]`, `[a-z]` or `[^a-z]` in UTF-8")
    if character in {"*", "?"} or pattern.startswith("[:", position):
        raise IgnoreRulesError(f"Docker reads {character} in a character class as no character")
    if character == "\\":
        return _escaped(pattern, position + 1)
    return _NOT_UTF8 if character == "\ufffd" else re.escape(character), position + 1


_SPECIAL: dict[str, Callable[[str, int], tuple[str, int]]] = {
    "*": lambda _, position: ("[^/]*", position),
    "?": lambda _, position: ("[^/]", position),
    "]": lambda _, position: ("]", position),
    "[": _class,
    "\\": _escaped,
}

_KINDS: dict[str, Callable[[str, str], str]] = {
    "exact": lambda pattern, _: rf"\A{re.escape(pattern)}\Z",
    "prefix": lambda pattern, _: rf"\A{re.escape(pattern[:-2])}",
    "suffix": lambda pattern, _: (
        rf"{re.escape(pattern[2:])}\Z"
        + (rf"|\A{re.escape(pattern[3:])}\Z" if pattern.startswith("**/") else "")
    ),
    "expression": lambda _, made: rf"^{made}\Z",
}
