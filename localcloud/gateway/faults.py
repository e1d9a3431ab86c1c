"""Faults on purpose: a call that answers an error, waits, or ends the whole local cloud.

Tests and rehearsals write `faults.json` into the state folder: a list of rows such as

    [{"service": "ecs", "operation": "CreateService", "code": "ServerException", "status": 500,
      "times": 2}]

A row without `operation` means each of the service's. `times` is how often it hits (1 by default);
a row that is used up is removed. `seconds` waits first; `"code": "die"` ends the process as
`kill -9` does, before the call or, with `"when": "after"`, once it was carried out.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any, Literal

from localcloud.shared.service import Call, ServiceError
from localcloud.shared.state_file import write_atomically

DIE = "die"
KNOWN = {"service", "operation", "code", "message", "status", "times", "seconds", "when"}
When = Literal["before", "after"]


class Faults:
    """The faults that a state folder asks for.

    Args:
        file: where the rows are; most of the time there is none.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def strike(self, call: Call, when: When) -> None:
        """Stages the fault of a call, if there is one.

        Raises:
            ServiceError: what the row says.
            ValueError: the file holds what is not a fault.
        """
        if not self._file.exists():
            return
        row = self._take(call, when)
        if row is None:
            return
        time.sleep(row.get("seconds", 0))
        if row.get("code") == DIE:
            os.kill(os.getpid(), signal.SIGKILL)
        if "code" in row:
            message = row.get("message", f"A fault staged by {self._file.name}.")
            raise ServiceError(row["code"], message, row.get("status", 500))

    def _take(self, call: Call, when: When) -> dict[str, Any] | None:
        with self._lock:
            rows = [_checked(row) for row in json.loads(self._file.read_text())]
            for row in rows:
                hit = row["service"] == call.service and row.get("when", "before") == when
                if hit and row.get("operation", call.operation) == call.operation:
                    self._use_up(rows, row)
                    return row
        return None

    def _use_up(self, rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
        row["times"] = row.get("times", 1) - 1
        left = [other for other in rows if other.get("times", 1) > 0]
        if left:
            write_atomically(self._file, json.dumps(left).encode())
        else:
            self._file.unlink()


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    unknown = set(row) - KNOWN
    if unknown or "service" not in row:
        raise ValueError(f"{row} is no fault: it needs service, and may have {sorted(KNOWN)}")
    return row
