"""What RegisterTaskDefinition takes and refuses.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.ecs.validation import FARGATE_MEMORY, normalised
from localcloud.shared.service import ServiceError

VALID: dict[str, Any] = {
    "family": "web",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
    "containerDefinitions": [
        {
            "name": "app",
            "image": "localhost:5000/app@sha256:0",
            "portMappings": [{"containerPort": 9292}],
        }
    ],
}
LOGS = {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}


def test_defaults_are_filled_in() -> None:
    definition = normalised(VALID | {"cpu": ".25 vCPU", "memory": "0.5 GB"})
    assert (definition["cpu"], definition["memory"]) == ("256", "512")
    container = definition["containerDefinitions"][0]
    assert container["essential"] is True
    assert container["portMappings"] == [
        {"containerPort": 9292, "hostPort": 9292, "protocol": "tcp"}
    ]


@pytest.mark.parametrize(
    ("cpu", "memory"), [(cpu, memory) for cpu, sizes in FARGATE_MEMORY.items() for memory in sizes]
)
def test_every_size_that_fargate_offers_is_taken(cpu: int, memory: int) -> None:
    assert normalised(VALID | {"cpu": str(cpu), "memory": str(memory)})["cpu"] == str(cpu)


@pytest.mark.parametrize(
    ("cpu", "memory"), [("256", "4096"), ("512", "512"), ("300", "512"), ("1024", "1024")]
)
def test_a_size_that_fargate_does_not_offer_is_refused(cpu: str, memory: str) -> None:
    with pytest.raises(ServiceError, match="No Fargate configuration exists for given values"):
        normalised(VALID | {"cpu": cpu, "memory": memory})


Spoil = Callable[[dict[str, Any]], object]


def container(changes: dict[str, Any]) -> Spoil:
    """A change of the one container."""
    return lambda definition: definition["containerDefinitions"][0].update(changes)


def beside(other: dict[str, Any], condition: str) -> Spoil:
    """Another container, on which the one depends."""

    def spoil(definition: dict[str, Any]) -> None:
        definition["containerDefinitions"].append({"image": "i:1", **other})
        needs = [{"containerName": other["name"], "condition": condition}]
        definition["containerDefinitions"][0]["dependsOn"] = needs

    return spoil


WRONG: dict[str, tuple[Spoil, str]] = {
    "family": (lambda d: d.update(family="a b"), "Family contains invalid characters"),
    "launch type": (lambda d: d.update(requiresCompatibilities=["EC2"]), "Fargate only"),
    "network mode": (lambda d: d.update(networkMode="bridge"), "only supports network mode"),
    "no cpu": (lambda d: d.pop("cpu"), "'cpu' be defined at the task level"),
    "cpu as words": (lambda d: d.update(cpu="lots"), "Invalid 'cpu' setting"),
    "windows": (
        lambda d: d.update(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}),
        "Linux containers",
    ),
    "storage": (lambda d: d.update(ephemeralStorage={"sizeInGiB": 5}), "between 21 and 200"),
    "no containers": (lambda d: d.update(containerDefinitions=[]), "1 to 10 container"),
    "two of a name": (
        lambda d: d["containerDefinitions"].append(d["containerDefinitions"][0]),
        "names must be unique",
    ),
    "none essential": (container({"essential": False}), "must be essential"),
    "container name": (container({"name": "a.b"}), "Container name contains invalid"),
    "a variable and a secret of a name": (
        container(
            {
                "environment": [{"name": "WORD", "value": "1"}],
                "secrets": [{"name": "WORD", "valueFrom": "word"}],
            }
        ),
        "secret name must be unique",
    ),
    "no image": (container({"image": " "}), "image should not be null"),
    "port": (container({"portMappings": [{"containerPort": 0}]}), "Invalid container port"),
    "host port": (
        container({"portMappings": [{"containerPort": 80, "hostPort": 8080}]}),
        "must match",
    ),
    "port twice": (
        container({"portMappings": [{"containerPort": 80}, {"containerPort": 80}]}),
        "mapped once",
    ),
    "stop time-out": (container({"stopTimeout": 121}), "120 seconds"),
    "capability": (
        container({"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}),
        "SYS_ADMIN",
    ),
    "dependency": (
        container({"dependsOn": [{"containerName": "other", "condition": "START"}]}),
        "Invalid 'dependsOn'",
    ),
    "completion of an essential container": (
        beside({"name": "init"}, "COMPLETE"),
        "can't be set on the essential container init",
    ),
    "success of an essential container": (
        beside({"name": "init", "essential": True}, "SUCCESS"),
        "can't be set on the essential container init",
    ),
    "health without a check": (beside({"name": "init"}, "HEALTHY"), "needs a health check"),
    "start time-out": (container({"startTimeout": 121}), "between 2 and 120 seconds"),
    "memory": (container({"memory": 1024}), "exceeds the task's memory"),
    "memory of all": (
        lambda d: d.update(
            containerDefinitions=[
                {"name": name, "image": "i", "memory": 300} for name in ("app", "side")
            ]
        ),
        "exceeds the task's memory",
    ),
    "cpu share": (container({"cpu": 512}), "exceeds the task's CPU"),
    "log driver": (container({"logConfiguration": {"logDriver": "splunk"}}), "splunk"),
    "log options": (
        container({"logConfiguration": {"logDriver": "awslogs", "options": {}}}),
        "awslogs-group",
    ),
    "log option": (
        container(
            {
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": LOGS | {"awslogs-multiline-pattern": "x"},
                }
            }
        ),
        "awslogs-multiline-pattern",
    ),
    "health command": (container({"healthCheck": {"command": ["curl"]}}), "CMD or CMD-SHELL"),
    "health interval": (
        container({"healthCheck": {"command": ["CMD", "x"], "interval": 1}}),
        "interval must be between",
    ),
    "volume": (
        container({"mountPoints": [{"sourceVolume": "data", "containerPath": "/d"}]}),
        "Unknown volume",
    ),
    "host volume": (
        lambda d: d.update(volumes=[{"name": "v", "host": {"sourcePath": "/etc"}}]),
        "sourcePath should not be set",
    ),
    "ulimit": (
        container({"ulimits": [{"name": "nofile", "softLimit": 2, "hardLimit": 1}]}),
        "above its hard limit",
    ),
    "logs without a role": (
        lambda d: (
            d.pop("executionRoleArn"),
            d["containerDefinitions"][0].update(
                logConfiguration={"logDriver": "awslogs", "options": LOGS}
            ),
        ),
        "execution role ARN",
    ),
    "secrets without a role": (
        lambda d: (
            d.pop("executionRoleArn"),
            d["containerDefinitions"][0].update(secrets=[{"name": "A", "valueFrom": "b"}]),
        ),
        "executionRoleArn",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_fargate_refuses_is_refused_in_words(what: str) -> None:
    spoil, words = WRONG[what]
    definition = copy.deepcopy(VALID)
    spoil(definition)
    with pytest.raises(ServiceError) as refusal:
        normalised(definition)
    assert words in refusal.value.message
    assert refusal.value.code in ("ClientException", "InvalidParameterException")


def test_dependencies_may_not_form_a_cycle() -> None:
    definition = copy.deepcopy(VALID)
    definition["containerDefinitions"] = [
        {"name": a, "image": "i", "dependsOn": [{"containerName": b, "condition": "START"}]}
        for a, b in (("a", "b"), ("b", "a"))
    ]
    with pytest.raises(ServiceError, match="must not form a cycle"):
        normalised(definition)
