"""The state of a stack, read from a backend that is a folder; everything else is the engine's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from automation.stack import state_file

ROOT = {"type": "pulumi:pulumi:Stack", "outputs": {"service_url": "http://a", "ports": [1]}}
SECRET = {state_file.SPECIAL: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the backend keeps the stacks of a project."""
    monkeypatch.setenv(state_file.BACKEND, f"file://{tmp_path}?metadata=skip")
    stacks = tmp_path / ".pulumi" / "stacks" / "shop"
    stacks.mkdir(parents=True)
    return stacks


def write(folder: Path, latest: Any) -> None:
    (folder / "dev.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))


def test_a_state_is_read_as_the_engine_exports_it(folder: Path) -> None:
    write(folder, {"resources": [ROOT]})
    state = state_file.read("shop", "dev")
    assert state == {"version": 3, "deployment": {"resources": [ROOT]}}
    found = state_file.outputs(state)
    assert found is not None
    assert found["ports"] == state_file.OutputValue([1], secret=False)


def test_a_stack_without_an_update_has_no_outputs(folder: Path) -> None:
    write(folder, None)
    state = state_file.read("shop", "dev")
    assert state is not None
    assert state_file.outputs(state) == {}


def test_a_secret_is_left_to_the_engine() -> None:
    root = {**ROOT, "outputs": {"list": [{"inside": SECRET}]}}
    assert state_file.outputs({"deployment": {"resources": [root]}}) is None


@pytest.mark.parametrize("text", ["", '{"version": 3, "checkpo', "[]", '{"version": 3}', "null"])
def test_a_file_that_is_cut_off_is_left_to_the_engine(folder: Path, text: str) -> None:
    (folder / "dev.json").write_text(text)
    assert state_file.find("shop", "dev") is not None
    assert state_file.read("shop", "dev") is None


@pytest.mark.parametrize("backend", ["s3://bucket", "https://api.pulumi.com", "file://~", ""])
def test_other_backends_are_left_to_the_engine(
    folder: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    write(folder, {"resources": [ROOT]})
    monkeypatch.setenv(state_file.BACKEND, backend)
    assert state_file.find("shop", "dev") is None
    assert state_file.read("shop", "dev") is None


def test_the_stacks_of_a_project_are_listed(folder: Path) -> None:
    for name in ("dev.json", "dev.json.bak", "dev.json.attrs", "dev-preview-a.b.json"):
        (folder / name).touch()
    (folder.parents[1] / "meta.yaml").write_text("version: 1\n")
    assert state_file.names("shop") == ["dev", "dev-preview-a.b"]
    assert state_file.names("another") == []


def test_a_new_backend_has_no_stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(state_file.BACKEND, f"file://{tmp_path}")
    assert state_file.names("shop") == []


@pytest.mark.parametrize("form", ["older", "packed", "missing", "remote"])
def test_a_list_of_another_form_is_left_to_the_engine(
    folder: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    (folder / "dev.json").touch()
    if form != "older":
        (folder.parents[1] / "meta.yaml").touch()
    if form == "packed":
        (folder / "other.json.gz").touch()
    if form == "missing":
        monkeypatch.setenv(state_file.BACKEND, f"file://{folder}/missing")
    if form == "remote":
        monkeypatch.setenv(state_file.BACKEND, "s3://bucket")
    assert state_file.names("shop") is None
