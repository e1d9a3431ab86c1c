"""`preview`: what `up` would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from pulumi import automation as auto

from automation.deployment.promotion import Promotion
from automation.engine import Engine
from automation.engine.progress import Progress, display_name
from automation.errors import ChangesFound
from automation.preflight import kept_image, task_count
from automation.previews.preview_stacks import kept_life
from automation.pricing.difference import cost_difference, print_difference
from automation.pricing.resources import Plan
from automation.recovery import newer_release
from automation.recovery.drift import Drift, classify, look, print_drift
from automation.screen import Screen
from automation.stack.operations import Program, Session, no_changes, opened, shown_changes
from automation.stack.program import release_program
from automation.stack.stack_file import StackFile


def preview(
    stack: str,
    screen: Screen,
    image: str | None = None,
    build: bool = False,
    branch: str | None = None,
    expect_no_changes: bool = False,
    look_for_drift: bool = True,
) -> int:
    """Show what `up` would change and what has drifted, and change nothing.

    Raises:
        ChangesFound: there are changes, and none were expected.
    """
    life: dict[str, object] = {}
    promotion = Promotion(screen)

    def program(file: StackFile) -> Program:
        return release_program(file, image, build, life, promotion=promotion)

    with opened(stack, screen, program, create=True) as session:
        promotion.session = session
        if session.file.environment:
            life |= kept_life(session, branch, datetime.now(UTC))
        try:
            task_count.tell(session)
            kept_image.tell(session, image, build)
            with _drift(session, look_for_drift and not session.created) as drift:
                plan = planned(session)
                drifted = drift()
        finally:
            if session.created:  # the engine previews stacks that exist; a preview leaves none
                session.remove()
    screen.document(
        {
            "stack": stack,
            "changes": plan.changes,
            "resources": plan.resources,
            "drifted": [drift.document() for drift in drifted],
            "cost": plan.cost,
        }
    )
    print_drift(screen, drifted)
    print_plan(screen, stack, plan)
    if expect_no_changes and plan.wanted:
        raise ChangesFound(f"The stack {stack} was expected to be up to date, but: {plan.summary}.")
    return 0


@dataclass(frozen=True)
class UpdatePlan:
    """What an update would change, and what that costs.

    Attributes:
        changes: operation → number of resources.
        resources: each resource that would change.
        cost: the difference in cost a month; see `cost_difference`.
    """

    changes: dict[str, int]
    resources: list[dict[str, Any]]
    cost: dict[str, Any]

    @property
    def wanted(self) -> dict[str, int]:
        """Operation → number of resources, without those that stay as they are."""
        return {name: n for name, n in self.changes.items() if n and name != "same"}

    @property
    def summary(self) -> str:
        """Such as `1 to create, 2 to update`."""
        return ", ".join(f"{n} to {name}" for name, n in self.wanted.items()) or "no changes"


def planned(session: Session) -> UpdatePlan:
    """What an update of an open stack would change."""
    seen = Planned()
    changes, resources = _planned(session, seen)
    return UpdatePlan(changes, resources, cost_difference(seen.plan, session.file))


def print_plan(screen: Screen, stack: str, plan: UpdatePlan) -> None:
    """Print each change, their number, and what they cost."""
    for row in plan.resources:
        of = f" ({', '.join(row['properties'])})" if row["properties"] else ""
        screen.result(f"  {row['operation']:<8} {display_name(row['urn'])}{of}")
    screen.result(f"{stack}: {plan.summary}, {plan.changes['same']} unchanged")
    print_difference(screen, plan.cost)


def _planned(session: Session, planned: Planned) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Operation → number of resources, and those that would change.

    `up` reads the service and its task definition anew where the state does not know the release
    that runs, so the two are planned by themselves then, after a refresh.
    """
    unknown = newer_release.unknown_release(session)
    changes, rows = session.perform(
        "Previewing", partial(planned.preview, without=unknown), preview=True
    )
    if unknown:
        _, more = session.perform(
            "Previewing the release",
            partial(Planned().preview, refreshed=unknown),
            preview=True,
        )
        changes = Counter(changes) + Counter(row["operation"] for row in more)
        changes = {**no_changes(), **changes, "same": changes["same"] - len(more)}
        rows += more
    return changes, rows


@contextmanager
def _drift(session: Session, wanted: bool) -> Iterator[Callable[[], list[Drift]]]:
    """Read every resource while the block plans; yields what waits for the answer."""
    if not wanted:
        yield list
        return
    silent = replace(session, screen=replace(session.screen, quiet=True))
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(silent.perform, "Looking for drift", look, preview=True)

        def answer() -> list[Drift]:
            if not reading.done():
                session.screen.note("Looking for drift")
            return classify(reading.result(), session.file.settings)

        try:
            yield answer
        except BaseException:
            cast(Engine, session.stack.workspace.pulumi_command).stop()
            raise


class Planned:
    """The engine's preview, and every resource before and after."""

    def __init__(self) -> None:
        self.plan = Plan()

    def preview(
        self,
        stack: auto.Stack,
        progress: Progress,
        without: Sequence[str] = (),
        refreshed: Sequence[str] = (),
    ) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Operation → number of resources, and those that would change.

        Args:
            stack: the engine's side of the stack.
            progress: receives the events.
            without: URNs to leave out.
            refreshed: the only URNs to plan, after they were read anew; all by default.
        """

        def on_event(event: auto.EngineEvent) -> None:
            progress.on_event(event)
            self.plan.on_event(event)

        stack.preview(
            on_event=on_event,
            suppress_outputs=True,
            suppress_progress=True,
            exclude=list(without) or None,
            target=list(refreshed) or None,
            refresh=bool(refreshed),
        )
        rows = [
            {"urn": s.urn, "operation": s.operation, "properties": list(s.properties)}
            for s in progress.steps
            if s.operation in {"create", "update", "delete", "replace", "import"}
        ]
        return shown_changes(progress), rows
