"""The outputs of the running stack's last update."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pulumi

from infra.names import ENDPOINTS, TRAFFIC

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
"""The engine's own function that reads the outputs of a stack:
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/builtins.go
"""


BEING_WRITTEN = "failed to load checkpoint"
"""The error on reading a `file://` state while the engine writes it. The engine replaces the file
`STACK.json` in one step, and then writes `STACK.json.attrs` beside it in several:
https://pkg.go.dev/gocloud.dev/blob/fileblob"""

TRIES = 5
PAUSE = 0.2
"""Seconds between two tries."""


def own_outputs() -> Mapping[str, Any]:
    """The stack's outputs; none before its first update.

    Raises:
        Exception: by Pulumi's SDK, if the engine can't read the state.
    """
    place = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    for _ in range(TRIES - 1):
        try:
            return _read(place)
        except Exception as error:
            if BEING_WRITTEN not in str(error):
                raise
            time.sleep(PAUSE)
    return _read(place)


UNFINISHED = "unfinished"
"""The part of the outputs for the next update that says whether one must follow."""


def unfinished(outputs: Mapping[str, Any]) -> bool:
    """Whether another update must follow the one that left these outputs."""
    notes = [outputs.get(name) or {} for name in (TRAFFIC, ENDPOINTS)]
    return any(note.get(UNFINISHED) for note in notes)


def left(note: object, released: pulumi.Output[str]) -> pulumi.Output[Any]:
    """Return a note to the next update, as an output.

    Args:
        note: what this update did.
        released: known once the service runs the release, so a failed update keeps the last note.
    """
    return pulumi.Output.all(note, released).apply(lambda known: known[0])


def _read(place: str) -> Mapping[str, Any]:
    return dict(pulumi.runtime.invoke(READ_OUTPUTS, {"name": place}).value["outputs"])
