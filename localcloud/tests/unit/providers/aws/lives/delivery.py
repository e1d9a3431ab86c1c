"""Lives of build projects and pipelines."""

from __future__ import annotations

from typing import Any

from localcloud.tests.unit.providers.aws.cases import RETAGGED, TAGGED, Case, World


def stages(token: str, branch: str = "main") -> list[dict[str, Any]]:
    source = {
        "name": "Source",
        "category": "Source",
        "owner": "ThirdParty",
        "provider": "GitHub",
        "version": "1",
        "outputArtifacts": ["source"],
        "configuration": {"Owner": "o", "Repo": "r", "Branch": branch, "OAuthToken": token},
    }
    build = {
        "name": "Build",
        "category": "Build",
        "owner": "AWS",
        "provider": "CodeBuild",
        "version": "1",
        "inputArtifacts": ["source"],
        "configuration": {"ProjectName": "p"},
    }
    return [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": [build]}]


def project(world: World) -> dict[str, Any]:
    return {
        "serviceRole": world.role("codebuild.amazonaws.com"),
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "computeType": "BUILD_GENERAL1_SMALL",
            "image": "aws/codebuild/standard:7.0",
            "type": "LINUX_CONTAINER",
            "environmentVariables": [{"name": "A", "value": "b"}],
        },
        "source": {"type": "S3", "location": "bucket/source.zip"},
        "logsConfig": {"cloudwatchLogs": {"groupName": "g", "status": "ENABLED"}},
        "buildTimeout": 20,
        **TAGGED,
    }


DELIVERY = (
    Case(
        "aws:codebuild/project:Project",
        project,
        lambda world: {**project(world), "name": f"{world.name}-2"},
        replaces=True,
        outputs=("arn", "name"),
    ),
    Case(
        "aws:codepipeline/pipeline:Pipeline",
        lambda world: {
            "roleArn": world.role("codepipeline.amazonaws.com"),
            "pipelineType": "V2",
            "artifactStores": [{"location": "bucket", "type": "S3"}],
            "stages": stages("token"),
            **TAGGED,
        },
        lambda world: {
            "roleArn": world.role("codepipeline.amazonaws.com"),
            "pipelineType": "V2",
            "artifactStores": [{"location": "bucket", "type": "S3"}],
            "stages": stages("token", branch="trunk"),
            **RETAGGED,
        },
        outputs=("arn", "name"),
    ),
)
