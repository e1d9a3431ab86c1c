"""Clients that answer with recorded answers of the real APIs, checked against AWS's own models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import validate_parameters

from automation.aws.clients import Cloud

FOLDER = Path(__file__).parent / "recorded"
ACCOUNT = "arn:aws:ecs:us-east-1:111122223333"
BEGAN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DEPLOYMENT = f"{ACCOUNT}:service-deployment/fargate-cd-prod/fargate-cd-prod/ejGvqq2ilnbKT9qj0vLJe"
REVISION = f"{ACCOUNT}:service-revision/fargate-cd-prod/fargate-cd-prod/4980306466373577095"
DEFINITION = f"{ACCOUNT}:task-definition/fargate-cd-prod:7"
GROUP = (
    "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/fargate-cd-prod-1a2b3c/"
    "943f017f100becff"
)

USUAL: dict[str, dict[str, Any]] = {
    "ecs.DescribeServices": {
        "serviceName": "fargate-cd-prod",
        "status": "ACTIVE",
        "taskDefinition": DEFINITION,
        "healthCheckGracePeriodSeconds": 30,
        "loadBalancers": [{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 9292}],
        "events": [],
    },
    "ecs.ListServiceDeployments": {
        "serviceDeployments": [
            {
                "serviceDeploymentArn": DEPLOYMENT,
                "targetServiceRevisionArn": REVISION,
                "status": "ROLLBACK_SUCCESSFUL",
                "statusReason": "Service deployment rolled back because the circuit breaker "
                "threshold was exceeded.",
                "createdAt": BEGAN,
            }
        ]
    },
    "ecs.DescribeServiceRevisions": {
        "serviceRevisions": [{"serviceRevisionArn": REVISION, "taskDefinition": DEFINITION}]
    },
    "ecs.DescribeTasks": {"tasks": [], "failures": []},
    "elbv2.DescribeTargetHealth": {"TargetHealthDescriptions": []},
    "logs.GetLogEvents": {"events": []},
}
"""What a service answers whose deployment was rolled back, unless a recording says otherwise."""


@dataclass(frozen=True)
class Recording:
    """Answers of the real APIs about one failed deployment, and what must be made of them.

    Attributes:
        source: where the words are documented or were seen.
        cause: the name in the table of causes.
        sentence: words of the cause's sentence.
        setting: words of what to change.
        settings: the stack's settings at the time.
        answers: `service.Operation` → the answer; that of DescribeServices is the service.
    """

    source: str
    cause: str
    sentence: str
    setting: str
    settings: dict[str, Any]
    answers: dict[str, Any]

    def cloud(self) -> Cloud:
        """An account that gives these answers."""
        return _RecordedCloud(self)

    def answer(self, operation: str) -> dict[str, Any]:
        """The answer of one operation, such as `ecs.DescribeTasks`."""
        tasks = self.answers.get("ecs.DescribeTasks", {}).get("tasks", [])
        if operation == "ecs.ListTasks":
            return {"taskArns": [task["taskArn"] for task in tasks]}
        recorded: dict[str, Any] = USUAL[operation] | self.answers.get(operation, {})
        if operation == "ecs.DescribeServices":
            return {"services": [recorded], "failures": []}
        return recorded


SESSION = boto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")
"""One for all, since it reads the models once."""


def recordings() -> dict[str, Recording]:
    """Every recording by the name of its file."""
    return {path.stem: Recording(**json.loads(path.read_text())) for path in FOLDER.glob("*.json")}


class _RecordedCloud(Cloud):
    def __init__(self, recording: Recording) -> None:
        super().__init__("us-east-1")
        self._session = SESSION
        self._recording = recording

    def client(self, service: str) -> Any:
        made = service not in self._clients
        client = super().client(service)
        if made:
            client.meta.events.register(f"before-call.{service}", self._answer)
        return client

    def _answer(self, model: Any, **_: Any) -> tuple[Any, Any]:
        operation = f"{_service(model)}.{model.name}"
        answer = _typed(self._recording.answer(operation), model.output_shape)
        validate_parameters(answer, model.output_shape)
        return _Response(), answer


@dataclass(frozen=True)
class _Response:
    status_code: int = 200


def _service(model: Any) -> str:
    prefixes = {"elasticloadbalancing": "elbv2"}
    name = str(model.service_model.endpoint_prefix)
    return prefixes.get(name, name)


def _typed(value: Any, shape: Shape) -> Any:
    """JSON has no times: what the model calls a timestamp becomes one; unknown members fail."""
    if isinstance(shape, StructureShape):
        return {key: _typed(each, shape.members[key]) for key, each in value.items()}
    if isinstance(shape, ListShape):
        return [_typed(each, shape.member) for each in value]
    if shape.type_name == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value
