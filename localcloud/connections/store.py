"""The connections, in one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from localcloud.shared.state_file import StateFile

PENDING, AVAILABLE = "PENDING", "AVAILABLE"


@dataclass
class Connection:
    """A connection to the Git host.

    Attributes:
        arn: with the prefix of the API that made it.
        status: PENDING until a person has authorized it, then AVAILABLE.
    """

    arn: str
    name: str
    provider: str
    status: str = PENDING
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """The region that the connection is in."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The twelve digits of the account."""
        return self.arn.split(":")[4]

    @property
    def identifier(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]


Store = StateFile[dict[str, Connection]]


@cache
def store_of(shared_dir: str) -> Store:
    """Return the one store of the services' shared folder."""
    return StateFile(Path(shared_dir) / "connections.json", dict[str, Connection])
