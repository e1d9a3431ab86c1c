"""`logs --build`: what the builds of the pipeline's last run wrote."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from automation.aws.codebuild import build_of, events
from automation.aws.codepipeline import ENDED, Action, actions, run_of, runs
from automation.commands.pipeline import require
from automation.errors import ConfigurationError
from automation.screen import Screen
from automation.stack.operations import Session, opened

FOLLOW_SECONDS = 1.0
BUILDS = frozenset({"Build", "Test"})


@dataclass
class Reader:
    """Reads the builds of one run, each from where it was read to before.

    Attributes:
        session: the stack.
        pipeline: its pipeline.
        run: the run's id.
    """

    session: Session
    pipeline: str
    run: str
    _tokens: dict[str, str | None] = field(default_factory=dict)

    def rows(self) -> Iterator[dict[str, str]]:
        """What was written since the last call, in the order of the actions."""
        for action in actions(self.session.cloud, self.pipeline, self.run):
            if action.category in BUILDS and action.outside:
                yield from self._of(action)

    def _of(self, action: Action) -> Iterator[dict[str, str]]:
        build = build_of(self.session.cloud, action.outside)
        if build is None:
            return
        token = self._tokens.get(action.outside)
        found, self._tokens[action.outside] = events(self.session.cloud, build, token)
        for event in found:
            yield _row(action, event)


def build_logs(stack: str, screen: Screen, follow: bool = False) -> int:
    """Print the build logs of the pipeline's last run, oldest first.

    Args:
        stack: the stack's name.
        screen: where the lines go.
        follow: go on until the run has ended.

    Raises:
        ConfigurationError: the stack has no pipeline or no run yet, or a log that goes on was
            asked for as one document.
    """
    if follow and screen.json:
        raise ConfigurationError("--follow and --json exclude each other: choose one.")
    with opened(stack, screen) as session:
        pipeline = require(session)
        latest = runs(session.cloud, pipeline, most=1)
        if not latest:
            raise ConfigurationError(f"The pipeline {pipeline} has not run yet.")
        reader = Reader(session, pipeline, latest[0].identity)
        if screen.json:
            screen.document(list(reader.rows()))
            return 0
        written = 0
        while True:
            run = run_of(session.cloud, pipeline, reader.run)
            over = not follow or run is None or run.status in ENDED
            for row in reader.rows():
                screen.out.print(_line(row), markup=False)
                written += 1
            if over:
                if not written:
                    screen.warn("The last run has built nothing; `status` shows where it is.")
                return 0
            time.sleep(FOLLOW_SECONDS)


def _row(action: Action, event: dict[str, Any]) -> dict[str, str]:
    moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return {
        "time": moment.isoformat(),
        "stage": action.stage,
        "message": event["message"].rstrip("\n"),
    }


def _line(row: dict[str, str]) -> str:
    return f"{datetime.fromisoformat(row['time']):%H:%M:%S} {row['stage']} {row['message']}"
