"""`destroy` of an environment that has previews."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.commands import destroy as destroying
from automation.commands.destroy import Removed
from automation.errors import ConfigurationError, DriverError
from automation.stack import stack_file
from tests.unit.automation.conftest import Captured
from tests.unit.automation.previews.given import removing


@contextmanager
def opened(stack: str, *_: object, **__: object) -> Iterator[Any]:
    """A stack of which only the name is asked for."""
    yield SimpleNamespace(file=SimpleNamespace(name=stack))


@pytest.fixture
def inhabited(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with two previews."""
    monkeypatch.setattr(
        destroying, "load_stack_file", lambda name: stack_file.load_stack_file(name, project)
    )
    monkeypatch.setattr(destroying, "connected", lambda *_: None)
    monkeypatch.setattr(destroying, "opened", opened)
    monkeypatch.setattr(destroying, "_refuse_shared", lambda *_: None)
    names = ["local-preview-a", "local-preview-b"]
    monkeypatch.setattr(destroying, "preview_names", lambda _: names)


@pytest.mark.usefixtures("inhabited")
def test_an_environment_with_previews_is_not_destroyed(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured.screen.yes = True
    asked = removing(monkeypatch, {})
    with pytest.raises(ConfigurationError, match="--with-previews") as error:
        destroying.destroy("local", captured.screen)
    assert error.value.evidence == ["local-preview-a", "local-preview-b"]
    assert (error.value.exit_code, asked) == (2, [])


@pytest.mark.usefixtures("inhabited")
def test_previews_go_before_their_environment(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured.screen.yes = True
    asked = removing(monkeypatch, {})
    assert destroying.destroy("local", captured.screen, with_previews=True) == 0
    assert asked == ["local-preview-a", "local-preview-b", "local"]


@pytest.mark.usefixtures("inhabited")
def test_an_environment_stays_while_a_preview_does(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured.screen.yes = True
    asked = removing(monkeypatch, {"local-preview-a": Removed(1, [], DriverError("no"))})
    assert destroying.destroy("local", captured.screen, with_previews=True) == 1
    assert asked == ["local-preview-a", "local-preview-b"]
