"""Error messages about settings: name, value, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

from infra.settings import rules
from infra.settings.files import NAMESPACE

PLAIN: Mapping[str, str] = {
    "Input should be a valid list": "must be a list",
    "Input should be a valid dictionary": "must be a map",
    "Extra inputs are not permitted": "is not known here; docs/settings.md lists what is",
    "Field required": "must be given",
}
"""pydantic's words → ours."""


SECRET = "looks like a secret"  # noqa: S105 - the words of the rule
"""Logs of a pipeline must not show what this is said of."""


class SettingsError(ValueError):
    """The settings are wrong; nothing was touched.

    Args:
        problems: one sentence for each wrong setting, with its name, value and what is allowed.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("wrong settings:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


def quote(fields: Mapping[str, FieldInfo], name: str) -> str:
    """What to do about a scalar on which readers of YAML disagree."""
    kind = fields[name].annotation if name in fields else None
    if kind is bool:
        return "must be true or false"
    if kind is int:
        return "must be a whole number in plain digits"
    return "quote it; without quotes it is not this text for every reader of YAML"


def problem(
    fields: Mapping[str, FieldInfo],
    name: str,
    inside: tuple[int | str, ...],
    value: object,
    message: str,
) -> str:
    """Describe one problem of a setting, or of an unknown one, in a sentence.

    Args:
        fields: the settings that there are.
        name: the setting.
        inside: where in its value the problem is: keys and positions; empty for the whole.
        value: the value that was given.
        message: what is allowed.
    """
    if name not in fields:
        close = difflib.get_close_matches(name, fields, 1)
        meant = f"; did you mean {close[0]}?" if close else ""
        return f"{NAMESPACE}:{name}: is not a setting; docs/settings.md lists them{meant}"
    place = "".join(f"[{part!r}]" for part in inside)
    allowed = PLAIN.get(message, message.removeprefix("Value error, "))
    shown = "(not shown)" if SECRET in allowed else rules.shown(name, _part(value, inside))
    return f"{NAMESPACE}:{name}{place} = {shown}: {allowed}"


def _part(value: object, inside: tuple[int | str, ...]) -> object:
    """The part of a value at a place; the value where it is JSON text, or the place is missing."""
    part: Any = value
    try:
        for step in inside:
            part = part[step]
    except (LookupError, TypeError):
        return value
    return part
