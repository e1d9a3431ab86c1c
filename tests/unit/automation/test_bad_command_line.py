"""Command lines that are anything: each ends with words and an exit code, and touches nothing."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from automation import run
from tests.unit.automation.test_run import ALL
from tests.unit.bad_input import bounded

MACHINE = ("doctor", "local", "use")
"""Commands of this machine rather than of a stack."""
VERBS = st.sampled_from(sorted(verb for verb in ALL if not verb.startswith(MACHINE)))
NOWHERE = "nowhere"
"""A stack without a settings file: every command of it is refused before anything is asked."""
OPTIONS = sorted(
    {option for verb in ALL.values() for parameter in verb.params for option in parameter.opts}
)
WORDS = st.text(st.characters(exclude_characters="\0"), max_size=20) | st.sampled_from(
    [*OPTIONS, "--", "-", "--=", "--stack=", "-9", "\udcff", "9" * 5000, "@a", "$(a)"]
)
"""What the shell can hand over: no NUL, and bytes that are no UTF-8 as surrogates."""


def ended(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["run.py", *arguments])
        patch.setenv("FARGATE_CD_STACK", NOWHERE)
        with pytest.raises(SystemExit) as end:
            run.main()
    code = end.value.code
    assert isinstance(code, int)
    written = [bytes(stream.buffer.getvalue()).decode() for stream in (out, err)]
    return code, written[0], written[1]


@bounded(100)
@given(VERBS | WORDS, st.lists(WORDS, max_size=4))
@example("up", ["--branch", "\udcff", "--json"])
@example("up", ["--image", "x" * 5000, "--json", "--yes"])
@example("rollback", ["--to", "9" * 5000])
@example("logs", ["--tail", "-1"])
@example("prune", ["--at", "9999-99-99"])
@example("\udcff", ["--json"])
def test_any_command_line_ends_in_words(verb: str, words: list[str]) -> None:
    arguments = [*verb.split(" "), *words]
    code, out, err = ended(arguments)
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    helped = {"-h", "--help", "--version"} & set(own)
    assert code == 2 or (code == 0 and helped), (code, out, err)
    assert "Traceback" not in out + err
    assert "fault of the driver" not in out + err.lower()
    if code == 2 and "--json" in own:
        assert json.loads(out)["error"]
