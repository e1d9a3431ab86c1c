"""A number of tasks that the settings do not decide is said, with the settings that count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from automation.preflight import task_count
from infra.names import Names
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured


def told(captured: Captured, running: int | None, stack: str = "dev", **settings: Any) -> str:
    service = None if running is None else {"desiredCount": running}
    session = SimpleNamespace(
        created=False,
        names=Names("fargate-cd", stack),
        file=SimpleNamespace(settings=Settings.parse(settings)),
        cloud=None,
        service=None,
        screen=captured.screen,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task_count, "describe_service", lambda *_: service)
        task_count.tell(session)  # type: ignore[arg-type]
    return captured.err.getvalue()


def test_what_desired_count_does_not_change_is_said(captured: Captured) -> None:
    words = told(captured, 2, desired_count=1, max_count=4)
    assert "desired_count = 1" in words
    assert "this one runs 2" in words
    assert "between 1 (min_count) and 4 (max_count)" in words


@pytest.mark.parametrize(
    ("running", "stack"), [(2, "dev"), (None, "dev"), (5, "dev-preview-branch")]
)
def test_nothing_is_said_where_the_setting_counts(
    captured: Captured, running: int | None, stack: str
) -> None:
    assert told(captured, running, stack, desired_count=2) == ""
