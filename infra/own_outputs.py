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
"""What a state in a folder (`file://`) answers while the engine writes it: it replaces the file
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
    words = [outputs.get(name) or {} for name in (TRAFFIC, ENDPOINTS)]
    return any(word.get(UNFINISHED) for word in words)


def left(word: object, released: pulumi.Output[str]) -> pulumi.Output[Any]:
    """Return an output for the next update, which is known once the service runs its release.

    Args:
        word: what this update did.
        released: known when the service runs the release; a failed update leaves the old word.
    """
    return pulumi.Output.all(word, released).apply(lambda known: known[0])


def _read(place: str) -> Mapping[str, Any]:
    return dict(pulumi.runtime.invoke(READ_OUTPUTS, {"name": place}).value["outputs"])
