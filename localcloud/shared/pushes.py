"""Pushes to the Git host, for what starts by them without a webhook: CodePipeline's triggers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

HEADS, TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True)
class Push:
    """A branch or a tag that was pushed.

    Attributes:
        repository: `OWNER/NAME`.
        ref: its full name.
        commit: what it names now; empty for a deletion.
        paths: the files that differ from before, from the top of the repository.
    """

    repository: str
    ref: str
    commit: str
    paths: tuple[str, ...]


@dataclass
class Pushes:
    """Tells of each push whoever listens."""

    _listeners: list[Callable[[Push], None]] = field(default_factory=list)

    def listen(self, listener: Callable[[Push], None]) -> None:
        """Have a function called with each push from now on."""
        self._listeners.append(listener)

    def tell(self, push: Push) -> None:
        """Tell every listener, in the caller's thread."""
        for listener in self._listeners:
            listener(push)
