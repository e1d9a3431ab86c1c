"""The pipeline in words and as JSON: each stage, where it stopped and why, what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automation.aws.clients import Cloud
from automation.aws.codebuild import brief
from automation.aws.codepipeline import COMMIT_LENGTH, Run, Stage, runs, stages, waiting
from automation.screen import Screen

BAD = frozenset({"Failed", "Stopped", "Cancelled"})

ANSWER = "`run.py pipeline approve` or `run.py pipeline reject` answers"


@dataclass(frozen=True)
class PipelineReport:
    """A pipeline at one moment.

    Attributes:
        name: its name; None where the stack has none.
        stages: in their order.
        run: the latest.
    """

    name: str | None
    stages: Sequence[Stage] = ()
    run: Run | None = None

    @property
    def stopped(self) -> tuple[Stage, str] | None:
        """The stage at which the latest run stopped, and why."""
        for stage in self.stages:
            if self.run and stage.run == self.run.identity and stage.status in BAD:
                words = [a.words for a in stage.actions if a.status != "Succeeded" and a.words]
                why = words[0] if words else self.run.why or f"CodePipeline: {stage.status}"
                return stage, brief(why)
        # A rollback is the last that its stage tells of, in place of the failure that it undid.
        undone = next((stage for stage in self.stages if stage.rolled_back), None)
        if undone and self.run and self.run.failed:
            return undone, "the release failed, and what it had changed was rolled back"
        return None

    def document(self) -> dict[str, Any]:
        """As JSON; a stage without a run of its own shows what it did in an earlier run."""
        stopped = self.stopped
        return {
            "name": self.name,
            "execution": _run(self.run) if self.run else None,
            "stages": [self._stage(stage) for stage in self.stages],
            "stopped": {"stage": stopped[0].name, "why": stopped[1]} if stopped else None,
            "waiting": [f"{a.stage}/{a.name}" for a in waiting(self.stages)],
        }

    def _stage(self, stage: Stage) -> dict[str, Any]:
        return {
            "name": stage.name,
            "status": stage.status,
            "execution": stage.run or None,
            "latest": self._is_latest(stage),
            "rolled_back": stage.rolled_back,
            "actions": [
                {"name": a.name, "status": a.status, "summary": a.words or None}
                for a in stage.actions
            ],
        }

    def _is_latest(self, stage: Stage) -> bool:
        return bool(self.run and stage.run == self.run.identity)


def print_pipeline(screen: Screen, document: dict[str, Any]) -> None:
    """The document in words; nothing about a stack without a pipeline."""
    if document["name"] is None:
        return
    screen.result(f"pipeline {document['name']}: {_run_words(document['execution'])}")
    for stage in document["stages"]:
        screen.result(f"  stage {stage['name']}  {stage['status']}{_of_which_run(stage)}")
    if stopped := document["stopped"]:
        cause = "`run.py diagnose` tells the cause"
        screen.result(f"  stopped at {stopped['stage']}: {stopped['why']}; {cause}")
    for name in document["waiting"]:
        screen.result(f"  {name} waits for an answer: {ANSWER}")


def report(cloud: Cloud, pipeline: str | None) -> PipelineReport:
    """A pipeline as it is now; an empty report where there is none."""
    found = stages(cloud, pipeline) if pipeline else None
    if pipeline is None or found is None:
        return PipelineReport(None)
    latest = runs(cloud, pipeline, most=1)
    return PipelineReport(pipeline, found, latest[0] if latest else None)


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.identity,
        "status": run.status,
        "commit": run.commit or None,
        "message": run.message or None,
        "trigger": run.trigger or None,
        "started": run.began.isoformat(),
        "updated": run.changed.isoformat(),
    }


def _of_which_run(stage: dict[str, Any]) -> str:
    if stage["rolled_back"]:
        return "  (a rollback)"
    return "  (an earlier run)" if stage["execution"] and not stage["latest"] else ""


def _run_words(run: dict[str, Any] | None) -> str:
    if run is None:
        return "no run yet; a push to git_remote_url starts one"
    commit = f" of {run['commit'][:COMMIT_LENGTH]}" if run["commit"] else ""
    message = f" ({run['message']})" if run["message"] else ""
    began = datetime.fromisoformat(run["started"])
    return f"{run['status']}, the run{commit}{message} since {began:%Y-%m-%d %H:%M:%S %Z}"
