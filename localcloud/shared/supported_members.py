"""Which members of a request ask for something that a service does not honour.

A table says, for each operation, the paths that are honoured, with blanks between them; a path
covers everything below it. A member that asks for nothing (empty, false, zero) may always be given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def not_honoured(honoured: str, given: dict[str, Any]) -> Iterator[str]:
    """The paths of a request that ask for something outside the honoured paths."""
    known = honoured.split()
    for path, _ in asked_for(given):
        if not any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in known):
            yield path


def asked_for(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a request that ask for something: path and value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from asked_for(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for element in value:
            yield from asked_for(element, f"{path}[]")
    elif value:
        yield path, value
