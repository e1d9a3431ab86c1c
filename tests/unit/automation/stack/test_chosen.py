"""Which stack a command without --stack works on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from automation import run
from automation.command_line.command import command
from automation.commands import doctor as doctoring
from automation.commands.use import use
from automation.errors import ConfigurationError
from automation.stack.chosen import chosen, remember, suggestion
from automation.stack.stack_file import load_stack_file
from automation.stack.target import TARGETS
from tests.unit.automation.conftest import Captured


@pytest.fixture(autouse=True)
def nothing_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("FARGATE_CD_STACK", raising=False)


def worked_on(*arguments: str) -> str:
    app, got = typer.Typer(), []

    @command(app, "look")
    def look(stack: str) -> int:
        got.append(stack)
        return 0

    @command(app, "other", "other")
    def other() -> int:
        return 0

    assert CliRunner().invoke(app, ["look", *arguments]).exit_code == 0
    return got[0]


def test_the_option_wins_then_the_environment_then_what_was_remembered(
    monkeypatch: pytest.MonkeyPatch, captured: Captured
) -> None:
    assert worked_on() == "dev"
    assert use("local", captured.screen) == 0
    assert worked_on() == "local"
    monkeypatch.setenv("FARGATE_CD_STACK", "prod")
    assert worked_on() == "prod"
    assert worked_on("--stack", "dev") == "dev"


def test_an_unknown_stack_is_not_remembered(captured: Captured) -> None:
    with pytest.raises(ConfigurationError, match=r"no stack 'lokal'.* Did you mean local\?"):
        use("lokal", captured.screen)
    assert chosen().stack == "dev"


def test_use_says_which_stack_is_in_use(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FARGATE_CD_STACK", "prod")
    captured.screen.json = True
    assert use("local", captured.screen) == 0
    assert json.loads(capsys.readouterr().out) == {
        "stack": "prod",
        "by": "set by FARGATE_CD_STACK",
    }
    assert "FARGATE_CD_STACK=prod wins over local: unset it" in captured.err.getvalue()


def test_doctor_shows_the_choice(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctoring, "checks", lambda _target: [])
    remember("local")
    doctoring.doctor("local", captured.screen)
    doctoring.doctor("dev", captured.screen)
    assert "stack: local (remembered by `use`)" in captured.out.getvalue()
    assert "stack: dev (--stack)" in captured.out.getvalue()


def test_a_shell_completes_the_names_of_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_RUN.PY_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "run.py status --stack lo")
    monkeypatch.setenv("COMP_CWORD", "3")
    done = CliRunner().invoke(run.app, [], prog_name="run.py")
    assert done.output.split() == ["local"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("prdo", " Did you mean prod?"), ("x", ""), ("lcal", " Did you mean local?")],
)
def test_a_name_that_is_like_another_one_is_suggested(wrong: str, said: str) -> None:
    assert suggestion(wrong, ["dev", "local", "prod"]) == said


def test_a_command_that_reads_starts_no_local_cloud(
    captured: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARGATE_CD_STATE_DIR", str(tmp_path / "cloud"))
    with pytest.raises(ConfigurationError, match=r"run\.py local start"):
        TARGETS["local"].activate(captured.screen, start=False)
    assert not (tmp_path / "cloud" / "locks").exists()


def test_a_remembered_stack_without_a_file_is_told_to_be_remembered() -> None:
    remember("gone")
    with pytest.raises(ConfigurationError, match=r"no stack 'gone' \(remembered by `use`\): "):
        load_stack_file("gone")
    with pytest.raises(ConfigurationError, match=r"no stack 'other': "):
        load_stack_file("other")
