"""`status`: service, tasks, target health, current release, pipeline stages, alarms."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from automation.aws.codepipeline import COMMIT_LENGTH
from automation.aws.ecs import (
    ServiceName,
    describe_service,
    private_address,
    revision_number,
    service_deployments,
    targets,
    task_id,
    tasks,
)
from automation.commands.releases import described
from automation.deployment.pipeline_report import print_pipeline, report
from automation.deployment.releases import current
from automation.deployment.rollout import look
from automation.deployment.stack_releases import stack_releases
from automation.errors import ConfigurationError
from automation.screen import Screen, duration
from automation.stack.operations import Session, opened

WATCH_SECONDS = 2.0
INTERRUPTED = 130
NO_DATA = "INSUFFICIENT_DATA"


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
        raise ConfigurationError("--watch and --json exclude each other: choose one.")
    with opened(stack, screen) as session:
        address = session.outputs().get("service_url")
        url = str(address.value) if address else None
        if watch:
            return _watch(session, url)
        document = gather(session, url)
        screen.document(document)
        _print(screen, document)
        return 0


def _watch(session: Session, url: str | None) -> int:
    """Refresh until Ctrl-C: redraw on a terminal; elsewhere print what changed."""
    with suppress(KeyboardInterrupt):
        _draw(session, url)
    return INTERRUPTED


def _draw(session: Session, url: str | None) -> None:
    seen = [_view(session, url)]
    terminal = session.screen.out.is_terminal

    def drawing() -> Text:
        return Text.from_ansi(seen[-1].text, no_wrap=True, overflow="ellipsis")

    with (
        Live(get_renderable=drawing, console=session.screen.out, screen=True)
        if terminal
        else nullcontext()
    ):
        while True:
            if not terminal:
                session.screen.result(seen[-1].text)
            while (view := _view(session, url)).content == seen[-1].content and not terminal:
                time.sleep(WATCH_SECONDS)
            seen[:] = [view]
            time.sleep(WATCH_SECONDS if terminal else 0)


@dataclass(frozen=True)
class View:
    """What `status` prints at one moment.

    Attributes:
        content: what it tells, without ages, which change all the time.
        text: the words, with colours for a terminal.
    """

    content: tuple[dict[str, Any], list[str]]
    text: str


def _view(session: Session, url: str | None) -> View:
    """The status now, with the rollout if one goes on."""
    written = io.StringIO()
    console = Console(
        file=written,
        width=200,
        highlight=False,
        emoji=False,
        soft_wrap=True,
        force_terminal=session.screen.out.is_terminal,
    )
    rollout = look(session.cloud, session.service, session.opened_at)
    lines = rollout.lines() if rollout else []
    document = gather(session, url)
    _print(Screen(out=console, err=console), document, lines)
    return View((document, lines), written.getvalue().rstrip("\n"))


def gather(session: Session, url: str | None) -> dict[str, Any]:
    """Everything that `status` tells; a stack that is half made has empty parts.

    Args:
        session: the open stack.
        url: where the service answers.
    """
    service = describe_service(session.cloud, session.service)
    release = current(stack_releases(session))
    return {
        "stack": session.file.name,
        "url": url,
        **({"process": session.names.lead} if session.names.lead else {}),
        "service": _service(session, service, session.service),
        "tasks": _tasks(session, session.service) if service else [],
        "targets": _targets(session, service) if service else [],
        "release": described(release) if release else None,
        **_processes(session),
        "pipeline": report(session.cloud, session.pipeline).document(),
        "alarms": _alarms(session),
    }


def _processes(session: Session) -> dict[str, Any]:
    """The services and tasks of the further processes; nothing where there are none."""
    further = dict(list(session.services.items())[1:])
    if not further:
        return {}
    return {
        "processes": {
            process: {
                **_service(session, describe_service(session.cloud, name), name),
                "tasks": _tasks(session, name),
            }
            for process, name in further.items()
        }
    }


def _service(session: Session, service: dict[str, Any] | None, name: ServiceName) -> dict[str, Any]:
    if service is None:
        return {"desired": 0, "running": 0, "pending": 0, "deployment": None, "events": []}
    deployments = service_deployments(session.cloud, name)
    return {
        "desired": service["desiredCount"],
        "running": service["runningCount"],
        "pending": service["pendingCount"],
        "deployment": deployments[0]["status"] if deployments else None,
        "events": [event["message"] for event in service.get("events", [])[:5]],
    }


def _tasks(session: Session, name: ServiceName) -> list[dict[str, Any]]:
    return [
        {
            "id": task_id(task),
            "release": revision_number(task["taskDefinitionArn"]),
            "status": task["lastStatus"],
            "health": task.get("healthStatus", "UNKNOWN"),
            "address": private_address(task),
            "started": task["startedAt"].isoformat() if task.get("startedAt") else None,
            **_containers(task),
        }
        for task in tasks(session.cloud, name)
    ]


def _containers(task: dict[str, Any]) -> dict[str, Any]:
    """Each container of a task that has sidecars."""
    found = task.get("containers", [])
    if len(found) < 2:
        return {}
    return {
        "containers": [
            {
                "name": each["name"],
                "status": each.get("lastStatus"),
                "health": each.get("healthStatus", "UNKNOWN"),
                "exit_code": each.get("exitCode"),
            }
            for each in sorted(found, key=lambda each: str(each["name"]))
        ]
    }


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


COLOURS = {
    "RUNNING": "green",
    "healthy": "green",
    "OK": "green",
    "current": "green",
    "SUCCESSFUL": "green",
    "unhealthy": "bold red",
    "UNHEALTHY": "bold red",
    "ALARM": "bold red",
    "failed": "bold red",
    "STOPPED": "bold red",
}
"""State → colour; what is on its way is yellow."""


def _print(screen: Screen, document: dict[str, Any], rollout: Sequence[str] = ()) -> None:
    """Print the status, the most important part first: a small terminal cuts off the rest."""
    service = document["service"]
    process = f", {document['process']}" if "process" in document else ""
    screen.result(
        f"{document['stack']}{process}: {service['running']} of {service['desired']} tasks run, "
        f"{service['pending']} pending; deployment: {service['deployment'] or 'none'}",
        "bold" if service["running"] >= service["desired"] else "bold yellow",
    )
    if document["url"]:
        screen.result(document["url"])
    _print_release(screen, document["release"])
    for line in rollout:
        screen.result(line)
    _print_tasks(screen, document)
    for process, found in document.get("processes", {}).items():
        _print_process(screen, process, found)
    print_pipeline(screen, document["pipeline"])
    _print_alarms(screen, document["alarms"])
    for event in service["events"]:
        screen.result(f"  {event}")


def _print_release(screen: Screen, release: dict[str, Any] | None) -> None:
    if release is None:
        return
    commit = f", commit {release['commit'][:COMMIT_LENGTH]}" if release["commit"] else ""
    screen.result(
        f"release {release['number']} ({release['state']}{commit}, {_age(release['when'])})",
        COLOURS.get(release["state"], "yellow"),
    )
    screen.result(f"  {release['image']}")


def _print_tasks(screen: Screen, document: dict[str, Any]) -> None:
    """Each task once, with the health of its target; then targets of no task."""
    states = {target["id"].rpartition(":")[0]: target for target in document["targets"]}
    for task in document["tasks"]:
        target = states.pop(task["address"], None)
        alone = task["health"] if "process" in document else "no target"
        state = target["state"] if target else alone
        reason = f": {target['reason']}" if target and target["reason"] else ""
        worst = task["status"] if task["status"] != "RUNNING" else state
        started = f", {_age(task['started'])}" if task["started"] else ""
        screen.result(
            f"  task {task['id'][:12]}  release {task['release']}  {task['status']}, "
            f"{state}{reason}{started}",
            COLOURS.get(worst, "yellow"),
        )
        _print_containers(screen, task)
    for target in states.values():
        reason = f": {target['reason']}" if target["reason"] else ""
        screen.result(f"  target {target['id']}  {target['state']}{reason}", "yellow")


def _print_process(screen: Screen, process: str, found: dict[str, Any]) -> None:
    """A process's line, and a line for each of its tasks."""
    screen.result(
        f"{process}: {found['running']} of {found['desired']} tasks run, {found['pending']} "
        f"pending; deployment: {found['deployment'] or 'none'}",
        "bold" if found["running"] >= found["desired"] else "bold yellow",
    )
    for task in found["tasks"]:
        started = f", {_age(task['started'])}" if task["started"] else ""
        screen.result(
            f"  task {task['id'][:12]}  release {task['release']}  {task['status']}{started}",
            COLOURS.get(task["status"], "yellow"),
        )
        _print_containers(screen, task)


def _print_containers(screen: Screen, task: dict[str, Any]) -> None:
    """A line for each container of a task that has sidecars."""
    for each in task.get("containers", []):
        health = "" if each["health"] == "UNKNOWN" else f", {each['health']}"
        ended = "" if each["exit_code"] is None else f", exit code {each['exit_code']}"
        worst = each["health"] if each["health"] == "UNHEALTHY" else each["status"]
        screen.result(
            f"    container {each['name']}  {each['status']}{health}{ended}",
            COLOURS.get(worst, "yellow"),
        )


def _print_alarms(screen: Screen, alarms: Sequence[dict[str, str]]) -> None:
    """One line where all are well; each alarm that is not has a line of its own."""
    ringing = [alarm for alarm in alarms if alarm["state"] == "ALARM"]
    for alarm in ringing:
        screen.result(f"  alarm {alarm['name']}  {alarm['state']}", COLOURS["ALARM"])
    counts = Counter(alarm["state"] for alarm in alarms if alarm not in ringing)
    words = [f"{counts['OK']} well"] if counts["OK"] else []
    words += [f"{counts[NO_DATA]} without data"] if counts[NO_DATA] else []
    if words:
        screen.result(f"alarms: {', '.join(words)}", None if ringing else COLOURS["OK"])


def _age(moment: str) -> str:
    """How long ago something was."""
    passed = datetime.now(UTC) - datetime.fromisoformat(moment)
    return f"{duration(max(passed, timedelta()))} ago"
