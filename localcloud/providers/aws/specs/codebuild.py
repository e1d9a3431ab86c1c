"""Rows of CodeBuild: projects.

https://docs.aws.amazon.com/codebuild/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values

_UPDATED = (
    "artifacts",
    "autoRetryLimit",
    "badgeEnabled",
    "buildBatchConfig",
    "buildTimeout",
    "cache",
    "concurrentBuildLimit",
    "description",
    "encryptionKey",
    "environment",
    "fileSystemLocations",
    "logsConfig",
    "queuedTimeout",
    "secondaryArtifacts",
    "secondarySourceVersions",
    "secondarySources",
    "serviceRole",
    "source",
    "sourceVersion",
    "vpcConfig",
)


def _badge(_resource: Resource, found: Values) -> Values:
    badge = found.get("badge") or {}
    return {
        "badgeEnabled": badge.get("badgeEnabled", False),
        "badgeUrl": badge.get("badgeRequestUrl"),
    }


PROJECT = Spec(
    "aws:codebuild/project:Project",
    "codebuild",
    create=Op("CreateProject"),
    read=Op("BatchGetProjects", {"names": "[inputs.name || id]"}),
    delete=Op("DeleteProject", {"name": "inputs.name || id"}),
    id="project.arn",
    found="projects[0]",
    found_id="arn",
    names={
        "buildTimeout": "timeoutInMinutes",
        "queuedTimeout": "queuedTimeoutInMinutes",
        "buildBatchConfig.restrictions.computeTypesAlloweds": "computeTypesAllowed",
    },
    replaces=frozenset({"name"}),
    update=(Step(Op("UpdateProject", {"name": "inputs.name"}), properties=_UPDATED),),
    defaults={"buildTimeout": 60, "queuedTimeout": 480, "badgeEnabled": False},
    nested={
        "artifacts": {"encryptionDisabled": False, "overrideArtifactName": False},
        "cache": {"type": "NO_CACHE"},
        "environment": {"imagePullCredentialsType": "CODEBUILD", "privilegedMode": False},
        "environment.environmentVariables": {"type": "PLAINTEXT"},
        "logsConfig.cloudwatchLogs": {"status": "ENABLED"},
        "logsConfig.s3Logs": {"encryptionDisabled": False, "status": "DISABLED"},
    },
    outputs={"arn": "arn"},
    present=_badge,
    sticky=frozenset({"autoRetryLimit", "cache", "description", "encryptionKey", "logsConfig"}),
    name=AutoName(255),
    tags=Tagging(
        at_create="{tags: lower}",
        add=Op("UpdateProject", {"name": "inputs.name", "tags": "everyLower"}),
        remove=Op("UpdateProject", {"name": "inputs.name", "tags": "everyLower"}),
        found="tags",
    ),
    absent=frozenset({"ResourceNotFoundException"}),
)

ROWS = (PROJECT,)
