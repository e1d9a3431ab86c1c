"""What jobs cost: how often they run, and their lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from automation.pricing.jobs import jobs, runs_a_month
from automation.pricing.lines import Stack
from automation.pricing.resources import Resource, Resources
from automation.pricing.table import prices_of
from tests.unit.infra.looks import default
from tests.unit.infra.recorder import custom, record

NOW = datetime(2026, 11, 28, 12, 7, tzinfo=UTC)
JOB = {"command": ["tidy"], "schedule": "cron(0 3 * * ? *)", "cpu": 512, "memory": 1024}


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("cron(0 3 * * ? *)", 30),
        ("rate(1 hour)", 730),
        ("cron(* * * * ? *)", 43800),
        ("at(2026-12-01T00:00:00)", 1),
        ("at(2020-12-01T00:00:00)", 0),
    ],
)
def test_how_often_a_schedule_is_due_in_a_month(schedule: str, runs: int) -> None:
    assert runs_a_month(schedule, "UTC", NOW) == pytest.approx(runs, rel=0.01)


def test_a_job_costs_its_tasks_and_its_steps() -> None:
    recording = record({"jobs": json.dumps({"nightly": JOB})})
    resources = [
        Resource(each.token, each.name, each.inputs) for each in custom(recording.resources)
    ]
    stack = Stack(Resources(resources), prices_of("eu-central-1"))
    lines = {line.item: line for line in jobs(stack)}
    (cpu,) = [line for item, line in lines.items() if "0.5 vCPU" in item]
    assert cpu.quantity == pytest.approx(30 * 5 / 60 * 0.5, rel=0.05)
    assert lines["Steps of jobs"].quantity == pytest.approx(90, rel=0.05)
    assert sum(line.monthly for line in lines.values()) < 1


def test_without_jobs_there_is_no_line() -> None:
    recording = default()
    resources = [
        Resource(each.token, each.name, each.inputs) for each in custom(recording.resources)
    ]
    assert not list(jobs(Stack(Resources(resources), prices_of("eu-central-1"))))
