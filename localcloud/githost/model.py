"""What the Git host keeps, and its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.shared.state_file import StateFile

KEPT_DELIVERIES = 100


@dataclass
class Hook:
    """A webhook of a repository.

    Attributes:
        config: `url`, `content_type`, `insecure_ssl` and `secret`.
    """

    id: int
    events: list[str]
    config: dict[str, Any]
    active: bool
    created_at: str
    updated_at: str


@dataclass
class Delivery:
    """One attempt to tell a hook of an event.

    Attributes:
        guid: `X-GitHub-Delivery`; a redelivery has the one of its original.
        body: what was sent, byte for byte.
        status_code: what the receiver answered; 0 when it could not be reached.
    """

    id: int
    hook_id: int
    guid: str
    event: str
    delivered_at: str
    body: str
    redelivery: bool = False
    duration: float = 0.0
    status: str = "pending"
    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    answer: str = ""


@dataclass
class Repository:
    """A repository; its objects are in a bare repository on disk.

    Attributes:
        announced: ref → commit as of the last push event, so that none is lost to a kill.
        statuses: commit → what was reported about it, newest first.
    """

    id: int
    owner: str
    name: str
    private: bool
    created_at: str
    default_branch: str = "main"
    description: str = ""
    hooks: dict[int, Hook] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    announced: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """`OWNER/NAME`."""
        return f"{self.owner}/{self.name}"

    def delivery(self, identifier: int) -> Delivery | None:
        """One of the remembered deliveries."""
        return next((one for one in self.deliveries if one.id == identifier), None)


@dataclass
class State:
    """Everything; repositories by `owner/name` in lower case, as GitHub compares them."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    last_id: int = 0

    def next_id(self) -> int:
        """A number that was never handed out."""
        self.last_id += 1
        return self.last_id


class Store(StateFile[State]):
    """The state in one file, beside the bare repositories.

    Args:
        folder: where `githost.json` and the bare repositories live.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "githost.json", State)
        self._folder = folder

    def path(self, repository: Repository) -> Path:
        """The bare repository."""
        return self._folder / "repositories" / f"{repository.id}.git"
