"""The status page's HTML, made by Jinja's escaping templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass
class Action:
    """One action as the page shows it; times in seconds of the epoch."""

    name: str
    provider: str
    run: str = ""
    status: str = ""
    started: float = 0.0
    ended: float = 0.0
    summary: str = ""
    url: str = ""
    log_stream_arn: str = ""
    log: list[str] = field(default_factory=list)


@dataclass
class Stage:
    """One stage, with the execution that was in it last and those that wait before it.

    Attributes:
        earlier: that execution is not the pipeline's newest.
    """

    name: str
    status: str
    execution: str
    earlier: bool
    commit: str
    waiting: list[str]
    closed: bool
    actions: list[Action]


@dataclass(frozen=True)
class Run:
    """One execution in the list."""

    id: str
    status: str
    commit: str
    trigger: str
    started: float
    updated: float
    summary: str


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


_TEMPLATES = Environment(
    loader=PackageLoader("localcloud.codepipeline", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(time=_time, duration=_duration)


def document(name: str, region: str, stages: Sequence[Stage], runs: Sequence[Run]) -> str:
    """The page of a pipeline."""
    now = datetime.now(UTC).timestamp()
    return _TEMPLATES.get_template("view.html").render(
        name=name, region=region, stages=stages, runs=runs, now=now
    )


def build_log(name: str, action: str, lines: Sequence[str]) -> str:
    """The page of a build's log."""
    return _TEMPLATES.get_template("log.html").render(name=name, action=action, lines=lines)


def missing(text: str) -> str:
    """The page for what is not there."""
    return _TEMPLATES.get_template("missing.html").render(text=text)
