"""The search for leftovers: what it looks for, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from automation.aws.clients import Cloud
from automation.aws.resource_table import TYPES
from infra.names import Names
from infra.settings.model import Settings


@dataclass(frozen=True)
class Leftover:
    """Something that a destroyed stack left behind.

    Attributes:
        arn: its ARN.
        why: what keeps it, or how it came to stay, and the command that removes it.
    """

    arn: str
    why: str


@dataclass(frozen=True)
class Search:
    """Where to look, and what belongs to the stack.

    Attributes:
        cloud: the account.
        names: the stack's names.
        settings: the stack's settings.
        account, region, partition: parts of the ARNs.
    """

    cloud: Cloud
    names: Names
    settings: Settings
    account: str
    region: str
    partition: str

    @property
    def base(self) -> str:
        """The beginning of every physical name of the stack."""
        return self.names.named()

    @property
    def tags(self) -> dict[str, str]:
        """The tags by which the stack's resources are known."""
        return {"project": self.names.project, "stack": self.names.stack}

    def owns(self, tags: Iterable[dict[str, Any]]) -> bool:
        """Whether tags, as lists of keys and values, are those of the stack."""
        return carries(tags, self.names)

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the stack's account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def leftover(
        self,
        pulumi_type: str,
        arn: str,
        row: Mapping[str, Any] | None = None,
        why: str = "It still exists",
    ) -> Leftover:
        """A leftover of a type of the table, with the command that deletes it.

        Args:
            pulumi_type: Pulumi's name of the type.
            arn: the resource's ARN.
            row: the values in the type's command, if not the ARN.
            why: what keeps the resource.
        """
        command = TYPES[pulumi_type].delete.format_map({"arn": arn, **(row or {})})
        return Leftover(arn, f"{why}: aws {command}")


Finder = Callable[[Search], Iterator[Leftover]]


def carries(tags: Iterable[dict[str, Any]], names: Names) -> bool:
    """Whether tags, as lists of keys and values, are those of a stack."""
    plain = {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in tags}
    return plain.get("project") == names.project and plain.get("stack") == names.stack
