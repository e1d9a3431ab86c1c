"""Which members of a request ask for something that a service does not honour.

A table says, for each operation, the paths that are honoured, with blanks between them; a path
covers everything below it, and `path=one|other` says which of its values are honoured. A member
that asks for nothing (empty, false, zero) may always be given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def not_honoured(honoured: str, given: dict[str, Any]) -> Iterator[str]:
    """The paths of a request that ask for something else than what is honoured, with the value."""
    known = [token.partition("=")[::2] for token in honoured.split()]
    for path, value in asked_for(given):
        for each, values in known:
            if path == each or path.startswith((f"{each}.", f"{each}[")):
                if values and str(value) not in values.split("|"):
                    yield f"{path} = {value} (only {values.replace('|', ', ')})"
                break
        else:
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
