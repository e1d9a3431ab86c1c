"""That an update builds nothing is said in one line, with what releases the application's files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from automation.preflight import kept_image
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

PIPELINE = {"github_owner": "o", "github_repository": "r", "github_token": "t"}


def told(
    captured: Captured,
    settings: dict[str, Any],
    image: str | None = None,
    build: bool = False,
    service: bool = True,
) -> str:
    session = SimpleNamespace(
        created=False,
        file=SimpleNamespace(settings=Settings.parse(settings)),
        cloud=None,
        service=None,
        screen=captured.screen,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_image, "describe_service", lambda *_: {} if service else None)
        kept_image.tell(session, image, build)  # type: ignore[arg-type]
    return captured.err.getvalue()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {**PIPELINE, "github_branch": "release", "app_path": "../shop"},
            ("(../shop)", "a push to release"),
        ),
        ({"promotion": True}, ("(app)", "`up --image` promotes")),
    ],
)
def test_that_nothing_is_built_is_said_in_one_line(
    captured: Captured, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    (line,) = told(captured, settings).splitlines()
    assert "The running image is kept" in line
    assert all(word in line for word in (*words, "`up --build`"))


@pytest.mark.parametrize(
    ("settings", "further"),
    [
        ({}, {}),
        (PIPELINE, {"image": "web:1"}),
        ({**PIPELINE, "image": "web:1"}, {}),
        (PIPELINE, {"build": True}),
        (PIPELINE, {"service": False}),
    ],
)
def test_nothing_is_said_where_no_running_image_is_kept(
    captured: Captured, settings: dict[str, Any], further: dict[str, Any]
) -> None:
    assert told(captured, settings, **further) == ""
