"""The last failure of a stack that no service of AWS remembers: one before ECS had the say."""

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
    """Remember a failure in place of an earlier one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"when": datetime.now(UTC).isoformat(), "diagnosis": asdict(diagnosis)}
    scratch = file.with_suffix(".tmp")
    scratch.write_text(json.dumps(document, indent=2))
    scratch.replace(file)


def read(file: Path) -> Remembered | None:
    """The remembered failure; None if the last command did not fail so."""
    if not file.exists():
        return None
    document = json.loads(file.read_text())
    return Remembered(Diagnosis(**document["diagnosis"]), datetime.fromisoformat(document["when"]))


def forget(file: Path) -> None:
    """Nothing has failed since."""
    file.unlink(missing_ok=True)
