"""The releases of a stack: what all of its processes ran together.

ECS records deployments service by service. Those of different processes that went on at the same
time are one release: one update of the stack, one run of its pipeline, or one rollback. A process
that a release left alone runs in it what it ran before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from automation.aws.clients import Cloud
from automation.aws.ecs import (
    ServiceName,
    describe_service,
    service_deployments,
    service_revisions,
)
from automation.deployment.releases import STATES, Release, releases, running_image
from automation.stack.operations import Session
from automation.stack.state_file import OutputValue

IMAGE = "image_uri"
"""The output that a pipeline and `rollback` change without an update of the stack."""

APART = timedelta(seconds=30)
"""Of one release, the last deployment may begin so long after the others have ended: one of a
process without tasks ends at once."""

WORST_FIRST = ("deploying", "failed", "rolled back", "stopped", "superseded")
"""The state of a release is the worst of its processes'."""

WENT_BACK = frozenset({"failed", "rolled back", "stopped"})
"""After these a process runs what it ran before."""


@dataclass(frozen=True)
class Deployed:
    """One deployment of a process.

    Attributes:
        process: its name.
        definition: the ARN of the task definition that was to run.
        began: when it was created.
        ended: when it ended; far in the future while it goes on.
        state: how it ended.
    """

    process: str
    definition: str
    began: datetime
    ended: datetime
    state: str


@dataclass
class Group:
    """Deployments of one release, by process."""

    rows: dict[str, Deployed] = field(default_factory=dict)

    def takes(self, row: Deployed) -> bool:
        """Whether a later deployment is part of the release too."""
        ended = max((each.ended for each in self.rows.values()), default=row.began)
        return row.process not in self.rows and row.began - APART <= ended


def with_running_image(
    session: Session, outputs: Mapping[str, OutputValue]
) -> Mapping[str, OutputValue]:
    """Return the stack's outputs with the image that its service runs or rolls out now."""
    if IMAGE not in outputs:
        return outputs
    image = running_image(session.cloud, session.service)
    return {**outputs, IMAGE: OutputValue(image, False)} if image else outputs


def stack_releases(session: Session) -> list[Release]:
    """Every release that ECS remembers, newest first.

    Its number, image and commit are those of the web process, or of the process in its place. A
    release that left that one alone has the number of the one before.
    """
    found = releases(session.cloud, session.service)
    if len(session.services) == 1 or not found:
        return found
    of_lead = {release.task_definition: release for release in found}
    lead = next(iter(session.services))
    rows: dict[tuple[tuple[str, str], ...], Release] = {}
    running = _running(session)
    for group, ran in _ran(session):
        known = of_lead.get(ran.get(lead, ""))
        if known is None:
            continue
        key = tuple(sorted(ran.items()))
        rows.pop(key, None)
        state = _state(group, is_current=running == ran)
        when = min(each.began for each in group.rows.values())
        rows[key] = replace(known, when=when, state=state, processes=ran)
    told = {release.task_definition for release in rows.values()}
    older = [release for release in found if release.task_definition not in told]
    return [*reversed(rows.values()), *older]


def _ran(session: Session) -> Iterator[tuple[Group, dict[str, str]]]:
    """Each group, oldest first, and what every process ran or was to run with it."""
    ran: dict[str, str] = {}
    for group in _groups(session):
        tried = {process: row.definition for process, row in group.rows.items()}
        yield group, {**ran, **tried}
        ran |= {
            process: row.definition
            for process, row in group.rows.items()
            if row.state not in WENT_BACK
        }


def _groups(session: Session) -> list[Group]:
    rows = [
        row
        for process, name in session.services.items()
        for row in _deployed(session.cloud, process, name)
    ]
    found: list[Group] = []
    for row in sorted(rows, key=lambda each: each.began):
        if not found or not found[-1].takes(row):
            found.append(Group())
        found[-1].rows[row.process] = row
    return found


def _deployed(cloud: Cloud, process: str, name: ServiceName) -> Iterator[Deployed]:
    if describe_service(cloud, name) is None:
        return
    deployments = service_deployments(cloud, name)
    revisions = service_revisions(cloud, (d["targetServiceRevisionArn"] for d in deployments))
    for row in deployments:
        revision = revisions.get(row["targetServiceRevisionArn"])
        if revision is not None:
            yield Deployed(
                process,
                revision["taskDefinition"],
                row["createdAt"],
                row.get("finishedAt") or datetime.max.replace(tzinfo=UTC),
                STATES.get(row["status"], "deploying"),
            )


def _running(session: Session) -> dict[str, str]:
    found = {
        process: describe_service(session.cloud, name) for process, name in session.services.items()
    }
    return {process: row["taskDefinition"] for process, row in found.items() if row}


def _state(group: Group, *, is_current: bool) -> str:
    states = {row.state for row in group.rows.values()}
    worst = next(state for state in WORST_FIRST if state in states)
    return "current" if worst == "superseded" and is_current else worst


def parts(session: Session, release: Release) -> Mapping[str, str]:
    """Process → the task definition that it ran with a release, as far as that is known."""
    return release.processes or {next(iter(session.services)): release.task_definition}
