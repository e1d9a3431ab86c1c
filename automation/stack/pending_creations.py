"""Creations whose outcome is unknown: the engine forgets them, the driver keeps them.

An engine that is killed leaves what it was creating in its state as a pending operation. An engine
whose provider or cloud goes away in the midst of a creation treats the creation as refused and
records nothing
(https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/resource/plugin/provider_plugin.go,
`resourceStateAndError`), although the resource may exist. Such creations are written beside the
driver's locks, and settled like pending ones before the next change of the stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automation.engine.progress import Failure
from automation.errors import DriverError

UNCLEAR = re.compile(
    r"code = Unavailable|error reading from server|transport is closing|Socket closed"
    r"|\bEOF\b|broken pipe|connection (was )?(closed|reset|refused|aborted)|request send failed"
    r"|could not connect to the endpoint|read timeout|i/o timeout|deadline exceeded"
    r"|status ?code: ?5\d\d|\(5\d\d\)|\bInternal\w*(Error|Failure|Exception)\b|InternalFailure"
    r"|Server(Internal)?Exception|Service ?Unavailable|RequestTimeout",
    re.IGNORECASE,
)
"""Errors after which a call may still have been carried out; a refusal with a reason is none."""

DAMAGED = (
    "{file} is damaged. It lists resources that an interrupted update may have made, and that the "
    "state does not know. Look for such resources by the stack's tags, delete them, then delete "
    "this file and run the command again."
)

Row = dict[str, Any]


def unclear(attempts: Sequence[Row], failures: Sequence[Failure]) -> list[Row]:
    """Return the failed creations after which the resource may exist.

    Args:
        attempts: each creation that failed, as a resource of the state without an id.
        failures: what the engine said.
    """
    said: dict[str, str] = {}
    for failure in failures:
        if failure.urn:
            said[failure.urn] = f"{said.get(failure.urn, '')}\n{failure.message}"
    return [row for row in attempts if UNCLEAR.search(said.get(row["urn"], ""))]


def read(file: Path) -> list[Row]:
    """The creations that are not settled; none if there is no such file.

    Raises:
        DriverError: the file is damaged; it is left as it is.
    """
    if not file.exists():
        return []
    try:
        rows: list[Row] = json.loads(file.read_text())
        if all(isinstance(row[key], str) for row in rows for key in ("urn", "type")):
            return rows
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise DriverError(DAMAGED.format(file=file))


def remember(file: Path, rows: Sequence[Row]) -> None:
    """Add creations to those that are not settled; a newer one of the same resource counts."""
    if not rows:
        return
    kept = {row["urn"]: row for row in [*read(file), *rows]}
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_suffix(".tmp")
    scratch.write_text(json.dumps(list(kept.values()), indent=2))
    scratch.replace(file)


def forget(file: Path) -> None:
    """Delete the file: all creations are settled, or the stack is gone."""
    file.unlink(missing_ok=True)


def with_pending(deployment: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """Return the state with these creations pending, as if the engine had noted them.

    Events of the engine don't tell what a resource depends on. It can't be on what is made later,
    so it is taken to be on all that exists: what is adopted is deleted first, and the next update
    writes down the true ones.
    """
    pending = list(deployment.get("pending_operations") or [])
    noted = {operation["resource"]["urn"] for operation in pending}
    resources = deployment.get("resources") or []
    for row in rows:
        if row["urn"] not in noted:
            resource = {**row, "dependencies": _dependencies(row["urn"], resources)}
            pending.append({"type": "creating", "resource": resource})
    return {**deployment, "pending_operations": pending}


def _dependencies(urn: str, resources: Sequence[Row]) -> list[str]:
    for row in resources:
        if row["urn"] == urn:
            return list(row.get("dependencies") or [])
    return [
        row["urn"]
        for row in resources
        if row.get("custom")
        and not row.get("delete")
        and not row["type"].startswith("pulumi:providers:")
    ]
