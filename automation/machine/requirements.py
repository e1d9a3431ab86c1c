"""Which Python packages the requirements files name, and which of them this interpreter lacks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from automation import paths

AWS = Path("requirements.txt")
"""From the top of the project: what every stack needs."""

LOCAL = Path("localcloud/requirements.txt")
"""From the top of the project: what a stack on the local cloud needs as well."""


def pinned(file: Path) -> dict[str, str]:
    """Package → the version that a requirements file pins; empty for one of any version."""
    lines = (paths.ROOT / file).read_text().splitlines()
    rows = (line.partition("#")[0].strip().partition("==") for line in lines)
    return {
        name.partition("[")[0]: found.strip()
        for name, _, found in rows
        if name and not name.startswith("-")
    }


def missing(file: Path) -> list[str]:
    """The packages of a requirements file that this interpreter does not have."""
    return [name for name in pinned(file) if _installed(name) is None]


def wrong(file: Path) -> Iterator[str]:
    """What is missing from this interpreter or has another version than pinned, in words."""
    for name, wanted in pinned(file).items():
        found = _installed(name)
        if found is None:
            yield f"{name} is missing"
        elif wanted and found != wanted:
            yield f"{name} {found} instead of {wanted}"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
