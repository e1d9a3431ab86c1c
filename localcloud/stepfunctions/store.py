"""The executions of state machines, in one file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from localcloud.shared.state_file import StateFile

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


class Store(StateFile[list[Execution]]):
    """Executions, the newest last.

    Args:
        folder: where `executions.json` lives.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(Path(folder) / "executions.json", list[Execution])

    def of(self, machine: str) -> list[Execution]:
        """Those of a state machine, the newest first."""
        with self.read() as known:
            return [each for each in reversed(known) if each.machine == machine]

    def find(self, arn: str) -> Execution | None:
        """One by its ARN."""
        with self.read() as known:
            return next((each for each in known if each.arn == arn), None)
