"""State files and memories of the driver that hold anything: read, or left to the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from automation.diagnosis import last_failure
from automation.errors import DriverError
from automation.stack import chosen, pending_creations, state_file
from tests.unit.bad_input import DEEP, bounded, values

ANYTHING = values("version", "checkpoint", "latest", "resources", "type", "urn", "outputs")
RESOURCE = st.fixed_dictionaries(
    {"type": st.just("pulumi:pulumi:Stack") | ANYTHING}, optional={"outputs": ANYTHING}
)
NEARLY = (st.lists(RESOURCE | ANYTHING, max_size=3) | ANYTHING).map(
    lambda resources: {"version": 3, "checkpoint": {"latest": {"resources": resources}}}
)


@bounded(200)
@given(st.binary(max_size=60) | (ANYTHING | NEARLY).map(lambda found: json.dumps(found).encode()))
@example(b"[" * DEEP)
@example(b'{"version": 3, "checkpoint": {"latest": {"resources": [null]}}}')
@example(b'{"version": 3, "checkpoint": {"latest": {"resources": [{"type": 1}]}}}')
def test_any_file_is_a_state_or_left_to_the_engine(tmp_path: Path, content: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(state_file.BACKEND, f"file://{tmp_path}")
        stacks = tmp_path / ".pulumi" / "stacks" / "shop"
        stacks.mkdir(parents=True, exist_ok=True)
        (stacks / "dev.json").write_bytes(content)
        state: dict[str, Any] | None = state_file.read("shop", "dev")
        if state is not None:
            outputs = state_file.outputs(state)
            assert outputs is None or all(isinstance(name, str) for name in outputs)


def test_a_memory_of_the_chosen_stack_that_is_no_text_names_no_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(chosen.VARIABLE, raising=False)
    file = tmp_path / "chosen"
    monkeypatch.setattr(chosen, "_file", lambda: file)
    file.write_bytes(b"\xff\xfe")
    assert chosen.chosen().by == "remembered by `use`"


MEMORIES = st.binary(max_size=60) | values("urn", "type", "when", "diagnosis", "cause").map(
    lambda found: json.dumps(found).encode()
)


@bounded(200)
@given(MEMORIES)
@example(b"")
@example(b"[" * DEEP)
@example(b'[{"urn": "u"}]')
def test_any_memory_of_creations_is_read_or_refused_and_kept(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "creations.json"
    file.write_bytes(content)
    said = ""
    try:
        pending_creations.with_pending({}, pending_creations.read(file))
    except DriverError as error:
        said = error.message
    assert not said or (f"{file} is damaged" in said and "run the command again" in said)
    assert file.read_bytes() == content


@bounded(200)
@given(MEMORIES)
@example(b"")
@example(b"[" * DEEP)
@example(b'{"when": "2026-11-28T12:00:00", "diagnosis": {"cause": "The build failed."}}')
def test_any_memory_of_a_failure_is_read_or_said_and_kept(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "failure.json"
    file.write_bytes(content)
    said: list[str] = []
    found = last_failure.read(file, said.append)
    assert found is None or (found.when.tzinfo and not said)
    assert found or f"{file} is damaged" in said[0]
    assert file.read_bytes() == content
