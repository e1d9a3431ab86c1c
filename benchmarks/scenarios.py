"""What is measured: each scenario is one run of several rows, each row beside its peers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks import measure, plain
from benchmarks.place import STACK, Place
from benchmarks.rollout_load import Load, Outcome

Figures = Mapping[str, Mapping[str, float]]
"""Row → who → figure; `ours` is the driver's."""

ECS_CLIENT = "import boto3; boto3.client('ecs').list_clusters()"
STEADY_SECONDS = 20


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        title: what is done.
        unit: of its figures.
        peer: whose figure it is held against; None where it stands alone.
        wanted: the most that it may be: times the peer's figure, or without a peer in its unit.
    """

    title: str
    unit: str
    peer: str | None
    wanted: float | None = None


ROWS: Mapping[str, Row] = {
    "outputs": Row("`outputs`", "s of processor time", None, 1.0),
    "status": Row("`status`", "s of processor time", None, 1.0),
    "logs": Row("`logs`", "s of processor time", None, 1.0),
    "preview": Row("`preview`, nothing changed", "s", "flat program", 1.3),
    "preview_cpu": Row("the same", "s of processor time", "flat program"),
    "preview_no_drift": Row("`preview --no-drift`", "s", "flat program"),
    "up": Row("`up`, nothing changed", "s", "flat program", 1.3),
    "first_up": Row("first `up` until the rollout is complete", "s", "boto3", 1.3),
    "change": Row("one variable changed, until complete", "s", "boto3", 1.15),
    "destroy": Row("`destroy`", "s", "boto3", 3.0),
    "p99": Row("99th percentile of requests in a rollout", "ms", "without a rollout"),
    "lost": Row("requests lost in a rollout", "requests", "without a rollout", 0.0),
    "preview_stack": Row("preview stack of a branch, until complete", "s", None),
    "push_answer": Row("`git push` until the first new answer", "s", "shell script"),
    "push_complete": Row("`git push` until the rollout is complete", "s", "shell script"),
}


def starts(place: Place) -> Figures:
    """Commands that only look."""
    boto3 = place.python(ECS_CLIENT).cpu
    return {
        name: {"ours": place.drive(name, *STACK).cpu, "Python with boto3": boto3}
        for name in ("outputs", "status", "logs")
    }


def unchanged(place: Place) -> Figures:
    """A preview and an update that find nothing to change."""
    ours, floor, empty = (
        place.drive("preview", *STACK),
        place.flat("preview"),
        place.flat("empty", place.floor.parent),
    )
    quick = place.drive("preview", *STACK, "--no-drift").wall
    up, flat_up = place.drive("up", *STACK, "--yes").wall, place.flat("up").wall
    return {
        "preview": {"ours": ours.wall, "flat program": floor.wall, "empty program": empty.wall},
        "preview_cpu": {"ours": ours.cpu, "flat program": floor.cpu, "empty program": empty.cpu},
        "preview_no_drift": {"ours": quick, "flat program": floor.wall},
        "up": {"ours": up, "flat program": flat_up},
    }


def life(place: Place) -> Figures:
    """A service made, changed and deleted: by the driver, and by plain calls."""
    place.change()
    changed = place.drive("up", *STACK, "--yes").wall
    described = plain.clients(place.cloud)("ecs").describe_task_definition
    service = plain.PlainService(
        plain.clients(place.cloud), described(taskDefinition="fargate-cd-local")["taskDefinition"]
    )
    other = {
        "first_up": measure.call(service.create).wall,
        "change": measure.call(lambda: service.update("next")).wall,
        "destroy": measure.call(service.delete).wall,
    }
    ours = {
        "destroy": place.drive("destroy", *STACK, "--yes").wall,
        "first_up": place.drive("up", *STACK, "--yes").wall,
        "change": changed,
    }
    return {name: {"ours": ours[name], "boto3": other[name]} for name in ours}


def load(place: Place) -> Figures:
    """The same steady load without a rollout and during one."""
    host = str(urlsplit(place.outputs["service_url"]).hostname)
    with Load(host) as steady:
        time.sleep(STEADY_SECONDS)
    place.change()
    with Load(host) as rolling:
        place.drive("up", *STACK, "--yes")
    return {
        "p99": {"ours": _p99(rolling), "without a rollout": _p99(steady)},
        "lost": {"ours": rolling.failures, "without a rollout": steady.failures},
    }


def _p99(outcome: Outcome) -> float:
    ordered = sorted(outcome.seconds)
    return 1000 * ordered[int(0.99 * len(ordered))]


def preview_stack(place: Place) -> Figures:
    """The preview of a branch, made and destroyed."""
    branch = ("--branch", f"benchmark-{next(place.numbers)}")
    seconds = place.drive("up", *STACK, *branch, "--yes").wall
    place.drive("destroy", *STACK, *branch, "--yes")
    return {"preview_stack": {"ours": seconds}}


def push(place: Place) -> Figures:
    """A release by the pipeline, and one by a shell script."""
    from benchmarks.release import releases

    return releases(place)


SCENARIOS: Mapping[str, Callable[[Place], Figures]] = {
    "starts": starts,
    "unchanged": unchanged,
    "life": life,
    "load": load,
    "preview_stack": preview_stack,
    "push": push,
}


def available() -> None:
    """Make sure that what the scenarios call is on this machine.

    Raises:
        SystemExit: with what is missing.
    """
    for command in (["docker", "version"], ["aws", "--version"], ["git", "--version"]):
        try:
            subprocess.run(command, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"The benchmarks need `{' '.join(command)}`: {error}")
