"""Which image is deployed, and how it is built."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from infra.image import build_context, image
from infra.image.image import Build, Release, build_files, choose_image
from infra.image.running_image import RunningImage
from infra.names import BUILT_TAG, Names
from infra.settings.model import Settings, SettingsError
from tests.unit.infra.looks import default

NAMES = Names("fargate-cd", "dev")
RUNNING = RunningImage("host/fargate-cd-dev@sha256:1", frozenset({"x"}), frozenset({"x"}))
PIPELINE = Settings(github_token="word")


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state without outputs, unless a test says otherwise."""
    monkeypatch.setattr(image, "own_outputs", dict)


def choose(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    release: Release,
    running: RunningImage | None,
) -> str | Build:
    monkeypatch.setattr(image, "running_image", Mock(return_value=running))
    return choose_image(settings, release, NAMES)


def test_a_named_image_wins_and_nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Mock()
    monkeypatch.setattr(image, "running_image", asked)
    settings = Settings(image="a:1")
    assert choose_image(settings, Release(), NAMES) == "a:1"
    assert choose_image(settings, Release(image="b:1"), NAMES) == "b:1"
    asked.assert_not_called()


def test_with_a_pipeline_the_running_image_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(monkeypatch, PIPELINE, Release(), RUNNING) == RUNNING.uri


@pytest.mark.parametrize(
    ("built", "app", "kept"),
    [("x", "app", True), ("y", "app", False), (None, "app", False), ("x", "nowhere", False)],
)
def test_what_the_state_has_is_named_again_while_it_runs(
    built: str | None, app: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "own_outputs", lambda: {BUILT_TAG: built})
    settings = Settings(github_token="word", app_path=app)
    found = choose(monkeypatch, settings, Release(), RUNNING)
    assert isinstance(found, Build) is kept
    assert kept or found == RUNNING.uri
    if isinstance(found, Build):
        assert (found.tag, found.pushed) == ("x", True)


def test_with_a_pipeline_build_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose(monkeypatch, PIPELINE, Release(build=True), RUNNING), Build)


def test_with_a_pipeline_and_no_service_the_app_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose(monkeypatch, PIPELINE, Release(), None), Build)


def test_without_a_pipeline_the_app_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    build = choose(monkeypatch, Settings(), Release(), RUNNING)
    assert isinstance(build, Build)
    assert build.context.folder == image.PROJECT_ROOT / "app"
    assert build.tag == build.context.digest(build.platform)


@pytest.mark.parametrize("settings", [Settings(), PIPELINE], ids=["no pipeline", "pipeline"])
def test_what_runs_already_is_built_again_only_by_the_state_that_has_it(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """After a rollback, say, the state has another image, and a tag can't be pushed twice."""
    tag = image.app_build(settings).tag
    running = RunningImage("host/fargate-cd-dev@sha256:1", frozenset({tag}), frozenset({tag, "x"}))
    for built, expected in ((tag, tag), ("x", running.uri), (None, running.uri)):
        monkeypatch.setattr(image, "own_outputs", lambda built=built: {BUILT_TAG: built})
        chosen = choose(monkeypatch, settings, Release(build=True), running)
        assert (chosen.tag if isinstance(chosen, Build) else chosen) == expected


def test_each_architecture_has_a_tag_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    builds = [
        choose(monkeypatch, Settings(architecture=name), Release(), None)
        for name in ("X86_64", "ARM64")
    ]
    assert [build.platform for build in builds if isinstance(build, Build)] == [
        "linux/amd64",
        "linux/arm64",
    ]
    assert len({build.tag for build in builds if isinstance(build, Build)}) == 2


def test_the_settings_name_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(image, "PROJECT_ROOT", tmp_path)
    (tmp_path / "shop").mkdir()
    with pytest.raises(SettingsError, match="app_path = 'app': there is no folder"):
        build_files("app", "")
    with pytest.raises(SettingsError, match="dockerfile = '': there is no file"):
        build_files("shop", "")
    (tmp_path / "shop" / "Dockerfile").touch()
    assert build_files("shop", "") == (tmp_path / "shop", tmp_path / "shop" / "Dockerfile")
    (tmp_path / "Other").touch()
    assert build_files("shop", "Other") == (tmp_path / "shop", tmp_path / "Other")


def test_files_that_can_not_be_sent_are_wrong_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(image, "PROJECT_ROOT", tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").touch()
    (tmp_path / "app" / ".dockerignore").write_text("[\n")
    with pytest.raises(SettingsError, match=r"fargate-cd:app_path: .*dockerignore, line 1"):
        choose(monkeypatch, Settings(), Release(), None)


def test_the_build_is_of_the_staged_folder() -> None:
    build = default().one("Image").inputs["build"]
    assert Path(build["context"]).parent.parent == build_context.STAGING_AREA
    assert build["dockerfile"] == f"{build['context']}/Dockerfile"


def test_nothing_but_new_content_builds_again() -> None:
    assert default().one("Image").options["ignoreChanges"] == ["build", "registry"]


def test_the_build_knows_its_release() -> None:
    made = default().one("Image")
    assert made.inputs["build"]["args"]["RELEASE"] == made.name.removeprefix("image-")
    assert made.inputs["build"]["platform"] == "linux/amd64"


def test_the_registrys_password_is_a_secret() -> None:
    password = default().one("Image").inputs["registry"]
    assert "4dabf18193072939515e22adb298388d" in str(password), "marked as a secret"
