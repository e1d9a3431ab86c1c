"""What the parts of CodePipeline share: the state, its lock and file, and the world around."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from localcloud.codepipeline import errors
from localcloud.codepipeline.events import Events
from localcloud.codepipeline.model import Pipeline, State, Webhook
from localcloud.shared import paging
from localcloud.shared.service import Call, Surroundings
from localcloud.shared.state_file import write_atomically

_ADAPTER = TypeAdapter(State)


class Store:
    """Keeps the state in one file that is whole at every moment, also after a kill.

    Args:
        folder: where `codepipeline.json` lives.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "codepipeline.json"
        self._written = b""
        self.state = State()
        if self._file.exists():
            self._written = self._file.read_bytes()
            self.state = _ADAPTER.validate_json(self._written)

    def save(self) -> None:
        """Write the state when it differs from what the file holds."""
        content = _ADAPTER.dump_json(self.state)
        if content != self._written:
            write_atomically(self._file, content)
            self._written = content


@dataclass
class Core:
    """The state behind one lock.

    Attributes:
        wake: set when the executor has something to look at.
    """

    surroundings: Surroundings
    store: Store
    events: Events
    lock: threading.RLock = field(default_factory=threading.RLock)
    wake: threading.Event = field(default_factory=threading.Event)

    @property
    def state(self) -> State:
        """The state; change it inside `change()` only."""
        return self.store.state

    @contextmanager
    def change(self, wake: bool = True) -> Iterator[State]:
        """Hold the state, write it to disk at the end, and wake the executor."""
        with self.lock:
            yield self.store.state
            self.store.save()
        if wake:
            self.wake.set()

    def pipeline(self, call: Call, name: str) -> Pipeline:
        """A pipeline of the call's region.

        Raises:
            ServiceError: PipelineNotFoundException.
        """
        found = self.state.pipelines.get(pipeline_arn(call, name))
        if found is None:
            raise errors.pipeline_not_found(call, name)
        return found

    def webhook(self, call: Call, name: str) -> Webhook | None:
        """A webhook of the call's region."""
        return self.state.webhooks.get(webhook_arn(call, name))


def pipeline_arn(call: Call, name: str) -> str:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html"""
    return f"arn:aws:codepipeline:{call.region}:{call.account}:{name}"


def webhook_arn(call: Call, name: str) -> str:
    """The ARN of a webhook."""
    return f"arn:aws:codepipeline:{call.region}:{call.account}:webhook:{name}"


def moment(seconds: float) -> datetime:
    """A time as the API's answers carry it."""
    return datetime.fromtimestamp(seconds, UTC)


def given(members: dict[str, Any]) -> dict[str, Any]:
    """Without the members that have no value."""
    return {name: value for name, value in members.items() if value not in (None, "")}


def page(
    items: list[Any],
    call: Call,
    *,
    default: int,
    names: tuple[str, str] = ("nextToken", "maxResults"),
) -> tuple[list[Any], str | None]:
    """One page of a list, and the token of the next.

    Args:
        items: the whole list.
        call: asks for the page.
        default: how many items a page has, unless the call says so.
        names: of the call's members for the token and the number of items.

    Raises:
        ServiceError: InvalidNextTokenException.
    """
    return paging.page(items, call.input, errors.invalid_next_token(), default, names)
