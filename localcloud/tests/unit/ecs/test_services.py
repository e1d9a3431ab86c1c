"""What UpdateService changes: what it is given, and nothing that another call may be changing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from localcloud.ecs import services
from localcloud.shared.service import Call
from localcloud.tests.unit.ecs.records import service

DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1"


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({"desiredCount": 3}, {"desired_count": 3}),
        ({"taskDefinition": "web:1"}, {"task_definition": DEFINITION}),
        ({}, {}),
    ],
    ids=["autoscaling", "release", "nothing"],
)
def test_what_is_left_out_is_no_change(given: dict[str, Any], changed: dict[str, Any]) -> None:
    call = cast("Call", SimpleNamespace(input=given, region="us-east-1"))
    record = service(configuration={"strategy": "ROLLING"})
    definition = cast("Any", SimpleNamespace(arn=DEFINITION))
    found = services._changes(cast("Any", None), call, record, definition, [])
    assert found == changed
