"""The vendor's provider: schedules and state machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

SCHEDULE = "aws:scheduler/schedule:Schedule"
MACHINE = "aws:sfn/stateMachine:StateMachine"

VENDOR: Mapping[str, Vendor] = {
    "aws:scheduler/scheduleGroup:ScheduleGroup": Vendor(
        "scheduler/schedule_group.go",
        reads=frozenset({"GetScheduleGroup", "ListTagsForResource"}),
        waits="ACTIVE after a create; not found after a delete",
    ),
    SCHEDULE: Vendor(
        "scheduler/schedule.go",
        reads=frozenset({"GetSchedule"}),
        kept=frozenset({"actionAfterCompletion", "groupName"}),
        defaults={"scheduleExpressionTimezone": "UTC", "state": "ENABLED"},
        nested={
            "target.ecsParameters": {"taskCount": 1},
            "target.ecsParameters.networkConfiguration": {"assignPublicIp": False},
            "target.retryPolicy": {
                "maximumEventAgeInSeconds": 86400,
                "maximumRetryAttempts": 185,
            },
        },
        waits="repeats a create and an update while the role can't be assumed yet",
    ),
    MACHINE: Vendor(
        "sfn/state_machine.go",
        reads=frozenset(
            {"DescribeStateMachine", "ListStateMachineVersions", "ListTagsForResource"}
        ),
        kept=frozenset({"encryptionConfiguration", "loggingConfiguration", "tracingConfiguration"}),
        defaults={"publish": False, "type": "STANDARD"},
        waits="repeats a create while its role or an earlier deletion is not known yet; until an "
        "update is told back; not found after a delete",
        least=("name", "definition", "roleArn"),
    ),
}


def _schedule(world: World, held: Held, **others: Any) -> None:
    client = world.client("scheduler")
    group, _, name = held.id.partition("/")
    found = client.get_schedule(GroupName=group, Name=name)
    kept = ("FlexibleTimeWindow", "GroupName", "Name", "ScheduleExpression", "Target")
    client.update_schedule(**{**{member: found[member] for member in kept}, **others})


def _patient(world: World, held: Held) -> None:
    found = world.client("scheduler").get_schedule(GroupName="default", Name=held.outputs["name"])[
        "Target"
    ]
    policy = {**found["RetryPolicy"], "MaximumRetryAttempts": 9}
    _schedule(world, held, Target={**found, "RetryPolicy": policy})


def _spaced(world: World, held: Held) -> None:
    text = held.outputs["definition"].replace(" ", "  ")
    world.client("stepfunctions").update_state_machine(stateMachineArn=held.id, definition=text)


BY_HAND: Mapping[str, ByHand] = {
    "when a schedule is due": ByHand(
        SCHEDULE,
        lambda world, held: _schedule(world, held, ScheduleExpression="rate(2 hours)"),
        "scheduleExpression",
    ),
    "a schedule's default": ByHand(
        SCHEDULE, lambda world, held: _schedule(world, held, State="DISABLED"), "state"
    ),
    "a block in a schedule's target": ByHand(SCHEDULE, _patient, "target"),
    "a definition's spaces": ByHand(MACHINE, _spaced, "definition"),
    "a state machine's tracing that the program leaves alone": ByHand(
        MACHINE,
        lambda world, held: world.client("stepfunctions").update_state_machine(
            stateMachineArn=held.id, tracingConfiguration={"enabled": True}
        ),
        "",
    ),
}
