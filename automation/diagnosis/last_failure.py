"""The last failure that happened before any ECS deployment, kept for `diagnose`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from automation.diagnosis.diagnosis import Diagnosis


@dataclass(frozen=True)
class Remembered:
    """What failed, and when."""

    diagnosis: Diagnosis
    when: datetime


def write(file: Path, diagnosis: Diagnosis, when: datetime) -> None:
    """Save a failure, by AWS's clock; it replaces the one saved before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"when": when.isoformat(), "diagnosis": asdict(diagnosis)}
    scratch = file.with_suffix(".tmp")
    scratch.write_text(json.dumps(document, indent=2))
    scratch.replace(file)


def read(file: Path, warn: Callable[[str], None]) -> Remembered | None:
    """Return the saved failure; None if there is none, or if `warn` is told that it is damaged."""
    if not file.exists():
        return None
    try:
        document = json.loads(file.read_text())
        diagnosis, when = Diagnosis(**document["diagnosis"]), document["when"]
        return Remembered(diagnosis, datetime.fromisoformat(when).astimezone(UTC))
    except (ValueError, KeyError, TypeError, RecursionError):
        warn(f"{file} is damaged and not read. It holds why the last `up` failed: run `up` again.")
        return None


def forget(file: Path) -> None:
    """Delete the saved failure."""
    file.unlink(missing_ok=True)
