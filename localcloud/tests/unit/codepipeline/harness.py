"""A CodePipeline without a cloud around it: definitions, calls, and events that are remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.codepipeline.model import ActionRun, Execution, Pipeline, StageRun
from localcloud.shared.service import Call, Surroundings

REGION, ACCOUNT = "us-east-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
KEY = "0123456789abcdef"


def action(name: str, category: str, provider: str, **members: Any) -> dict[str, Any]:
    owner = "ThirdParty" if provider == "GitHub" else "AWS"
    kind = {"category": category, "owner": owner, "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, **members}


def source() -> dict[str, Any]:
    return action(
        "Source",
        "Source",
        "GitHub",
        configuration={
            "Owner": "acme",
            "Repo": "hello",
            "Branch": "main",
            "OAuthToken": "secret-token",
            "PollForSourceChanges": "false",
        },
        outputArtifacts=[{"name": "Source"}],
        namespace="Source",
    )


def build(name: str, **members: Any) -> dict[str, Any]:
    return action(
        name,
        "Build",
        "CodeBuild",
        configuration={"ProjectName": name.lower()},
        inputArtifacts=[{"name": "Source"}],
        **members,
    )


def definition(**members: Any) -> dict[str, Any]:
    """Source, Test, Build, Deploy."""
    deploy = action(
        "Deploy",
        "Deploy",
        "ECS",
        configuration={"ClusterName": "c", "ServiceName": "s"},
        inputArtifacts=[{"name": "Image"}],
    )
    return {
        "name": "release",
        "roleArn": ROLE,
        "pipelineType": "V2",
        "executionMode": "SUPERSEDED",
        "artifactStore": {"type": "S3", "location": "bucket"},
        "version": 1,
        "stages": [
            {"name": "Source", "actions": [source()]},
            {"name": "Test", "actions": [build("Test")]},
            {"name": "Build", "actions": [build("Build", outputArtifacts=[{"name": "Image"}])]},
            {"name": "Deploy", "actions": [deploy]},
        ],
        **members,
    }


def pipeline(**members: Any) -> Pipeline:
    """One that was created a moment ago, with no execution."""
    whole = definition(**members)
    arn = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{whole['name']}"
    return Pipeline(arn, whole["name"], 0.0, 0.0, versions={1: whole})


def call(operation: str, **members: Any) -> Call:
    principal = f"arn:aws:iam::{ACCOUNT}:root"
    return Call("codepipeline", operation, members, REGION, ACCOUNT, principal)


@dataclass
class FakeEvents:
    """Remembers what was told: `(what, state)`."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def pipeline(self, _pipeline: Pipeline, execution: Execution, state: str = "") -> None:
        self.told.append(("pipeline", state or execution.status))

    def stage(
        self, _pipeline: Pipeline, _execution: Execution, stage: StageRun, state: str = ""
    ) -> None:
        self.told.append((stage.name, state or stage.status))

    def action(
        self, _pipeline: Pipeline, _execution: Execution, run: ActionRun, _kind: dict[str, str]
    ) -> None:
        self.told.append((f"{run.stage}/{run.action}", run.status))

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""


def no_clients(*_arguments: object) -> Any:
    raise AssertionError("no service is to be called")


def surroundings(folder: Path, client: Any = no_clients) -> Surroundings:
    return Surroundings(
        state_dir=str(folder),
        instance="test",
        account=ACCOUNT,
        region=REGION,
        api_url="http://127.0.0.1:4566",
        registry_host="localhost:5000",
        docker_network="none",
        docker_gateway="127.0.0.1",
        client=client,
    )
