"""Text in a settings file reaches the program byte by byte, in the driver's copy and without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi import automation as auto

from automation import paths
from automation.engine import obtain_engine
from automation.stack.stack_file import load_stack_file
from automation.stack.target import Target
from automation.stack.workspace import open_workspace
from infra.settings.model import Settings

TEXTS = {
    "ACCOUNT": "012345678912",
    "NUMBER": "1e10",
    "OCTAL": "0o17",
    "DIGITS": "089",
    "VERSION": "1.10",
    "WORD": "no",
    "TIME": "12:30:45",
    "LINES": "é \U0001f600\u2028\x85\r\n\t\\ \"'",
    "LONG": "x" * 300 + " " + "y" * 300,
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    (tmp_path / "Pulumi.yaml").write_text((paths.ROOT / "Pulumi.yaml").read_text())
    config = {
        "fargate-cd:environment": TEXTS,
        "fargate-cd:tags": {"account": "012345678912"},
        "fargate-cd:pull_accounts": ["012345678912"],
        "fargate-cd:promotion": True,
    }
    text = json.dumps({"config": config}, ensure_ascii=False).replace("\x85", "\\u0085")
    (tmp_path / "Pulumi.dev.yaml").write_text(text.replace("\u2028", "\\u2028"))
    return tmp_path


@pytest.mark.parametrize("copied", [True, False])
def test_text_stays_text(project: Path, monkeypatch: pytest.MonkeyPatch, copied: bool) -> None:
    monkeypatch.setattr(paths, "ROOT", project)
    file = load_stack_file("dev", project)
    target = Target(
        "test",
        prepare=lambda _screen, _start: {},
        foreign=(),
        work_dir=lambda _stack: project / "work" if copied else project,
        lock_dir=lambda: project / "locks",
    )
    found: list[Settings] = []
    workspace = open_workspace(
        file, target, obtain_engine(print), lambda: found.append(Settings.load())
    )
    auto.Stack.create("dev", workspace).preview()
    assert dict(found[0].environment) == TEXTS
    assert found[0] == file.settings
