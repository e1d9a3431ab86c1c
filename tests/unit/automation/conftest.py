"""Shared parts: a screen that writes into memory, and a stack's settings file."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from automation.aws.clients import Cloud
from automation.screen import Screen
from automation.stack.program import load_sdk


@dataclass
class Captured:
    """A screen, and what was written to it."""

    screen: Screen
    out: io.StringIO
    err: io.StringIO


def await_words(words: str, captured: Captured) -> None:
    """Return once something was said on standard error."""
    deadline = time.monotonic() + 30
    while words not in captured.err.getvalue():
        assert time.monotonic() < deadline, captured.err.getvalue()
        time.sleep(0.01)


@pytest.fixture(scope="session", autouse=True)
def _sdk() -> None:
    """What `release_program` loads in a thread; other tests use the SDK meanwhile."""
    load_sdk()


@pytest.fixture
def captured() -> Captured:
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(out=Console(file=out, width=200), err=Console(file=err, width=200))
    return Captured(screen, out, err)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An account that moto emulates in this process."""
    from moto import mock_aws  # most tests need no emulator, which takes a second to import

    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds, made for each test
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Cloud("us-east-1")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with one stack, `local`."""
    (tmp_path / "Pulumi.yaml").write_text("name: fargate-cd\nruntime: python\n")
    (tmp_path / "Pulumi.local.yaml").write_text(
        "config:\n  aws:region: us-east-1\n  fargate-cd:target: local\n"
    )
    return tmp_path


def script(path: Path, body: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path
