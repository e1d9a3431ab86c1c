"""When two values of an input mean the same to AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from localcloud.providers.aws.values import UNKNOWN

ADDED, DELETED, UPDATED = "ADD", "DELETE", "UPDATE"


def same_json(one: Any, other: Any) -> bool:
    """Texts that hold the same JSON, whatever their spaces and the order of their keys."""
    return bool(one == other or (_json(one) is not None and _json(one) == _json(other)))


def same_policy(one: Any, other: Any) -> bool:
    """Policies that say the same: a lone string is a list of one, and order does not count."""
    first, second = _json(one), _json(other)
    return bool(one == other or (first is not None and _policy(first) == _policy(second)))


def same_unordered(one: Any, other: Any) -> bool:
    """Lists with the same members in any order."""
    if not isinstance(one, list) or not isinstance(other, list):
        return bool(one == other)
    return sorted(map(_key, one)) == sorted(map(_key, other))


def same_ignoring_case(one: Any, other: Any) -> bool:
    """Texts of which AWS does not distinguish the case."""
    return str(one).lower() == str(other).lower()


def differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    """The paths at which two values differ, and how: ADD, DELETE or UPDATE.

    Lists of scalars are sets to AWS nearly everywhere, so their order does not count.
    """
    if old is None or new is None:
        if old is not new:
            yield path, ADDED if old is None else DELETED
    elif old is UNKNOWN or new is UNKNOWN:
        yield path, UPDATED
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(set(old) | set(new)):
            yield from differences(old.get(key), new.get(key), f"{path}{_step(key)}")
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_differences(old, new, path)
    elif not _same_scalar(old, new):
        yield path, UPDATED


def _list_differences(old: list[Any], new: list[Any], path: str) -> Iterator[tuple[str, str]]:
    if not any(isinstance(item, dict | list) for item in old + new) and same_unordered(old, new):
        return
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else None
        after = new[index] if index < len(new) else None
        yield from differences(before, after, f"{path}[{index}]")


def _same_scalar(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return str(old).lower() == str(new).lower()
    return bool(old == new or str(old) == str(new))


def _step(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"


def _json(text: Any) -> Any:
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def _policy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _policy(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_policy(item) for item in value), key=_key)
        return items[0] if len(items) == 1 else items
    return str(value).lower() if isinstance(value, bool) else value


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
