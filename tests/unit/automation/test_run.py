"""The command line: exit codes, JSON on standard output alone, and words instead of tracebacks."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from botocore.exceptions import (
    ClientError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from typer.testing import CliRunner

from automation import paths, run
from automation.aws.refusals import CLOCK, LOGIN
from automation.command_line.command import command, execute
from automation.command_line.options import Branch
from automation.errors import ChangesFound, ConfigurationError, DriverError, Stopped, UpdateRunning
from automation.machine import smoke_leftovers
from automation.screen import Screen
from automation.stack import operations
from automation.unexpected_errors import AGAIN, after_changes, in_words
from infra.names import preview_stack
from tests.unit.automation.conftest import Captured

SCRIPT = Path(run.__file__)
GROUP: Any = typer.main.get_command(run.app)
VERBS: dict[str, Any] = {
    **{name: each for name, each in GROUP.commands.items() if name not in ("local", "pipeline")},
    **{f"pipeline {n}": each for n, each in GROUP.commands["pipeline"].commands.items()},
}


ALL: dict[str, Any] = VERBS | {
    f"local {name}": each for name, each in GROUP.commands["local"].commands.items()
}


def driver(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        check=False,
        env=os.environ | {"PYTHONPATH": ""},
    )


def test_it_runs_as_a_script_from_anywhere(tmp_path: Path) -> None:
    done = driver("outputs", "--stack", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert "no stack 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_verb_is_a_usage_error() -> None:
    done = driver("destory")
    assert done.returncode == 2
    assert done.stdout == ""


def test_an_error_under_json_is_one_document() -> None:
    done = driver("up", "--stack", "nowhere", "--json", "--yes")
    assert done.returncode == 2
    assert "no stack 'nowhere'" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            "up --imag x --json",
            "No such option: --imag (Possible options: --image). See `run.py up",
        ),
        ("rollback --json --to x", "Invalid value for '--to'"),
        ("--json", "No such option: --json"),
        ("destory --json", "No such command 'destory'"),
        ("pipeline stop --json", "See `run.py pipeline --help`."),
        ("exec --json", "Missing argument"),
    ],
)
def test_a_wrong_command_line_is_told_as_any_other_error(
    arguments: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        run.main()
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert words in json.loads(told.out)["error"]
    assert told.err.startswith("Error: ")


def test_the_end_of_a_command_looks_for_no_garbage() -> None:
    """The classes of the SDK are a million objects, which Python would look through at its end."""
    code = f"""if True:
        import atexit, gc, runpy, sys
        atexit.register(lambda: print("frozen:", gc.get_freeze_count() > 0))  # called last
        sys.argv = ["run.py", "--help"]
        runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "frozen: True"


def test_what_follows_two_hyphens_is_no_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", "rollback", "--to", "x", "--", "--json"])
    with pytest.raises(SystemExit):
        run.main()
    assert capsys.readouterr().out == ""


def options(name: str) -> set[str]:
    return {option for parameter in VERBS[name].params for option in parameter.opts}


@pytest.mark.parametrize("name", sorted(VERBS.keys() - {"use"}))
def test_every_command_takes_the_common_options(name: str) -> None:
    """As the first line of the help has it: COMMAND [--stack NAME] [--json]."""
    assert {"--stack", "--json"} <= options(name)


def test_only_commands_that_change_something_take_yes() -> None:
    asking = {"up", "destroy", "prune", "rollback", "pipeline approve", "pipeline reject"}
    assert {name for name in VERBS if "--yes" in options(name)} == asking


def test_a_command_gets_the_stack_that_its_options_mean() -> None:
    app, got = typer.Typer(), []

    @command(app, "look")
    def look(screen: Screen, stack: str, environment: str, branch: Branch = None) -> int:
        got.append((screen.json, stack, environment, branch))
        return 7

    @command(app, "other", "other")
    def other() -> int:
        return 0

    words = ["look", "--stack", "prod", "--branch", "Fix/1", "--json"]
    assert CliRunner().invoke(app, words).exit_code == 7
    assert got == [(True, preview_stack("prod", "Fix/1"), "prod", "Fix/1")]


def test_destroy_without_a_terminal_asks_nobody() -> None:
    done = driver("destroy", "--stack", "local")
    assert done.returncode == 2
    assert "--yes" in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DriverError("x"), 1),
        (ConfigurationError("x"), 2),
        (UpdateRunning("x"), 3),
        (ChangesFound("x"), 4),
        (Stopped("x"), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_has_its_exit_code(captured: Captured, error: BaseException, code: int) -> None:
    def command() -> int:
        raise error

    with pytest.raises(SystemExit) as exit_:
        execute(captured.screen, command)
    assert exit_.value.code == code
    assert captured.err.getvalue().startswith("Error: ")


@pytest.mark.parametrize(("changes", "words"), [(True, "run it again"), (False, "Interrupted.")])
def test_an_interrupted_change_says_that_it_can_go_on(
    captured: Captured, tmp_path: Path, changes: bool, words: str
) -> None:
    target = SimpleNamespace(lock_dir=lambda: tmp_path)
    held: Any = operations._alone(target, "dev") if changes else nullcontext()  # type: ignore[arg-type]

    def command() -> int:
        with held:
            raise KeyboardInterrupt

    with pytest.raises(SystemExit) as exit_:
        execute(captured.screen, command)
    assert exit_.value.code == 130
    assert words in captured.err.getvalue()
    assert ("state is saved" in captured.err.getvalue()) is changes


def test_every_change_of_a_stack_removes_what_a_dead_driver_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[bool] = []
    monkeypatch.setattr(smoke_leftovers, "remove_abandoned", lambda: removed.append(True))
    target: Any = SimpleNamespace(lock_dir=lambda: tmp_path)
    with operations._alone(target, "dev"):
        pass
    assert removed == [True]


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signals as in a terminal: where the tests were begun by nohup, SIGHUP is ignored."""
    before = {
        number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_are_interruptions(
    captured: Captured, number: signal.Signals
) -> None:
    def command() -> int:
        os.kill(os.getpid(), number)
        raise AssertionError("unreachable")

    with pytest.raises(SystemExit) as exit_:
        execute(captured.screen, command)
    assert exit_.value.code == 130


@pytest.mark.usefixtures("handlers")
def test_under_nohup_a_closed_terminal_interrupts_nothing(captured: Captured) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def command() -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    with pytest.raises(SystemExit) as exit_:
        execute(captured.screen, command)
    assert exit_.value.code == 0


def test_a_fault_is_a_sentence_with_its_traceback_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        raise KeyError("missing")
    except KeyError as fault:
        error = in_words(fault)
    assert "KeyError: 'missing'" in error.message
    found = re.search(r"traceback is in (\S+)\.$", error.message)
    assert found is not None
    assert "Traceback" in Path(found[1]).read_text()


def test_a_refusal_of_aws_is_a_sentence() -> None:
    response = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}
    error = in_words(ClientError(response, "DescribeServices"))
    assert error.message == "DescribeServices was refused: not authorized (AccessDenied)"
    assert error.exit_code == 1


SKEWED = "Signature expired: 20261128T120000Z is now earlier than 20261128T124500Z"


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("ExpiredTokenException", "The security token is expired", [LOGIN]),
        ("ExpiredToken", "The provided token has expired.", [LOGIN]),
        ("UnrecognizedClientException", "The security token is invalid.", [LOGIN]),
        ("SignatureDoesNotMatch", SKEWED, [CLOCK]),
        ("InvalidSignatureException", "Signature not yet current: later", [CLOCK]),
        ("RequestTimeTooSkewed", "The difference is too large.", [CLOCK]),
        ("RequestExpired", "Request has expired.", [LOGIN, CLOCK]),
    ],
)
def test_expired_credentials_and_a_wrong_clock_are_told_with_the_remedy(
    code: str, message: str, words: list[str]
) -> None:
    fault = ClientError({"Error": {"Code": code, "Message": message}}, "DescribeServices")
    error = in_words(fault)
    assert error.exit_code == 2
    assert f"DescribeServices was refused: {message} ({code}): " in error.message
    assert all(word in error.message for word in words)
    with pytest.raises(DriverError, match=re.escape(words[0])) as later, after_changes():
        raise fault
    assert later.value.exit_code == 1
    assert later.value.evidence == [AGAIN]


def test_a_signature_that_is_wrong_for_another_reason_is_not_the_clocks_fault() -> None:
    response = {"Error": {"Code": "SignatureDoesNotMatch", "Message": "It does not match."}}
    assert CLOCK not in in_words(ClientError(response, "ListRoles")).message


@pytest.mark.parametrize(
    "fault",
    [
        SSOTokenLoadError(error_msg="it is not there"),
        TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"),
        UnauthorizedSSOTokenError(),
    ],
)
def test_a_session_that_has_ended_is_told_with_the_remedy(fault: Exception) -> None:
    error = in_words(fault)
    assert LOGIN in error.message
    assert error.exit_code == 1


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full (/x): free some."),
        (errno.EDQUOT, "The disk is full (/x): free some."),
        (errno.EACCES, "This user may not write or read /x: change its owner or mode"),
        (errno.EPERM, "This user may not write or read /x: change its owner or mode"),
        (errno.EROFS, "/x is on a read-only file system"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_a_fault_of_the_machine_is_a_sentence(number: int, words: str) -> None:
    assert words in in_words(OSError(number, os.strerror(number), "/x")).message


def test_a_fault_that_can_not_be_written_down_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    message = in_words(KeyError("missing")).message
    assert "A fault of the driver: KeyError: 'missing'" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("closed", "stack", "code"),
    [(">&-", "dev", 0), ("2>&-", "dev", 0), ("<&- >&- 2>&-", "dev", 0), ("2>&-", "none", 2)],
)
def test_closed_streams_are_no_fault(closed: str, stack: str, code: int) -> None:
    command = f'"$0" automation/run.py cost --stack {stack} {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "")


def test_every_command_of_the_driver_has_a_help_text() -> None:
    runner = CliRunner()
    for each in run.app.registered_commands:
        assert each.callback is not None
        name = each.name or each.callback.__name__
        shown = runner.invoke(run.app, [name, "--help"])
        assert shown.exit_code == 0
        assert (each.callback.__doc__ or "").split()[0] in shown.output


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_shows_an_example_that_can_be_typed(name: str) -> None:
    first, _, example = ALL[name].epilog.partition("automation/run.py ")
    assert first == "Example: python "
    words = shlex.split(example)[len(name.split()) :]
    assert shlex.split(example)[: len(name.split())] == name.split()
    ALL[name].make_context(name, words)


def test_commands_stand_in_groups_with_an_example_each() -> None:
    for name, each in GROUP.commands.items():
        heading, example = each.rich_help_panel.split(", such as ")
        assert heading, name
        assert example.strip("`").removeprefix("run.py ").split()[0] in GROUP.commands


def test_the_version_and_the_short_help() -> None:
    done = driver("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"fargate-cd [\d.]+( \([0-9a-f]+(-dirty)?\))?, Pulumi [\d.]+\n", done.stdout
    )
    assert "Example" in CliRunner().invoke(run.app, ["up", "-h"]).output


def test_the_driver_can_be_run_by_its_name() -> None:
    assert os.access(SCRIPT, os.X_OK)


def test_a_question_is_answered_by_yes_or_refused() -> None:
    Screen(yes=True).confirm("Destroy?")
    with pytest.raises(ConfigurationError, match="add --yes"):
        Screen().confirm("Destroy?")
