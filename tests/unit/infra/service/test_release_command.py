"""What the program makes of `release_command`: a step before the service, or a word about it."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
import pytest

from infra.image.image import Release
from infra.service.release_command import NOT_RUN, ReleaseTask
from tests.unit.infra.recorder import ACCOUNT, REGION, record

SETTINGS = {"release_command": '["migrate", "--all"]'}


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The hooks that the program makes; Pulumi's mocks have no engine that would call them."""
    hooks: list[Any] = []

    def hook(_name: str, run: Any) -> Any:
        hooks.append(run)
        return run

    monkeypatch.setattr(pulumi, "ResourceHook", hook)
    monkeypatch.setattr(pulumi, "ResourceHookBinding", lambda **_: None)
    return hooks


def test_the_hook_runs_the_new_revision_where_the_service_runs(bound: list[Any]) -> None:
    ran: list[ReleaseTask] = []
    record(SETTINGS, release=Release(runner=ran.append))
    (hook,) = bound
    loop = asyncio.new_event_loop()
    loop.run_until_complete(hook(None))
    loop.close()
    (task,) = ran
    assert task.definition.startswith(f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/")
    assert task.cluster.endswith(":cluster/fargate-cd-dev")
    assert task.public
    assert task.subnet_ids


@pytest.mark.parametrize("settings", [{}, SETTINGS])
def test_nothing_is_in_the_way_without_a_command_or_a_runner(
    settings: dict[str, str], bound: list[Any]
) -> None:
    record(settings, release=Release(runner=None if settings else lambda _: None))
    assert bound == []


@pytest.mark.parametrize(
    ("settings", "release", "told"),
    [(SETTINGS, None, 1), (SETTINGS, Release(), 0), ({}, None, 0)],
)
def test_plain_pulumi_up_says_that_it_does_not_run_it(
    settings: dict[str, str],
    release: Release | None,
    told: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    record(settings, release=release)
    assert warned.count(NOT_RUN) == told
