"""The last failure that happened before any ECS deployment, kept for `diagnose`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from automation.diagnosis.diagnosis import Diagnosis


@dataclass(frozen=True)
class Remembered:
    """What failed, and when."""

    diagnosis: Diagnosis
    when: datetime


def write(file: Path, diagnosis: Diagnosis) -> None:
    """Save a failure; it replaces the one saved before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"when": datetime.now(UTC).isoformat(), "diagnosis": asdict(diagnosis)}
    scratch = file.with_suffix(".tmp")
    scratch.write_text(json.dumps(document, indent=2))
    scratch.replace(file)


def read(file: Path) -> Remembered | None:
    """Return the saved failure; None if there is none."""
    if not file.exists():
        return None
    document = json.loads(file.read_text())
    return Remembered(Diagnosis(**document["diagnosis"]), datetime.fromisoformat(document["when"]))


def forget(file: Path) -> None:
    """Delete the saved failure."""
    file.unlink(missing_ok=True)
