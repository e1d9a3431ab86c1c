"""When the container is run once before an update, and what its failure means."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from automation.diagnosis.evidence import Facts
from automation.machine.docker_engine import DockerError, Engine
from automation.preflight import container_run, smoke_test
from automation.stack.state_file import OutputValue
from infra.image.image import app_build
from infra.names import BUILT_TAG
from infra.settings.model import Settings
from tests.unit.automation.conftest import await_words
from tests.unit.automation.preflight.stage import ARN, Stage, docker, registry

MADE = "localhost:1/fargate-cd-dev@sha256:1"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were run; each answers at once."""
    seen: list[str] = []

    def run(_client: Any, image: str, *_: object) -> container_run.Outcome:
        seen.append(image)
        return container_run.Outcome(0.4, Facts())

    monkeypatch.setattr(container_run, "run", run)
    return seen


def test_the_container_is_run_once_until_something_changes(stage: Stage, ran: list[str]) -> None:
    stage.docker = docker()
    for _ in range(2):
        assert list(smoke_test.run(stage.planned("web:1"))) == []
    assert ran == ["web:1"]
    for settings in ({"health_check_path": "/up"}, {"environment": {"A": "b"}}, {"memory": 1024}):
        stage.settings = settings
        list(smoke_test.run(stage.planned("web:1")))
    assert ran == ["web:1"] * 4


def test_a_container_that_takes_its_time_is_waited_for_with_a_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> container_run.Outcome:
        await_words("Waiting for the container", stage.captured)
        return container_run.Outcome(0.4, Facts())

    monkeypatch.setattr("automation.screen.SILENT_SECONDS", 0.0)
    monkeypatch.setattr(container_run, "run", run)
    stage.docker = docker()
    assert list(smoke_test.run(stage.planned("web:1"))) == []


def test_an_image_that_takes_its_time_is_waited_for_with_a_line(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*_: object) -> str:
        await_words("Building the application", stage.captured)
        stage.captured.err.truncate(0)
        await_words("Building the application", stage.captured)
        return "built"

    monkeypatch.setattr("automation.screen.SILENT_SECONDS", 0.0)
    monkeypatch.setattr(container_run, "build", made)
    forgotten: list[str] = []
    monkeypatch.setattr(container_run, "forget", lambda _, name: forgotten.append(name))
    stage.docker = docker()
    built = replace(stage.planned(), build=app_build(Settings.parse({})))
    assert list(smoke_test.run(built)) == []
    assert ran == ["built"]
    assert forgotten == []  # the update's build takes its layers
    built.session.at_end.close()
    assert forgotten == ["built"]


@pytest.mark.parametrize(
    ("target", "tag", "has", "tried"),
    [
        ("local", "", True, MADE),
        ("local", "of other files", True, "built"),
        ("local", "", False, "built"),
        ("aws", "", True, "built"),
    ],
)
def test_what_the_last_update_made_of_the_same_files_is_not_built_again(
    stage: Stage,
    ran: list[str],
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    tag: str,
    has: bool,
    tried: str,
) -> None:
    build = app_build(Settings.parse({}))
    monkeypatch.setattr(container_run, "build", lambda *_: "built")
    stage.docker, stage.target = docker(), target
    monkeypatch.setattr(type(stage.docker), "has_image", lambda _, name: has and name == MADE)
    planned = replace(stage.planned(), build=build)
    told = {BUILT_TAG: OutputValue(tag or build.tag, False), "image_uri": OutputValue(MADE, False)}
    session: Any = planned.session
    session.created, session.outputs = False, lambda: told
    assert list(smoke_test.run(planned)) == []
    assert ran == [tried]


@pytest.mark.parametrize("has", [True, False])
def test_an_images_own_health_check_is_said_to_be_ignored(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch, has: bool
) -> None:
    monkeypatch.setattr(container_run, "has_health_check", lambda *_: has)
    stage.docker = docker()
    for _ in range(2):
        assert list(smoke_test.run(stage.planned("web:1"))) == []
    assert stage.captured.err.getvalue().count("ECS ignores the image's HEALTHCHECK") == has


def test_settings_are_judged_with_the_image_that_is_kept(stage: Stage, ran: list[str]) -> None:
    stage.docker = docker()
    for _ in range(2):
        assert list(smoke_test.run(stage.planned(kept="web@sha256:4"))) == []
    stage.settings = {"health_check_path": "/up"}
    assert list(smoke_test.run(stage.planned(kept="web@sha256:4"))) == []
    assert ran == ["web@sha256:4"] * 2


def test_a_kept_image_is_pulled_from_the_stacks_repository(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = registry(monkeypatch, stage.cloud, "amd64")
    pulled: list[tuple[str, tuple[str, str] | None]] = []
    monkeypatch.setattr(Engine, "has_image", lambda *_: False)
    monkeypatch.setattr(Engine, "pull", lambda _, *arguments: pulled.append(arguments))
    stage.docker = Engine("amd64")
    assert list(smoke_test.run(stage.planned(kept=f"{host}/web:good"))) == []
    ((image, login),) = pulled
    assert (image, ran) == (f"{host}/web:good", [image])
    assert login is not None
    assert login[0] == host
    assert base64.b64decode(login[1]).startswith(b"AWS:")


def test_a_kept_image_that_can_not_be_pulled_is_told(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DockerError("no basic auth credentials")

    monkeypatch.setattr(Engine, "has_image", lambda *_: False)
    monkeypatch.setattr(Engine, "pull", refuse)
    stage.docker = Engine("amd64")
    assert list(smoke_test.run(stage.planned(kept="registry.example/web:1"))) == []
    assert ran == []
    assert "no basic auth credentials" in stage.captured.err.getvalue()


def test_a_run_that_fails_is_a_cause_and_is_not_remembered(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts(
        events=("unhealthy in the first 30 s: Health checks failed with these codes: [500]",)
    )
    monkeypatch.setattr(container_run, "run", lambda *_: container_run.Outcome(None, facts))
    stage.docker = docker()
    for _ in range(2):
        (found,) = smoke_test.run(stage.planned("web:1"))
        assert found.name == "health path answered"
        assert "--no-smoke" in (found.setting or "")
    assert ran == []


def test_an_engine_that_does_not_run_it_is_no_fault_of_the_application(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> container_run.Outcome:
        raise DockerError("no docker-init")

    monkeypatch.setattr(container_run, "run", refuse)
    stage.docker = docker()
    assert list(smoke_test.run(stage.planned("web:1"))) == []
    assert ran == []
    assert "no docker-init" in stage.captured.err.getvalue()


@pytest.mark.parametrize(
    ("settings", "with_docker", "words"),
    [({}, False, "No Docker engine"), ({"secrets": {"A": f"{ARN}a-AbCdEf"}}, True, "secrets")],
)
def test_what_can_not_be_run_here_is_told(
    stage: Stage, ran: list[str], settings: dict[str, Any], with_docker: bool, words: str
) -> None:
    stage.settings, stage.docker = settings, docker() if with_docker else None
    assert list(smoke_test.run(stage.planned("web:1"))) == []
    assert ran == []
    assert words in stage.captured.err.getvalue()
