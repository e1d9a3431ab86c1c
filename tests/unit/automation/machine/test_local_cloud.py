"""The local cloud as the driver sees it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.errors import ConfigurationError
from automation.machine import local_cloud, requirements
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
    running: Any = SimpleNamespace(started_at=BEGAN.isoformat())
    cloud = SimpleNamespace(status=lambda: running, state_dir=tmp_path)
    monkeypatch.setattr(local_cloud, "local_cloud", lambda: cloud)
    monkeypatch.setattr(local_cloud.docker_setup, "ensure_docker", lambda _: None)
    monkeypatch.setattr(local_cloud, "is_outdated", lambda _: True)
    assert local_cloud.start(captured.screen) is running
    assert "local stop" in captured.err.getvalue()


def test_without_the_folder_one_sentence_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local_cloud._require_usable.cache_clear()  # an earlier test has found it
    monkeypatch.setattr(local_cloud.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"no localcloud/: restore it") as refused:
        local_cloud.local_cloud()
    assert refused.value.exit_code == 2


def test_without_its_packages_one_sentence_names_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "localcloud").mkdir()
    (tmp_path / requirements.LOCAL).write_text("surely-not-there==1.0  # why\npytest\n")
    monkeypatch.setattr("automation.paths.ROOT", tmp_path)
    with pytest.raises(ConfigurationError, match=r"\(surely-not-there\): pip install -r local"):
        local_cloud.local_cloud()
