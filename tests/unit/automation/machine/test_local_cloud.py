"""The local cloud as the driver sees it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.machine import local_cloud
from tests.unit.automation.conftest import Captured

BEGAN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def folder(tmp_path: Path, *minutes: int) -> Path:
    """Files that were written so many minutes after the local cloud began."""
    for number, each in enumerate(minutes):
        file = tmp_path / "deep" / f"{number}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
        moment = (BEGAN + timedelta(minutes=each)).timestamp()
        os.utime(file, (moment, moment))
    return tmp_path


@pytest.mark.parametrize(("minutes", "outdated"), [((-5, -1), False), ((-5, 1), True), ((), False)])
def test_code_that_is_younger_than_the_process_is_seen(
    tmp_path: Path, minutes: tuple[int, ...], outdated: bool
) -> None:
    running: Any = SimpleNamespace(started_at=BEGAN.isoformat())
    assert local_cloud.is_outdated(running, folder(tmp_path, *minutes)) is outdated


def test_a_command_on_an_outdated_local_cloud_says_so(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running = SimpleNamespace(started_at=BEGAN.isoformat())
    process = SimpleNamespace(status=lambda _: running, default_state_dir=lambda: tmp_path)
    monkeypatch.setattr(local_cloud, "process", lambda: process)
    monkeypatch.setattr(local_cloud.docker, "ensure_docker", lambda _: None)
    monkeypatch.setattr(local_cloud, "is_outdated", lambda _: True)
    assert local_cloud.start(captured.screen) is running
    assert "local stop" in captured.err.getvalue()
