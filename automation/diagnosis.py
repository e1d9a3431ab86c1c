"""Why a deployment failed: one cause of a named set, its evidence, and the setting to change.

The texts are those of ECS and Elastic Load Balancing, see
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from automation.facts import Facts
from infra.settings import Settings


@dataclass(frozen=True)
class Diagnosis:
    """One cause.

    Attributes:
        cause: a sentence.
        evidence: texts of the services, exit codes and log lines that show it.
        setting: the setting or file to change, and how; None if nobody can tell.
        resource: what failed.
        name: the cause's name in CAUSES.
    """

    cause: str
    evidence: list[str] = field(default_factory=list)
    setting: str | None = None
    resource: str | None = None
    name: str = "unknown"

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            "cause": self.cause,
            "evidence": self.evidence,
            "setting": self.setting,
            "resource": self.resource,
        }


@dataclass(frozen=True)
class Match:
    """A cause that fits: the words that show it, and values for the sentence."""

    evidence: list[str]
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cause:
    """A row of the table of causes.

    Attributes:
        name: short, the same at each run.
        find: whether the facts show it.
        sentence: what to say; `{name}` stands for a value of the match.
        setting: what to change, and how.
    """

    name: str
    find: Callable[[Facts, Settings], Match | None]
    sentence: str
    setting: str


def diagnose(facts: Facts, settings: Settings, resource: str | None = None) -> Diagnosis:
    """The first cause of the table that fits the facts; they are ordered from sure to likely."""
    for cause in CAUSES:
        match = cause.find(facts, settings)
        if match is None:
            continue
        values = {"port": str(settings.container_port), "path": settings.health_check_path}
        values |= match.values
        return Diagnosis(
            cause=cause.sentence.format_map(values),
            evidence=[*match.evidence, *facts.logs],
            setting=cause.setting.format_map(values),
            resource=resource,
            name=cause.name,
        )
    texts = facts.texts()
    cause_text = facts.failure or facts.status or (texts[0] if texts else "Nothing has failed.")
    others = [text for text in texts if text != cause_text][:5]
    return Diagnosis(cause_text, [*others, *facts.logs], None, resource)


def _says(pattern: str) -> Callable[[Facts, Settings], Match | None]:
    """A cause that a text names; the pattern's groups are values of the sentence."""
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)

    def find(facts: Facts, _settings: Settings) -> Match | None:
        for text in facts.texts():
            if found := compiled.search(text):
                values = {k: v.rstrip(".,;)") for k, v in found.groupdict().items() if v}
                return Match([text], values)
        return None

    return find


def _wrong_format(facts: Facts, _settings: Settings) -> Match | None:
    lines = [line for line in (*facts.logs, *facts.texts()) if "exec format error" in line]
    return Match(lines[:1]) if lines else None


def _exited(facts: Facts, _settings: Settings) -> Match | None:
    for task in facts.stopped:
        if task.code != "EssentialContainerExited":
            continue
        for name, code, reason in task.containers:
            if code is not None:
                words = f"task {task.identity}: {task.reason}; container {name}: exit code {code}"
                return Match([f"{words} {reason}".rstrip()], {"code": str(code), "name": name})
    return None


_LISTENING = re.compile(
    r"(?:listen|serving|running on|started|accepting|uvicorn|bound)\D{0,80}?(?P<port>\d{2,5})\b",
    re.IGNORECASE,
)
"""How servers usually log that they listen, with the port."""

_UNANSWERED = re.compile(
    r"unhealthy in|failed ELB health checks|Request timed out|Health checks failed", re.IGNORECASE
)


def _unanswered(facts: Facts) -> str | None:
    """The text about a target that did not answer at all."""
    return next((text for text in facts.texts() if _UNANSWERED.search(text)), None)


def _listened_on(facts: Facts) -> list[tuple[str, str]]:
    """(port, log line) for each line that tells a port."""
    return [(found["port"], line) for line in facts.logs if (found := _LISTENING.search(line))]


def _too_late(facts: Facts, settings: Settings) -> Match | None:
    text = _unanswered(facts)
    lines = [line for port, line in _listened_on(facts) if port == str(settings.container_port)]
    if text is None or not lines:
        return None
    grace = str(facts.grace_seconds) if facts.grace_seconds is not None else "?"
    return Match([text, lines[-1]], {"grace": grace})


def _other_port(facts: Facts, _settings: Settings) -> Match | None:
    text = _unanswered(facts)
    if text is None:
        return None
    heard = _listened_on(facts)
    where = f"; its log names port {heard[-1][0]}" if heard else ""
    return Match([text, *(line for _, line in heard[-1:])], {"where": where})


CAUSES: tuple[Cause, ...] = (
    Cause(
        "image for another architecture",
        _says(
            r"CannotPullContainerError.*(no matching manifest|descriptor matching platform"
            r"|does not match the (detected|specified) host)"
        ),
        "The image is not built for this architecture.",
        "fargate-cd:architecture: set it to the image's own, or build the image for it",
    ),
    Cause(
        "image for another architecture",
        _wrong_format,
        "The image is not built for this architecture: its program can't be executed.",
        "fargate-cd:architecture: set it to the image's own, or build the image for it",
    ),
    Cause(
        "pull denied",
        _says(
            r"CannotPullContainerError.*(403|forbidden|denied|unauthorized|not authorized"
            r"|no basic auth)|unable to get registry auth.*(AccessDenied|not authorized)"
        ),
        "The registry refuses to hand out the image.",
        "fargate-cd:image: name one in the stack's own repository, or let the execution role pull "
        "it (infra/roles.py)",
    ),
    Cause(
        "no route to an endpoint",
        _says(
            r"(ResourceInitializationError|CannotPullContainerError).*(i/o timeout"
            r"|deadline exceeded|connection issue|dial tcp|no such host|network is unreachable)"
        ),
        "A task has no way to an AWS endpoint that it needs to start.",
        "fargate-cd:egress: public, nat, nat_per_zone, or endpoints with every endpoint it needs",
    ),
    Cause(
        "image not found",
        _says(r"CannotPullContainerError.*(not found|manifest unknown|does not exist|resolve ref)"),
        "The image does not exist.",
        "fargate-cd:image (or --image): an image that exists; leave it out to build the app",
    ),
    Cause(
        "secret not readable",
        _says(
            r"ResourceInitializationError.*(retrieve secrets? from|invalid ssm parameters"
            r"|did not contain json key)(?P<secret>.*arn:aws\S*)?"
        ),
        "A secret that the task needs can't be read.",
        "fargate-cd:secrets: ARNs of secrets that exist, with the value or key that is named",
    ),
    Cause(
        "quota",
        _says(r"(reached the limit on|exceeded? the|vcpu limit|LimitExceeded|service quota)"),
        "A quota of the account is used up.",
        "Ask for more in Service Quotas, or lower fargate-cd:max_count or fargate-cd:cpu",
    ),
    Cause(
        "no capacity",
        _says(r"(capacity is unavailable|no capacity|insufficient capacity|RESOURCE:(CPU|MEMORY))"),
        "AWS has no capacity for the tasks just now.",
        "fargate-cd:spot: false, or fargate-cd:availability_zones: more of them",
    ),
    Cause(
        "out of memory",
        _says(r"OutOfMemory"),
        "The container used more memory than it may, and was killed.",
        "fargate-cd:memory: more than it is, as Fargate offers it with fargate-cd:cpu",
    ),
    Cause(
        "permission missing",
        _says(r"not authorized to perform:? (?P<action>[a-z0-9-]+:[A-Za-z]+)"),
        "The permission for {action} is missing.",
        "infra/policies.py: allow {action} on that resource; if your own user was refused, ask for "
        "that permission",
    ),
    Cause(
        "process exited",
        _exited,
        "The container {name} exited with code {code}.",
        "The application: its last log lines tell why; {name} must go on running",
    ),
    Cause(
        "health path answered",
        _says(r"Health checks failed with these codes: \[(?P<status>[\d, ]+)\]"),
        "The health path {path} answered {status} instead of 200.",
        "fargate-cd:health_check_path: a path that answers 200, or mend what it answers",
    ),
    Cause(
        "healthy too late",
        _too_late,
        "The container listened on port {port}, but too late for the grace period of {grace} s.",
        "fargate-cd:health_check_interval: a longer one makes the grace period longer; or start "
        "faster, or with more fargate-cd:cpu",
    ),
    Cause(
        "never listened on the port",
        _other_port,
        "Nothing answered on port {port} of the container{where}.",
        "fargate-cd:container_port: the port on which the application listens",
    ),
)
"""Every cause that can be told, from what names itself to what must be inferred."""
