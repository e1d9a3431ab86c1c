"""Previews as the tests of the driver meet them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi import automation as auto
from pulumi.automation import CommandResult

from automation.commands import destroy as destroying
from automation.commands import prune as pruning
from automation.commands.destroy import Removed
from automation.stack import stack_file
from automation.stack.operations import Backend
from automation.stack.target import TARGETS
from infra.names import Names
from infra.shared import Shared
from tests.unit.automation.conftest import Captured

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Engine:
    """Answers `stack ls` and `stack export` from memory."""

    def __init__(self, states: Mapping[str, Mapping[str, Any] | None]) -> None:
        self.states = states

    def run(self, arguments: list[str], *_: object, **__: object) -> CommandResult:
        state = self.states[arguments[-1]]
        if state is None:
            raise auto.CommandError(CommandResult(stdout="", stderr="no stack named", code=255))
        return CommandResult(stdout=json.dumps({"deployment": state}), stderr="", code=0)


SEEN = datetime(2026, 11, 23, 10)


def backend(project: Path, captured: Captured, states: Mapping[str, Any]) -> Backend:
    names = [name for name, state in states.items() if state is not None]
    workspace = SimpleNamespace(
        work_dir=str(project),
        env_vars={},
        pulumi_command=Engine(states),
        list_stacks=lambda: [
            SimpleNamespace(name=name, last_update=SEEN) for name in states if name in names
        ],
    )
    file = stack_file.load_stack_file("local", project)
    return Backend(captured.screen, file, TARGETS["local"], workspace)  # type: ignore[arg-type]


def state(**outputs: str) -> dict[str, Any]:
    return {
        "resources": [
            {
                "urn": "urn:pulumi:local::fargate-cd::pulumi:pulumi:Stack::x",
                "custom": False,
                "type": "pulumi:pulumi:Stack",
                "outputs": outputs,
                "created": "2026-11-23T09:00:00Z",
            }
        ]
    }


def removing(monkeypatch: pytest.MonkeyPatch, fates: Mapping[str, Any]) -> list[str]:
    """What `prune` destroyed; a stack's fate is an error, or what became of it."""
    asked: list[str] = []

    def remove(stack: str, _screen: object) -> Removed:
        asked.append(stack)
        fate = fates.get(stack, Removed(8, [], None))
        if isinstance(fate, Exception):
            raise fate
        assert isinstance(fate, Removed)
        return fate

    monkeypatch.setattr(pruning, "remove_stack", remove)
    monkeypatch.setattr(destroying, "remove_stack", remove)
    monkeypatch.setattr(destroying, "_emptied", lambda session: remove(session.file.name, None))
    return asked


AT = NOW.isoformat()


SHARED_PARAMETER = {
    "Name": "/p-local-previews/shared",
    "Value": json.dumps({each.name: "x" for each in fields(Shared)}),
}
"""What the environment tells its previews."""


def session(captured: Captured, project: Path, created: bool, **outputs: str) -> Any:
    file = stack_file.load_stack_file("local-preview-login", project)
    told = {name: auto.OutputValue(value, False) for name, value in outputs.items()}
    return SimpleNamespace(
        file=file,
        created=created,
        screen=captured.screen,
        target=TARGETS["local"],
        outputs=lambda: told,
        remove=lambda: None,
        names=Names("p", "local-preview-login"),
        cloud=SimpleNamespace(pages=lambda *_, **__: [SHARED_PARAMETER]),
    )
