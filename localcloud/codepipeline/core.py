"""What the parts of CodePipeline share: the state, its lock and file, and the world around."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.codepipeline import errors
from localcloud.codepipeline.events import Events
from localcloud.codepipeline.model import Pipeline, State, Webhook
from localcloud.shared import paging
from localcloud.shared.core import SharedCore
from localcloud.shared.service import Call
from localcloud.shared.state_file import StateFile


class Store(StateFile[State]):
    """Keeps the state in one file.

    Args:
        folder: where `codepipeline.json` lives.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "codepipeline.json", State)


@dataclass
class Core(SharedCore[State]):
    """The state behind one lock; a change wakes the executor."""

    events: Events

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
