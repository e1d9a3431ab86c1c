"""Matchers: find a cause in the services' messages and the application's log."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from automation.diagnosis.evidence import UNHEALTHY, Facts, told_to_stop
from infra.names import CONTAINER_NAME
from infra.settings.model import Settings
from infra.settings.rules import FARGATE_MEMORY


@dataclass(frozen=True)
class Match:
    """A match: the evidence, and values for the cause's sentence."""

    evidence: list[str]
    values: dict[str, str] = field(default_factory=dict)


Finder = Callable[[Facts, Settings], Match | None]


def says(pattern: str) -> Finder:
    """Match a pattern in any text, ignoring case; its groups are values of the sentence."""
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)

    def find(facts: Facts, _settings: Settings) -> Match | None:
        for text in facts.texts():
            if found := compiled.search(text):
                values = {k: (v or "").rstrip(".,;)") for k, v in found.groupdict().items()}
                return Match([text], values)
        return None

    return find


def wrong_format(facts: Facts, _settings: Settings) -> Match | None:
    """The kernel could not execute the image's program."""
    lines = [line for line in (*facts.logs, *facts.texts()) if "exec format error" in line]
    return Match(lines[:1]) if lines else None


def unreadable_secret(facts: Facts, settings: Settings) -> Match | None:
    """A secret, by the name of its variable where the settings have it, and a missing action."""
    match = says(
        r"ResourceInitializationError.*(retrieve secrets? from|invalid ssm parameters"
        r"|did not contain json key)"
    )(facts, settings)
    if match is None:
        return None
    text = match.evidence[0]
    arn = re.search(r"arn:[\w-]+:(?:secretsmanager|ssm):[^\s:]*:\d*:[^\s,;]+", text)
    action = re.search(r"not authorized to perform: (\S+)", text)
    why = f": the execution role may not {action[1]}" if action else ""
    named = [
        name for name, value in settings.secrets.items() if arn and arn[0].rstrip(".") in value
    ]
    return Match([text], {"secret": f" {named[0]}" if named else "", "why": why})


def interrupted(facts: Facts, _settings: Settings) -> Match | None:
    """A Spot task that AWS took back."""
    for task in facts.stopped:
        if task.code == "SpotInterruption":
            return Match([f"task {task.identity}: {task.reason}"])
    return None


def out_of_memory(facts: Facts, settings: Settings) -> Match | None:
    """A container that ran out of memory, and the next size that Fargate offers."""
    match = says(r"OutOfMemory")(facts, settings)
    if match is None:
        return None
    killed = [
        name
        for task in facts.stopped
        for name, _, reason in task.containers
        if "OutOfMemory" in reason
    ]
    sidecar = settings.sidecars.get(killed[0]) if killed else None
    if sidecar is not None and sidecar.memory:
        values = {"name": killed[0], "limit": str(sidecar.memory), "setting": "sidecars"}
        return Match(match.evidence, values | {"more": f"{killed[0]}: memory: more than that"})
    offered = FARGATE_MEMORY.get(settings.cpu, ())
    larger = [size for size in offered if size > settings.memory]
    more = str(larger[0]) if larger else "more, with more fargate-cd:cpu"
    values = {"name": killed[0] if killed else CONTAINER_NAME, "limit": str(settings.memory)}
    return Match(match.evidence, values | {"setting": "memory", "more": more})


def exited(facts: Facts, settings: Settings) -> Match | None:
    """The container that exited by itself, with its exit code."""
    for task in facts.stopped:
        if task.code != "EssentialContainerExited":
            continue
        ended = [row for row in task.containers if row[1] is not None and _ends(row[0], settings)]
        if ended:
            name, code, reason = min(ended, key=lambda row: told_to_stop(row[1]))
            words = f"task {task.identity}: {task.reason}; container {name}: exit code {code}"
            return Match([f"{words} {reason}".rstrip()], _of(name, settings, code))
    return None


def _of(container: str, settings: Settings, code: int | None) -> dict[str, str]:
    """What is told of a container that ended."""
    sidecar = container in settings.sidecars
    what = f"fargate-cd:sidecars: {container}" if sidecar else "The application"
    return {"code": str(code), "name": container, "what": what}


def _ends(container: str, settings: Settings) -> bool:
    """Whether the end of a container ends its task."""
    sidecar = settings.sidecars.get(container)
    return sidecar is None or sidecar.essential


def unhealthy_container(facts: Facts, settings: Settings) -> Match | None:
    """The container whose own health check failed."""
    found = says(r"failed container health checks")(facts, settings)
    if found is None:
        return None
    rows = [row for task in facts.stopped for row in task.containers]
    failed = [name for name, _, reason in rows if reason == UNHEALTHY]
    name = failed[0] if failed else CONTAINER_NAME
    return Match(found.evidence, {"name": name, "where": _within(name, settings)})


def not_started(facts: Facts, settings: Settings) -> Match | None:
    """The container that waited for another one that never came to its condition."""
    return says(
        r"ordering dependency \[(?P<on>[^( ]+)[^\]]*\] for target \[(?P<name>[^( \]]+)"
        r".*(?P<why>did not exit successfully|has timed out|will never start)"
    )(facts, settings)


def _within(container: str, settings: Settings) -> str:
    """Where the settings of a container stand."""
    return f"sidecars: {container}: " if container in settings.sidecars else ""


def sidecar_image(facts: Facts, settings: Settings) -> Match | None:
    """A sidecar whose image could not be pulled."""
    for text in facts.texts():
        for name, sidecar in settings.sidecars.items():
            repository = sidecar.image.partition("@")[0].rpartition(":")[0] or sidecar.image
            if "CannotPullContainerError" in text and repository in text:
                return Match([text], {"name": name, "image": sidecar.image})
    return None


_DENIED = (
    re.compile(r"not authorized to perform:? (?P<action>[a-z0-9-]+:[A-Za-z]+)"),
    re.compile(r"AccessDenied\w*\) when calling the (?P<action>\w+) operation"),
)
"""How SDKs tell a refusal; some services name no action in theirs."""


def denied_in_log(facts: Facts, settings: Settings) -> Match | None:
    """The application ended, and the last refusal in its log."""
    if exited(facts, settings) is None:
        return None
    for pattern in _DENIED:
        for line in reversed(facts.logs):
            if found := pattern.search(line):
                return Match([line], {"action": found["action"]})
    return None


_LISTENING = re.compile(
    r"(?:listen|serving|running on|started|accepting|uvicorn|bound)\D{0,80}?"
    r"(?:(?P<host>localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])\D{1,12}?)?"
    r"\b(?P<port>\d{2,5})\b(?!\.\d)",
    re.IGNORECASE,
)
"""How servers usually log that they listen, with the port."""

_UNANSWERED = re.compile(
    r"unhealthy in|failed ELB health checks|Request timed out|Health checks failed", re.IGNORECASE
)


SLOWER = (
    "fargate-cd:startup_seconds: the seconds that it needs to start (at most 600); or start "
    "faster, or with more fargate-cd:cpu"
)
"""What to do about a slow start."""


def _unanswered(facts: Facts) -> str | None:
    """The text about a target that did not answer at all."""
    return next((text for text in facts.texts() if _UNANSWERED.search(text)), None)


def _listened_on(facts: Facts) -> list[tuple[re.Match[str], int]]:
    """What the log tells about listening, with the number of the line."""
    found = ((_LISTENING.search(line), number) for number, line in enumerate(facts.logs))
    return [(match, number) for match, number in found if match]


def loopback(facts: Facts, settings: Settings) -> Match | None:
    """The application listens on the loopback address only."""
    text = _unanswered(facts)
    for match, number in _listened_on(facts):
        host = match["host"] or ""
        if text and match["port"] == str(settings.container_port) and host[:3] in _LOOPBACK:
            return Match([text, facts.logs[number]], {"host": host})
    return None


_LOOPBACK = ("loc", "127", "[::")


def too_late(facts: Facts, settings: Settings) -> Match | None:
    """The application listened, but too late to pass its health checks before it was stopped."""
    text = _unanswered(facts)
    port = str(settings.container_port)
    numbers = [number for match, number in _listened_on(facts) if match["port"] == port]
    if text is None or not numbers:
        return None
    late = facts.seconds_until(numbers[-1])
    after = f", {late:.0f} s after its start" if late is not None else ""
    return Match([text, facts.logs[numbers[-1]]], {"after": after})


def other_port(facts: Facts, _settings: Settings) -> Match | None:
    """Nothing answered on the container's port; the log may name another one."""
    text = _unanswered(facts)
    if text is None:
        return None
    heard = _listened_on(facts)
    if not heard:
        right = "the port on which the application listens; if it needs longer to start, "
        return Match([text], {"where": "", "right": right + SLOWER})
    match, number = heard[-1]
    where = f"; its log names port {match['port']}"
    return Match([text, facts.logs[number]], {"where": where, "right": match["port"]})
