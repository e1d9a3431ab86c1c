"""One call of a function of the package."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.providers.aws.calls import Api
from localcloud.providers.aws.spec import Values


@dataclass(frozen=True)
class Invocation:
    """One call of a function: what it may use, and its arguments by Pulumi's names."""

    api: Api
    account: str
    arguments: Values

    def take(self, *names: str) -> Values:
        """The arguments, after a check that there are none but these."""
        unmapped = sorted(set(self.arguments) - {*names, "region"})
        if unmapped:
            raise ValueError(
                f"the local cloud does not map the argument {', '.join(map(repr, unmapped))}"
            )
        return self.arguments


def moment(at: datetime.datetime | None) -> str | None:
    """A time as the vendor's provider writes it (RFC 3339); None where there is none."""
    return None if at is None else f"{at.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


Function = Callable[[Invocation], Values]
