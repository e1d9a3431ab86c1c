"""`status`: service, tasks, target health, current release, pipeline stages, alarms."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from automation.aws.ecs import (
    describe_service,
    revision_number,
    service_deployments,
    targets,
    task_id,
    tasks,
)
from automation.commands.releases import described
from automation.deployment.pipeline_report import print_pipeline, report
from automation.deployment.releases import current, releases
from automation.deployment.rollout import look
from automation.errors import ConfigurationError
from automation.screen import Screen, picture
from automation.stack.operations import Session, opened

WATCH_SECONDS = 2.0
INTERRUPTED = 130


def status(stack: str, screen: Screen, watch: bool = False) -> int:
    """Print what runs.

    Args:
        stack: the stack's name.
        screen: where results go.
        watch: go on until Ctrl-C.

    Raises:
        ConfigurationError: a view without end was asked for as one document.
    """
    if watch and screen.json:
        raise ConfigurationError("--watch has no end and --json is one document: choose one.")
    with opened(stack, screen) as session:
        if watch:
            return _watch(session)
        document = gather(session)
        screen.document(document)
        _print(screen, document)
        return 0


def _watch(session: Session) -> int:
    """Go on until Ctrl-C: a picture on a terminal; elsewhere what has changed, when it has."""
    with suppress(KeyboardInterrupt):
        _draw(session)
    return INTERRUPTED


def _draw(session: Session) -> None:
    seen = [_lines(session)]
    terminal = session.screen.out.is_terminal

    def drawing() -> Text:
        return picture(seen[-1])

    with (
        Live(get_renderable=drawing, console=session.screen.out, screen=True)
        if terminal
        else nullcontext()
    ):
        while True:
            if not terminal:
                session.screen.result("\n".join(seen[-1]))
            while (lines := _lines(session)) == seen[-1]:
                time.sleep(WATCH_SECONDS)
            seen[:] = [lines]


def _lines(session: Session) -> list[str]:
    """What `status` prints, with the rollout if one goes on."""
    written = io.StringIO()
    console = Console(file=written, width=200, highlight=False, emoji=False, soft_wrap=True)
    rollout = look(session.cloud, session.service, session.opened_at)
    _print(Screen(out=console, err=console), gather(session), rollout.lines() if rollout else [])
    return written.getvalue().splitlines()


def gather(session: Session) -> dict[str, Any]:
    """Everything that `status` tells; a stack that is half made has empty parts."""
    service = describe_service(session.cloud, session.service)
    release = current(releases(session.cloud, session.service))
    return {
        "stack": session.file.name,
        "service": _service(session, service),
        "tasks": _tasks(session) if service else [],
        "targets": _targets(session, service) if service else [],
        "release": described(release) if release else None,
        "pipeline": report(session.cloud, session.pipeline).document(),
        "alarms": _alarms(session),
    }


def _service(session: Session, service: dict[str, Any] | None) -> dict[str, Any]:
    if service is None:
        return {"desired": 0, "running": 0, "pending": 0, "deployment": None, "events": []}
    deployments = service_deployments(session.cloud, session.service)
    return {
        "desired": service["desiredCount"],
        "running": service["runningCount"],
        "pending": service["pendingCount"],
        "deployment": deployments[0]["status"] if deployments else None,
        "events": [event["message"] for event in service.get("events", [])[:5]],
    }


def _tasks(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "id": task_id(task),
            "release": revision_number(task["taskDefinitionArn"]),
            "status": task["lastStatus"],
            "health": task.get("healthStatus", "UNKNOWN"),
        }
        for task in tasks(session.cloud, session.service)
    ]


def _targets(session: Session, service: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"id": f"{each.address}:{each.port}", "state": each.state, "reason": each.reason}
        for each in targets(session.cloud, service)
    ]


def _alarms(session: Session) -> list[dict[str, str]]:
    """The stack's own alarms; those of target tracking are part of scaling and not told."""
    rows = session.cloud.pages(
        "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=session.names.named()
    )
    return [{"name": row["AlarmName"], "state": row["StateValue"]} for row in rows]


def _print(screen: Screen, document: dict[str, Any], rollout: Sequence[str] = ()) -> None:
    """What is most wanted stands first: a small terminal cuts off the rest."""
    service, release = document["service"], document["release"]
    screen.result(
        f"{document['stack']}: {service['running']} of {service['desired']} tasks run, "
        f"{service['pending']} pending; deployment: {service['deployment'] or 'none'}"
    )
    if release:
        screen.result(f"release {release['number']} ({release['state']}): {release['image']}")
    for line in rollout:
        screen.result(line)
    for task in document["tasks"]:
        screen.result(f"  task {task['id']}  release {task['release']}  {task['status']}")
    for target in document["targets"]:
        reason = f"  {target['reason']}" if target["reason"] else ""
        screen.result(f"  target {target['id']}  {target['state']}{reason}")
    print_pipeline(screen, document["pipeline"])
    for alarm in document["alarms"]:
        screen.result(f"  alarm {alarm['name']}  {alarm['state']}")
    for event in service["events"]:
        screen.result(f"  {event}")
