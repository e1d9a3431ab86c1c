"""The outputs that a stack's last update left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from pulumi.runtime.invoke import InvokeResult

from infra import own_outputs
from infra.own_outputs import READ_OUTPUTS, TRIES

BEING_WRITTEN = f"invoke of {READ_OUTPUTS} failed: failed to load checkpoint: EOF"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine answers, first one first: an error, or nothing for outputs."""
    answers: list[str] = []

    def invoke(function: str, arguments: Mapping[str, Any]) -> InvokeResult:
        if words := answers.pop(0):
            raise Exception(words)
        return InvokeResult({"outputs": {"url": "http://x", "asked": [function, arguments]}})

    monkeypatch.setattr(pulumi.runtime, "invoke", invoke)
    monkeypatch.setattr(own_outputs, "PAUSE", 0)
    for name, value in (("organization", "o"), ("project", "p"), ("stack", "s")):
        monkeypatch.setattr(pulumi, f"get_{name}", lambda value=value: value)
    return answers


def test_outputs_are_read_by_the_engines_own_function(asked: list[str]) -> None:
    asked.append("")
    assert own_outputs.own_outputs() == {
        "url": "http://x",
        "asked": [READ_OUTPUTS, {"name": "o/p/s"}],
    }


def test_a_state_that_is_being_written_is_read_again(asked: list[str]) -> None:
    asked += [BEING_WRITTEN] * (TRIES - 1) + [""]
    assert own_outputs.own_outputs()["url"] == "http://x"


def test_a_state_that_stays_unreadable_is_an_error(asked: list[str]) -> None:
    asked += [BEING_WRITTEN] * TRIES
    with pytest.raises(Exception, match="failed to load checkpoint"):
        own_outputs.own_outputs()


def test_any_other_error_is_told_at_once(asked: list[str]) -> None:
    asked += ["access denied", ""]
    with pytest.raises(Exception, match="access denied"):
        own_outputs.own_outputs()
    assert asked == [""]
