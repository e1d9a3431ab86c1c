"""`diagnose` looks at what failed last: before ECS, in the last deployment, or since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.commands import diagnose as command
from automation.diagnosis import last_failure
from automation.diagnosis.diagnosis import Diagnosis
from automation.diagnosis.evidence import Facts
from infra.settings.model import Settings

NOW = datetime.now(UTC)


@pytest.fixture
def session(tmp_path: Path) -> Any:
    said: list[str] = []
    return SimpleNamespace(
        screen=SimpleNamespace(warn=said.append, said=said),
        cloud=None,
        service=None,
        services={"web": None},
        pipeline=None,
        names=SimpleNamespace(log_group="/ecs/x/app"),
        target=SimpleNamespace(failure_file=lambda stack: tmp_path / f"{stack}.json"),
        file=SimpleNamespace(name="dev", settings=Settings.parse({})),
    )


def stage(
    monkeypatch: pytest.MonkeyPatch,
    status: str | None,
    facts: Facts | None = None,
    running: int = 2,
    service: bool = True,
) -> None:
    described = {"runningCount": running, "desiredCount": 2} if service else None
    row = {"status": status, "createdAt": NOW, "serviceDeploymentArn": "d/1"}
    monkeypatch.setattr(command, "describe_service", lambda *_: described)
    monkeypatch.setattr(command, "service_deployments", lambda *_: [row] if status else [])
    monkeypatch.setattr(command, "gather", lambda *_: facts or Facts())


def test_a_healthy_service_has_nothing_to_diagnose(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(monkeypatch, "SUCCESSFUL")
    found, sentence = command.find(session)
    assert found is None
    assert "successful; nothing to diagnose" in sentence


def test_a_rolled_back_deployment_has_a_cause(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(monkeypatch, "ROLLBACK_SUCCESSFUL", Facts(failure="OutOfMemory"))
    found, sentence = command.find(session)
    assert found is not None
    assert found.name == "out of memory"
    assert "rollback successful" in sentence


@pytest.mark.parametrize(
    ("facts", "running"),
    [(Facts(targets=("10.0.0.1: Health checks failed with these codes: [500]",)), 2), (None, 1)],
)
def test_a_service_that_fails_after_its_deployment_is_diagnosed(
    session: Any, monkeypatch: pytest.MonkeyPatch, facts: Facts | None, running: int
) -> None:
    stage(monkeypatch, "SUCCESSFUL", facts, running)
    assert command.find(session)[0] is not None


def test_a_deployment_that_goes_on_is_well_until_a_task_stops(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(monkeypatch, "IN_PROGRESS", running=0)
    assert command.find(session)[0] is None


def test_without_a_service_the_last_up_is_remembered(
    session: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage(monkeypatch, None, service=False)
    assert command.find(session)[0] is None
    diagnosis = Diagnosis("The build failed.", ["returned 1"], None, "urn:x")
    last_failure.write(tmp_path / "dev.json", diagnosis, datetime.now(UTC))
    found, sentence = command.find(session)
    assert found == diagnosis
    assert "the last `up` failed" in sentence
    last_failure.forget(tmp_path / "dev.json")
    assert command.find(session)[0] is None


def test_a_damaged_memory_of_the_last_up_is_said_and_the_service_examined(
    session: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage(monkeypatch, "SUCCESSFUL")
    (tmp_path / "dev.json").write_text('{"when": "2026-')
    found, sentence = command.find(session)
    assert found is None
    assert sentence.startswith("the last deployment")
    assert "dev.json is damaged" in session.screen.said[0]
    assert (tmp_path / "dev.json").exists()


def test_of_an_earlier_up_and_a_later_deployment_the_later_counts(
    session: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    last_failure.write(tmp_path / "dev.json", Diagnosis("The build failed."), datetime.now(UTC))
    monkeypatch.setattr(f"{__name__}.NOW", datetime.now(UTC) + timedelta(seconds=60))
    stage(monkeypatch, "SUCCESSFUL")
    assert command.find(session)[0] is None
