"""What a resource type of these providers is, and what it is told and may answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.rpc import UNKNOWN as UNKNOWN

HOUSEKEEPING = frozenset({"version", "pluginDownloadURL", "__internal"})
"""Properties of the engine's own."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 -- Pulumi's marker of a secret, in its SDK


class ProviderError(Exception):
    """What a resource can't do, in one sentence; the engine shows it beside the resource."""


@dataclass(frozen=True)
class Failure:
    """A property that `check` refuses, and why."""

    property: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """What a change of inputs means.

    Attributes:
        changed: the names of the inputs that changed.
        replaces: those of them that need a new resource.
    """

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a handler may know of the call.

    Attributes:
        urn: the resource's URN.
        configuration: the provider's own settings, as `configure` left them.
        log: shows a line of progress beside the resource.
        cancelled: is set when the engine wants the work given up.
    """

    urn: str
    configuration: Mapping[str, Any] = field(repr=False)
    log: Callable[[str], None] = field(repr=False)
    cancelled: threading.Event = field(repr=False, default_factory=threading.Event)


class Handler(Protocol):
    """One resource type. Properties are plain values by Pulumi's names, or `UNKNOWN`."""

    def check(
        self, context: Context, old: dict[str, Any], new: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Failure]]:
        """Complete the new inputs, and name what is wrong with them; `old` is empty at first."""
        ...

    def diff(self, old: dict[str, Any], new: dict[str, Any]) -> Difference:
        """Compare two sets of checked inputs."""
        ...

    def create(
        self, context: Context, inputs: dict[str, Any], preview: bool
    ) -> tuple[str, dict[str, Any]]:
        """Make the resource: its id and outputs. A preview makes nothing; its id is empty."""
        ...

    def read(
        self, context: Context, identifier: str, outputs: dict[str, Any], inputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Its outputs and inputs as they are now; None when it is gone."""
        ...

    def update(
        self,
        context: Context,
        identifier: str,
        outputs: dict[str, Any],
        inputs: dict[str, Any],
        preview: bool,
    ) -> dict[str, Any]:
        """Bring it in line with the inputs; the new outputs."""
        ...

    def delete(self, context: Context, identifier: str, outputs: dict[str, Any]) -> None:
        """Remove it; an absent one is removed already."""
        ...


def plain(values: struct_pb2.Struct) -> dict[str, Any]:
    """A message's properties as plain values; whole numbers as `int`."""
    return {name: _whole(value) for name, value in json_format.MessageToDict(values).items()}


def revealed(value: Any) -> Any:
    """Plain values with the engine's wrappings of secrets taken off."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return revealed(value["value"])
        return {name: revealed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


def message(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Plain values as a message's properties; a None is left out."""
    return json_format.ParseDict(
        {name: value for name, value in values.items() if value is not None}, struct_pb2.Struct()
    )


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def unknown(names: Iterable[str], allowed: Iterable[str], what: str) -> list[Failure]:
    """A failure for every name that is not allowed."""
    known = sorted(allowed)
    return [
        Failure(name, f"{what} has no property {name!r} here; it has {', '.join(known) or 'none'}")
        for name in sorted(set(names) - set(known) - HOUSEKEEPING)
    ]


def changed_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The names whose values differ; housekeeping of the engine's does not count."""
    names = (set(old) | set(new)) - HOUSEKEEPING
    return tuple(sorted(name for name in names if old.get(name) != new.get(name)))
