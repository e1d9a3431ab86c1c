"""Events reach EventBridge in their order, with the documented members."""

from __future__ import annotations

import json
from typing import Any

from localcloud.codepipeline import lifecycle
from localcloud.codepipeline.events import Events
from localcloud.codepipeline.model import FAILED
from localcloud.tests.unit.codepipeline.harness import REGION, pipeline

HAND = ("StartPipelineExecution", "test")


class Bus:
    """Takes events."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.entries += Entries
        return {"FailedEntryCount": 0}


def test_each_change_is_told_in_its_order() -> None:
    bus, asked = Bus(), list[tuple[str, str]]()

    def client(service: str, region: str) -> Bus:
        asked.append((service, region))
        return bus

    events, one = Events(client), pipeline()
    events.start()
    execution = lifecycle.begin(one, HAND, events)
    lifecycle.schedule(one, events)
    run = execution.actions[0]
    run.status, run.error_code, run.error_message = FAILED, "JobFailed", "no branch"
    kind = one.stages[0]["actions"][0]["actionTypeId"]
    events.action(one, execution, run, kind)
    lifecycle.schedule(one, events)
    events.stop()

    told = [(entry["DetailType"].split()[1], json.loads(entry["Detail"])) for entry in bus.entries]
    assert [(what, detail["state"]) for what, detail in told] == [
        ("Pipeline", "STARTED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "FAILED"),
        ("Stage", "FAILED"),
        ("Pipeline", "FAILED"),
    ]
    assert {detail["execution-id"] for _, detail in told} == {execution.id}
    assert told[0][1]["execution-trigger"]["trigger-type"] == "StartPipelineExecution"
    assert told[3][1]["execution-result"]["error-code"] == "JobFailed"
    assert told[3][1]["type"] == kind
    assert {entry["Source"] for entry in bus.entries} == {"aws.codepipeline"}
    assert {tuple(entry["Resources"]) for entry in bus.entries} == {(one.arn,)}
    assert set(asked) == {("events", REGION)}


def test_what_is_not_taken_does_not_stop_the_next() -> None:
    class Refusing(Bus):
        def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            super().put_events(Entries)
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}

    bus = Refusing()
    events, one = Events(lambda *_: bus), pipeline()
    events.start()
    lifecycle.begin(one, HAND, events)
    lifecycle.begin(one, HAND, events)
    events.stop()
    assert len(bus.entries) == 2
