"""Processes: a service each of the same image, and what they scale by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from infra.service.queue_scaling import MOST_STEPS, steps
from infra.settings.processes import Process
from tests.unit.infra.recorder import REGION, Recording, custom, record

QUEUE = f"arn:aws:sqs:{REGION}:123456789012:orders"
WORKER = {"command": ["work"], "min_count": 0, "max_count": 3, "queue": QUEUE}
IMAGE = "registry.example.com/team/app:1"


def made(processes: Mapping[str, Any], **settings: str) -> Recording:
    return record({"image": IMAGE, "processes": json.dumps(processes), **settings})


def inputs(recording: Recording, token: str, name: str) -> dict[str, Any]:
    return recording.one(token, name).inputs


def container(recording: Recording) -> dict[str, Any]:
    definition = inputs(recording, "TaskDefinition", "process-worker-definition")
    return dict(json.loads(definition["containerDefinitions"])[0])


def added(recording: Recording) -> set[str]:
    before = {each.name for each in custom(record({"image": IMAGE}).resources)}
    return {each.name for each in custom(recording.resources)} - before


def test_a_process_is_a_service_without_a_load_balancer() -> None:
    found = made({"worker": {"command": ["work", "--fast"], "cpu": 512, "memory": 1024}})
    service = inputs(found, "Service", "process-worker-service")
    web = inputs(found, "Service", "service-service")
    assert service["name"] == "fargate-cd-dev_worker"
    assert not service.get("loadBalancers")
    assert service["desiredCount"] == 1
    for same in ("cluster", "networkConfiguration", "deploymentCircuitBreaker"):
        assert service[same] == web[same]
    definition = inputs(found, "TaskDefinition", "process-worker-definition")
    of_web = inputs(found, "TaskDefinition", "task-definition")
    assert (definition["family"], definition["cpu"], definition["memory"]) == (
        "fargate-cd-dev_worker",
        "512",
        "1024",
    )
    for same in ("taskRoleArn", "executionRoleArn", "runtimePlatform"):
        assert definition[same] == of_web[same]


def test_its_container_is_the_web_processs_without_a_port() -> None:
    found = made(
        {"worker": {"command": ["work"], "environment": {"QUEUE": "a"}}},
        environment='{"COLOUR": "red", "QUEUE": "b"}',
    )
    worker, web = container(found), found.container
    assert worker["image"] == web["image"] == IMAGE
    assert worker["command"] == ["work"]
    assert worker["portMappings"] == []
    told = {each["name"]: each["value"] for each in worker["environment"]}
    assert told == {"COLOUR": "red", "QUEUE": "a", "DRAIN_SECONDS": "15"}
    assert worker["readonlyRootFilesystem"] is True
    log, of_web = (each["logConfiguration"]["options"] for each in (worker, web))
    assert log == {**of_web, "awslogs-stream-prefix": "worker"}


def test_a_fixed_number_of_tasks_is_not_scaled() -> None:
    found = made({"worker": {"command": ["work"], "min_count": 2}})
    assert added(found) == {
        "process-worker-definition",
        "process-worker-service",
        "alarms-worker-too-few-tasks",
    }
    assert found.one("Service", "process-worker-service").options["ignoreChanges"] == []


def test_it_scales_by_cpu() -> None:
    found = made({"worker": {"command": ["work"], "max_count": 4, "cpu_target": 70}})
    target = inputs(found, "Target", "process-worker-target")
    assert (target["minCapacity"], target["maxCapacity"]) == (1, 4)
    assert target["resourceId"] == "service/fargate-cd-dev/fargate-cd-dev_worker"
    policy = inputs(found, "Policy", "process-worker-cpu")
    assert policy["targetTrackingScalingPolicyConfiguration"]["targetValue"] == 70
    service = found.one("Service", "process-worker-service")
    assert service.options["ignoreChanges"] == ["desiredCount"]


def test_a_queue_brings_it_from_nothing_and_back() -> None:
    found = made({"worker": {**WORKER, "messages_per_task": 10}})
    assert inputs(found, "Target", "process-worker-target")["minCapacity"] == 0
    busy = inputs(found, "Policy", "process-worker-messages")["stepScalingPolicyConfiguration"]
    assert busy["adjustmentType"] == "ExactCapacity"
    bounds = [
        (
            step["scalingAdjustment"],
            step["metricIntervalLowerBound"],
            step.get("metricIntervalUpperBound"),
        )
        for step in busy["stepAdjustments"]
    ]
    assert bounds == [(1, "0", "10"), (2, "10", "20"), (3, "20", None)]
    idle = inputs(found, "Policy", "process-worker-no-messages")["stepScalingPolicyConfiguration"]
    assert idle["stepAdjustments"] == [{"scalingAdjustment": 0, "metricIntervalUpperBound": "0"}]
    for kind, comparison in (
        ("messages", "GreaterThanOrEqualToThreshold"),
        ("no-messages", "LessThanThreshold"),
    ):
        alarm = inputs(found, "MetricAlarm", f"process-worker-{kind}-alarm")
        assert (alarm["comparisonOperator"], alarm["threshold"]) == (comparison, 1)
        assert [arn.rpartition("/")[2] for arn in alarm["alarmActions"]] == [kind]
        first = alarm["metricQueries"][0]["metric"]
        assert first["dimensions"] == {"QueueName": "orders"}


def test_its_tasks_may_take_from_exactly_its_queue() -> None:
    found = made({"worker": WORKER})
    (policy,) = (
        each for each in found.of("RolePolicy") if each.name.startswith("roles-read-queue-worker-")
    )
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert statement["Resource"] == [QUEUE]
    assert statement["Action"] == [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    ]
    waits = found.one("Service", "process-worker-service").depends_on
    assert policy.name in {urn.rsplit("::", 1)[-1] for urn in waits}


def test_a_message_that_waits_for_long_raises_an_alarm() -> None:
    alarms = {each.inputs["name"] for each in made({"worker": WORKER}).of("MetricAlarm")}
    assert "fargate-cd-dev_worker-messages-wait" in alarms
    assert "fargate-cd-dev_worker-too-few-tasks" not in alarms


def test_without_a_way_to_the_internet_there_is_one_to_the_queue() -> None:
    found = made({"worker": WORKER}, egress="endpoints")
    policy = json.loads(inputs(found, "VpcEndpoint", "endpoints-sqs")["policy"])
    (statement,) = policy["Statement"]
    assert statement["Resource"] == [QUEUE]
    assert "sqs:SendMessage" in statement["Action"]


@pytest.mark.parametrize("most", [1, 3, 19, 20, 21, 47, 1000])
@pytest.mark.parametrize("each", [1, 100])
def test_the_steps_leave_no_gap_and_never_too_few_tasks(most: int, each: int) -> None:
    process = Process.model_validate(
        {"command": ["x"], "queue": QUEUE, "max_count": most, "messages_per_task": each}
    )
    found = steps(process)
    assert len(found) <= MOST_STEPS
    assert found[0][1] == 0
    assert found[-1] == (most, found[-1][1], None)
    for (_, _, upper), (_, lower, _) in pairwise(found):
        assert upper == lower
    for messages in (1, each, each + 1, most * each, most * each * 9):
        tasks = next(t for t, low, up in found if low < messages and messages <= (up or messages))
        assert tasks >= min(-(-messages // each), most)
