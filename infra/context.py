"""What every part of the composition knows: settings, names, account and tags."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi

from infra.account import Account
from infra.names import Names
from infra.settings import Settings


@dataclass(frozen=True)
class Context:
    """The stack that is being defined.

    Attributes:
        settings: its settings.
        names: its physical names.
        account: where it is made.
        tags: of every resource.
    """

    settings: Settings
    names: Names
    account: Account
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def current(cls, settings: Settings) -> Context:
        """The stack that Pulumi is running."""
        names = Names(pulumi.get_project(), pulumi.get_stack())
        tags = {
            **settings.tags,
            "project": names.project,
            "stack": names.stack,
            "environment": names.stack,
        }
        return cls(settings, names, Account.current(), tags)
