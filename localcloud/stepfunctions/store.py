"""The executions of state machines, in one file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from localcloud.shared.state_file import write_atomically

KEPT = 100
"""How many executions of a state machine are remembered."""


class Execution(BaseModel):
    """An execution, by the members of DescribeExecution."""

    arn: str
    machine: str
    input: str
    status: str
    started: datetime
    stopped: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None

    def shown(self) -> dict[str, Any]:
        """As ListExecutions tells it."""
        told = {
            "executionArn": self.arn,
            "stateMachineArn": self.machine,
            "name": self.arn.rpartition(":")[2],
            "status": self.status,
            "startDate": self.started,
            "stopDate": self.stopped,
        }
        return {name: value for name, value in told.items() if value is not None}

    def described(self) -> dict[str, Any]:
        """As DescribeExecution tells it."""
        more = {"input": self.input, "output": self.output, "error": self.error}
        told = {**self.shown(), **more, "cause": self.cause}
        return {name: value for name, value in told.items() if value is not None}


_ADAPTER = TypeAdapter(list[Execution])


class Store:
    """Executions behind one lock, the newest last, on disk after every change."""

    def __init__(self, folder: str) -> None:
        self._file = Path(folder) / "executions.json"
        self._lock = threading.RLock()
        self._known: list[Execution] = []
        if self._file.exists():
            self._known = _ADAPTER.validate_json(self._file.read_bytes())

    @contextmanager
    def change(self) -> Iterator[list[Execution]]:
        """Hold the executions and write them at the end."""
        with self._lock:
            yield self._known
            write_atomically(self._file, _ADAPTER.dump_json(self._known))

    def of(self, machine: str) -> list[Execution]:
        """Those of a state machine, the newest first."""
        with self._lock:
            return [each for each in reversed(self._known) if each.machine == machine]

    def find(self, arn: str) -> Execution | None:
        """One by its ARN."""
        with self._lock:
            return next((each for each in self._known if each.arn == arn), None)
