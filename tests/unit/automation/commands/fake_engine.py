"""An engine and a backend in memory, for tests of what a command does around them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi import automation as auto
from pulumi.automation import CommandResult
from pulumi.automation.errors import create_command_error

from automation.commands import destroy as destroying
from automation.commands import up as updating
from automation.deployment import processes
from automation.deployment import report as reporting
from automation.deployment.verdict import Verdict
from automation.diagnosis.evidence import Facts
from automation.errors import ConfigurationError
from automation.leftovers.search import Leftover
from automation.stack import engine_operations
from automation.stack.target import TARGETS

STACK = "dev"
URL = "http://app.example"


def failing(stderr: str) -> Exception:
    """What the Automation API raises for a failed command of the engine."""
    return create_command_error(CommandResult("", stderr, 255))


@dataclass
class FakeEngine:
    """A backend, what was run on it, and what the cloud would answer meanwhile.

    Attributes:
        stacks: the stacks that exist.
        ran: the operations, in their order.
        errors: operation → what it raises, once each.
        during: called in the midst of every operation.
        cancelled: called when the locks of the stack are freed.
        refusal: what the checks before an update say.
        answers: whether the service's address answers.
        left: what a destroyed stack leaves.
        sharers: who else runs in its place.
        stopped: set when the engine is asked to stop.
        verdict: on the deployment.
    """

    stacks: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    during: Callable[[], None] = lambda: None
    cancelled: Callable[[], object] = lambda: None
    refusal: ConfigurationError | None = None
    answers: bool = True
    left: list[Leftover] = field(default_factory=list)
    sharers: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    verdict: Verdict = field(default_factory=lambda: Verdict("succeeded", "", own=True))

    def open(
        self, file: Any, _target: Any, _engine: Any, _program: Any, create: bool = False
    ) -> tuple[Any, bool]:
        """As `open_stack`."""
        made = file.name not in self.stacks
        if made and not create:
            raise ConfigurationError(f"no stack {file.name}")
        self.stacks.add(file.name)
        return FakeStack(file.name, self), made

    def workspace(self) -> Any:
        """As `open_workspace`."""
        state = json.dumps({"version": 3, "deployment": {}})
        return SimpleNamespace(
            remove_stack=lambda name, **_: self.stacks.discard(name),
            list_stacks=lambda: [SimpleNamespace(name=each) for each in self.stacks],
            pulumi_command=SimpleNamespace(
                run=lambda *_: CommandResult(state, "", 0), stop=self.stopped.set
            ),
            work_dir="",
            env_vars={},
        )

    def run(self, operation: str) -> None:
        """Note an operation; it may fail."""
        self.ran.append(operation)
        self.during()
        waiting = self.errors.get(operation)
        if waiting:
            raise waiting.pop(0)

    def check(self, *_: Any) -> None:
        """The checks before an update."""
        if self.refusal:
            raise self.refusal


class FakeStack:
    """A stack of the Automation API, as far as the commands use it."""

    def __init__(self, name: str, engine: FakeEngine) -> None:
        self.name = name
        self._engine = engine
        self.workspace = engine.workspace()

    def up(self, **_: Any) -> Any:
        self._engine.run("up")
        return SimpleNamespace(outputs=self.outputs())

    def preview(self, **_: Any) -> None:
        self._engine.run("preview")

    def preview_refresh(self, **_: Any) -> None:
        self._engine.run("preview_refresh")

    def refresh(self, **_: Any) -> None:
        self._engine.run("refresh")

    def cancel(self) -> None:
        self._engine.cancelled()

    def destroy(self, **_: Any) -> None:
        self._engine.run("destroy")

    def outputs(self) -> dict[str, auto.OutputValue]:
        return {"service_url": auto.OutputValue(URL, False)}


def install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> FakeEngine:
    """Put a fake engine in the place of Pulumi's, and recorded words in the place of AWS's."""
    engine = FakeEngine()
    target = replace(
        TARGETS["aws"],
        prepare=lambda _screen, _start: {},
        work_dir=lambda stack: folder / "work" / stack,
        lock_dir=lambda: folder / "locks",
        free=True,
    )
    monkeypatch.setitem(TARGETS, "aws", target)
    monkeypatch.setattr(engine_operations, "obtain_engine", lambda _note: SimpleNamespace())
    monkeypatch.setattr(engine_operations, "open_stack", engine.open)
    monkeypatch.setattr(engine_operations, "open_workspace", lambda *_: engine.workspace())
    silent = nullcontext(SimpleNamespace(lines=list))
    for module in (updating, reporting):
        monkeypatch.setattr(module, "watched", lambda _session: silent)
    monkeypatch.setattr(updating.checks, "check", engine.check)
    monkeypatch.setattr(updating.task_count, "tell", lambda _session: None)
    monkeypatch.setattr(updating.newer_release, "unknown_release", lambda _session: [])
    monkeypatch.setattr(processes, "await_verdict", lambda *_: engine.verdict)
    monkeypatch.setattr(
        reporting, "url_answers", lambda *_, **__: (engine.answers, f"{URL}/ was asked")
    )
    monkeypatch.setattr(reporting, "gather", lambda *_: Facts())
    monkeypatch.setattr(reporting, "describe_service", lambda *_: None)
    monkeypatch.setattr(destroying.cleanup, "clean_up", lambda *_: 0)
    monkeypatch.setattr(destroying.finders, "prepare", lambda _: None)
    monkeypatch.setattr(destroying.finders, "search", lambda *_: engine.left)
    monkeypatch.setattr(destroying, "sharers", lambda *_: engine.sharers)
    (folder / "work" / STACK).mkdir(parents=True)
    return engine
