"""Secrets of a build: where they are read, and that they are nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.image import docker_build
from infra.image.build_secrets import Reference, in_codebuild
from infra.image.image import app_build
from infra.names import BUILT_TAG
from infra.own_outputs import READ_OUTPUTS
from infra.settings.model import Settings
from tests.unit.infra.image.running_service import answers
from tests.unit.infra.recorder import Recording, record

PLACE_OF = "us-east-1:123456789012"
SECRET = f"arn:aws:secretsmanager:{PLACE_OF}:secret:npm-AbCdEf"
PARAMETER = f"arn:aws:ssm:{PLACE_OF}:parameter/team/pip"
SECRETS = {"NPM": f"{SECRET}:token::", "PIP": PARAMETER}
TOLD = {
    "aws:secretsmanager/getSecretVersion:getSecretVersion": lambda _: {
        "secretString": '{"token": "hunter2"}'
    },
    "aws:ssm/getParameter:getParameter": lambda _: {"value": "hunter3"},
}


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The builds that the docker command is asked for."""
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(docker_build, "build", lambda *given: asked.append(given))
    monkeypatch.setattr(docker_build, "remove_tag", lambda tag: asked.append((tag,)))
    return asked


def with_secrets(**options: Any) -> Recording:
    config = {"build_secrets": json.dumps(SECRETS), **options.pop("config", {})}
    return record(config, answers={**TOLD, **options.pop("answers", {})}, **options)


def test_the_values_go_to_the_build_and_nowhere_else(builds: list[tuple[Any, ...]]) -> None:
    recording = with_secrets(config={"build_target": "app"})
    (made, removed) = builds
    assert made[5:] == ("app", {"NPM": "hunter2", "PIP": "hunter3"})
    image = recording.one("Image")
    assert "hunter" not in str(recording.resources)
    file = Path(image.inputs["build"]["dockerfile"])
    assert file.read_text() == f"FROM {made[3]}\n"
    assert "target" not in image.inputs["build"]
    assert removed == (made[3],)


def test_a_preview_reads_no_secret_and_builds_nothing(builds: list[tuple[Any, ...]]) -> None:
    recording = with_secrets(preview=True)
    assert not [pair for pair in recording.invokes if pair[0] in TOLD]
    assert builds == []


def test_what_is_in_the_registry_is_not_built_again(builds: list[tuple[Any, ...]]) -> None:
    tag = with_secrets().one("Image").name.removeprefix("image-")
    builds.clear()
    digest = f"sha256:{'a' * 64}"
    own = {READ_OUTPUTS: lambda _: {"outputs": {BUILT_TAG: tag}}}
    running = {**answers(images={tag: digest}), **own}
    recording = with_secrets(answers=running)
    assert recording.one("Image").name == f"image-{tag}"
    assert [each for each in builds if len(each) > 1] == []


def test_the_settings_of_the_build_are_part_of_its_tag() -> None:
    settings: list[dict[str, object]] = [
        {},
        {"build_args": {"A": "1"}},
        {"build_args": {"A": "2"}},
        {"build_target": "app"},
        {"build_secrets": {"A": SECRET}},
        {"build_secrets": {"A": PARAMETER}},
    ]
    builds = [app_build(Settings.parse(each)) for each in settings]
    assert len({build.tag for build in builds}) == len(settings)
    assert builds[0].tag == builds[0].context.digest(builds[0].platform), "as it always was"


def test_the_program_gives_its_own_arguments_beside_the_settings() -> None:
    build = replace(app_build(Settings.parse({"build_args": {"A": "1"}})), tag="t")
    assert build.arguments["A"] == "1"
    assert build.arguments["RELEASE"] == "t"


@pytest.mark.parametrize(
    ("arn", "reference"),
    [
        (SECRET, Reference("us-east-1", secret=SECRET)),
        (f"{SECRET}:k:s:v", Reference("us-east-1", "", SECRET, "k", "s", "v")),
        (PARAMETER, Reference("us-east-1", "/team/pip")),
        (f"arn:aws:ssm:{PLACE_OF}:parameter/pip", Reference("us-east-1", "pip")),
    ],
)
def test_where_a_secret_is(arn: str, reference: Reference) -> None:
    assert Reference.of(arn) == reference


def test_codebuild_reads_the_secret_itself() -> None:
    assert in_codebuild(SECRETS["NPM"]) == ("SECRETS_MANAGER", SECRETS["NPM"])
    assert in_codebuild(PARAMETER) == ("PARAMETER_STORE", "/team/pip")


@pytest.mark.parametrize("text", ["word", '{"other": 1}', "[]"])
def test_a_missing_key_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no key token"):
        Reference.of(SECRETS["NPM"]).pick(text)


def test_a_value_that_is_no_text_is_json() -> None:
    assert Reference.of(SECRETS["NPM"]).pick('{"token": {"a": 1}}') == '{"a": 1}'
