"""The engine's events as progress: a live table on a terminal, plain lines elsewhere.

Only names, operations, times and the engine's own messages are shown, never a property's value.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import DiagnosticEvent, StepEventMetadata
from rich.live import Live
from rich.text import Text

from automation.screen import Screen, picture

STILL_SECONDS = 15.0
"""How often a plain log says that a step is still going on."""

_COLOUR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*[A-Za-z]")

QUIET_OPERATIONS = frozenset({OpType.SAME, OpType.READ, OpType.REFRESH})

CREATIONS = frozenset({OpType.CREATE, OpType.CREATE_REPLACEMENT})

PAST: dict[str, str] = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "create-replacement": "created anew",
    "delete-replaced": "deleted the old",
    "discard": "forgotten",
    "discard-replaced": "forgotten",
    "import": "imported",
    "remove-pending-replace": "removed",
}


def plain(message: str) -> str:
    """A message without colours."""
    return _COLOUR.sub("", message).strip()


def display_name(urn: str) -> str:
    """`type name` of a URN, such as `ecs:Service fargate-cd-local`."""
    *_, kind, name = urn.split("::", 3)
    package, _, rest = kind.rpartition("$")[2].partition(":")
    return f"{package}:{rest.rpartition(':')[2]} {name}"


@dataclass
class Step:
    """A resource that is being worked on."""

    urn: str
    operation: str
    began: float
    told: float


@dataclass(frozen=True)
class Failure:
    """An error that the engine reported."""

    message: str
    urn: str | None


@dataclass(frozen=True)
class ResourceChange:
    """One planned or finished step that is not `same`."""

    urn: str
    operation: str
    properties: tuple[str, ...]
    replaced_by: tuple[str, ...] = ()


@dataclass
class Progress:
    """Receives the events of one operation; use as a context manager around it.

    Attributes:
        beside: lines that a terminal shows below the steps.
        changes: operation → number of resources, from the engine's summary.
        done: operation → number of resources that are finished.
        steps: every step that is not `same`, in order.
        failures: the engine's errors.
        drifted: what a refresh found to differ from the state.
        not_created: each creation that failed, as a resource of the state without an id.
    """

    screen: Screen
    verb: str
    preview: bool = False
    beside: Callable[[], list[str]] = list
    changes: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    steps: list[ResourceChange] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    drifted: list[ResourceChange] = field(default_factory=list)
    not_created: list[dict[str, Any]] = field(default_factory=list)
    _running: dict[str, Step] = field(default_factory=dict)
    _refreshing: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _live: Live | None = None
    _heart: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self.screen.err.is_terminal and not self.screen.quiet:
            self._live = Live(
                get_renderable=self._table,
                console=self.screen.err,
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()
        else:
            self._heart = threading.Thread(target=self._beat, daemon=True)
            self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._live:
            self._live.stop()
        if self._heart:
            self._heart.join(timeout=1)

    def on_event(self, event: EngineEvent) -> None:
        """Take one event of the engine; called from a thread of the Automation API."""
        with self._lock:
            if event.resource_pre_event:
                self._begin(event.resource_pre_event.metadata)
            elif event.res_outputs_event:
                self._end(event.res_outputs_event.metadata)
            elif event.res_op_failed_event:
                self._fail(event.res_op_failed_event.metadata)
            elif event.diagnostic_event:
                self._diagnose(event.diagnostic_event)
            elif event.summary_event:
                self.changes = Counter(
                    {_name(k): int(v) for k, v in event.summary_event.resource_changes.items()}
                )

    def _begin(self, step: StepEventMetadata) -> None:
        operation = _name(step.op)
        if step.op is OpType.REFRESH:
            self._refreshing.add(step.urn)
        if step.op in QUIET_OPERATIONS:
            return
        properties = tuple(step.detailed_diff or step.diffs or ())
        self.steps.append(ResourceChange(step.urn, operation, properties, tuple(step.keys or ())))
        now = time.monotonic()
        if shown(step):
            self._running[step.urn] = Step(step.urn, operation, now, now)

    def _end(self, step: StepEventMetadata) -> None:
        running = self._running.pop(step.urn, None)
        if running is None:
            if step.urn in self._refreshing and _differs(step):
                self._drift(step)
            return
        if self.preview:
            self._say(f"would {running.operation} {display_name(step.urn)}")
            return
        self.done[running.operation] += 1
        took = time.monotonic() - running.began
        done = PAST.get(running.operation, running.operation)
        self._say(f"{done} {display_name(step.urn)} ({took:.1f} s)")

    def _drift(self, step: StepEventMetadata) -> None:
        """Record drift: a step that began as a refresh and ended as another operation."""
        properties = tuple(step.detailed_diff or step.diffs or ())
        self.drifted.append(ResourceChange(step.urn, _name(step.op), properties))

    def _fail(self, step: StepEventMetadata) -> None:
        self._running.pop(step.urn, None)
        new = step.new
        if step.op in CREATIONS and new and new.custom:
            members = ("urn", "type", "custom", "inputs", "parent", "provider")
            self.not_created.append({name: getattr(new, name) for name in members})
        self._say(f"failed: {_name(step.op)} {display_name(step.urn)}")

    def _diagnose(self, event: DiagnosticEvent) -> None:
        message = plain(event.message)
        if not message or event.severity == "debug":
            return
        if event.severity == "error":
            self.failures.append(Failure(message, event.urn or None))
            return
        name = f"{display_name(event.urn)}: " if event.urn else ""
        mark = "warning: " if event.severity == "warning" else ""
        if event.ephemeral and self._live:
            return
        for line in message.splitlines():
            self._say(f"{mark}{name}{line}")

    def _say(self, message: str) -> None:
        self.screen.note(message)

    def _table(self) -> Text:
        # No lock here: rich calls this under its own, which `_say` needs while it holds ours.
        now = time.monotonic()
        lines = [
            f"{now - step.began:6.0f} s  {step.operation} {display_name(step.urn)}"
            for step in list(self._running.values())
        ]
        head = f"{self.verb}  {self.screen.elapsed:.0f} s"
        return picture([head, *lines, *self.beside()])

    def _beat(self) -> None:
        """Print what is still in progress from time to time, on a plain log.

        The program may wait, for a build or a copy, before the engine begins a step.
        """
        while not self._ended.wait(1.0):
            now = time.monotonic()
            with self._lock:
                for step in self._running.values():
                    if now - step.told >= STILL_SECONDS:
                        step.told = now
                        took = f"{now - step.began:.0f} s"
                        self._say(f"still at {step.operation} {display_name(step.urn)} ({took})")
            self.screen.still(f"{self.verb} goes on")


def _differs(step: StepEventMetadata) -> bool:
    """Whether what was read is not as the state has it; engines tell it in one of two ways."""
    return step.op not in QUIET_OPERATIONS or bool(step.detailed_diff or step.diffs)


def shown(step: StepEventMetadata) -> bool:
    """Whether a step is shown: cloud resources are, components and providers are not."""
    state = step.new or step.old
    return bool(state and state.custom) and not step.type.startswith("pulumi:providers:")


def _name(operation: OpType | str) -> str:
    return operation.value if isinstance(operation, OpType) else str(operation)
