"""What jobs cost: their tasks while they run, and the steps of Step Functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from automation.pricing.lines import Line, Stack
from automation.pricing.resources import Resource
from automation.pricing.table import assumptions
from infra.settings.schedules import next_run

SCHEDULE = "aws:scheduler/schedule:Schedule"
MACHINE = "aws:sfn/stateMachine:StateMachine"
TASK = "aws:ecs/taskDefinition:TaskDefinition"

MONTH = timedelta(days=365 / 12)
COUNTED = 500
"""So many runs are counted, and the rest of the month is taken to be like them."""

STEPS = 3
"""Transitions of one run: its start, the look at the release, the task."""


def runs_a_month(schedule: str, zone: str, now: datetime) -> float:
    """How often a schedule is due in the month from `now`."""
    moment, number = now, 0
    while number < COUNTED:
        due = next_run(schedule, zone, now, moment)
        if due is None or due > now + MONTH:
            return number
        moment, number = due, number + 1
    return number * (MONTH / (moment - now))


def jobs(stack: Stack) -> Iterator[Line]:
    """The lines of every job."""
    now = datetime.now(UTC)
    machines = {machine.name: machine for machine in stack.resources.of(MACHINE)}
    every = 0.0
    for schedule in stack.resources.of(SCHEDULE):
        inputs = schedule.inputs
        zone = str(inputs.get("scheduleExpressionTimezone") or "UTC")
        runs = runs_a_month(str(inputs["scheduleExpression"]), zone, now)
        every += runs
        machine = machines.get(schedule.name.removesuffix("-schedule"))
        if runs and machine:
            yield from _task(stack, str(inputs["name"]), machine, runs)
    if every:
        yield stack.line("state_transition", "Steps of jobs", every * STEPS)
        yield stack.line("schedule_million", "Starts of jobs", every / 1_000_000)


def _task(stack: Stack, job: str, machine: Resource, runs: float) -> Iterator[Line]:
    minutes = assumptions()["job_minutes"].value
    tasks = list(stack.resources.of(TASK))
    web = next(
        (task for task in tasks if task.name == "task-definition"), min(tasks, key=lambda t: t.name)
    )
    run = json.loads(str(machine.inputs["definition"]))["States"]["Run"]
    size = {"Cpu": web.inputs["cpu"], "Memory": web.inputs["memory"]}
    size |= run["Parameters"]["Overrides"]
    kind = str((web.inputs.get("runtimePlatform") or {}).get("cpuArchitecture") or "X86_64")
    hours, item = runs * minutes / 60, f"Job {job}: {runs:.0f} runs of {minutes:g} minutes"
    cpu, memory = float(size["Cpu"]) / 1024, float(size["Memory"]) / 1024
    for part, amount, unit in (("cpu", cpu, "vCPU"), ("memory", memory, "GB")):
        key = f"fargate_{kind.lower()}_{part}"
        yield stack.line(key, f"{item}, {amount:g} {unit}", hours * amount, assumed=True)
