"""What would fail is told before anything is touched; what can't be asked is no fault."""

from __future__ import annotations

import pytest

from automation.aws.ecr import Found
from automation.errors import ConfigurationError
from automation.preflight import checks as preflight
from automation.preflight import permissions, smoke_test
from tests.unit.automation.preflight.stage import ARN, Stage, registry


def test_a_sound_plan_has_no_problems(stage: Stage) -> None:
    assert stage.problems() == []


def test_images_in_ecr_are_looked_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    host = registry(monkeypatch, stage.cloud, "amd64")
    assert stage.problems(f"{host}/web:good") == []
    assert stage.problems(f"{host}/web:bad") == ["image not found"]
    assert stage.problems(f"{host}/web@sha256:{'0' * 64}") == ["image not found"]
    assert stage.problems(f"{host}/other:good") == ["image not found"]


def test_images_of_sidecars_in_ecr_are_looked_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = registry(monkeypatch, stage.cloud, "amd64")
    for image, architecture, problems in (
        (f"{host}/web:good", "X86_64", []),
        (f"{host}/web:bad", "X86_64", ["image not found"]),
        (f"{host}/web:good", "ARM64", ["image for another architecture"]),
        ("registry.example.com/otel:1", "X86_64", []),
    ):
        sidecars = {"otel": {"image": image}}
        stage.settings = {"sidecars": sidecars, "architecture": architecture}
        assert stage.problems() == problems


def test_an_image_for_another_architecture_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = registry(monkeypatch, stage.cloud, "arm64")
    assert stage.problems(f"{host}/web:good") == ["image for another architecture"]
    stage.settings = {"architecture": "ARM64"}
    assert stage.problems(f"{host}/web:good") == []


@pytest.mark.parametrize(
    ("found", "target", "problems"),
    [
        (Found(True, frozenset({"amd64", "arm64"})), "aws", []),
        (Found(True), "aws", []),
        (Found(True, frozenset({"arm64"})), "aws", ["image for another architecture"]),
        (Found(False, why="manifest unknown"), "aws", ["image not found"]),
        (Found(None, why="no such host"), "aws", []),
        (Found(None, why="no such host"), "local", ["no route to an endpoint"]),
    ],
)
def test_images_elsewhere_are_looked_up_by_docker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, found: Found, target: str, problems: list[str]
) -> None:
    monkeypatch.setattr(smoke_test, "look_up", lambda *_: found)
    stage.docker, stage.target = object(), target
    assert stage.problems("docker.io/library/nginx:1") == problems


def test_without_docker_an_image_elsewhere_is_left_to_the_update(stage: Stage) -> None:
    assert stage.problems("docker.io/library/nginx:1") == []
    assert "can't be looked up" in stage.captured.err.getvalue()


@pytest.mark.parametrize(
    ("tag", "architecture", "problem", "words"),
    [
        ("bad", "X86_64", "image not found", "up --build"),
        ("good", "ARM64", "image for another architecture", "fargate-cd:architecture"),
    ],
)
def test_a_kept_image_must_be_there_and_fit(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    tag: str,
    architecture: str,
    problem: str,
    words: str,
) -> None:
    host = registry(monkeypatch, stage.cloud, "amd64")
    stage.settings = {"architecture": architecture}
    (found,) = preflight._image(stage.planned(kept=f"{host}/web:{tag}"))
    assert found.name == problem
    assert words in (found.setting or "")


def test_problems_are_told_together_with_exit_code_2(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.settings = {"secrets": {"A": f"{ARN}a-AbCdEf", "B": f"{ARN}b-AbCdEf"}}
    monkeypatch.setattr(preflight, "plan", lambda *_: stage.planned())
    monkeypatch.setattr(permissions, "_principal", lambda *_: None)
    with pytest.raises(ConfigurationError) as refused:
        preflight.check(None, None, False, smoke=False)  # type: ignore[arg-type]
    assert refused.value.exit_code == 2
    assert "nothing was touched" in refused.value.message
    assert sum("can't be read" in line for line in refused.value.evidence) == 2
