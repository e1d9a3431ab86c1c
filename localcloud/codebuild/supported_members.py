"""Which members of each operation the local CodeBuild honours; any other is refused in words.

A path covers everything below it. A member that asks for nothing (empty, false, zero) may always
be given. What is honoured with a difference from AWS is told in localcloud/docs/services.md.
"""

from __future__ import annotations

from typing import Any

from localcloud.codebuild.errors import invalid
from localcloud.shared.supported_members import asked_for, not_honoured

_ARTIFACTS = (
    "type location path namespaceType name packaging overrideArtifactName encryptionDisabled "
    "artifactIdentifier"
)
_ENVIRONMENT = "type image computeType environmentVariables privilegedMode imagePullCredentialsType"
_SOURCE = "type location buildspec gitCloneDepth insecureSsl"
_SECONDARY_SOURCE = "type location sourceIdentifier"


def _below(path: str, members: str) -> str:
    return " ".join(f"{path}.{member}" for member in members.split())


_PROJECT = " ".join(
    [
        "name description sourceVersion serviceRole timeoutInMinutes queuedTimeoutInMinutes",
        "encryptionKey tags concurrentBuildLimit cache.type cache.modes",
        "logsConfig.cloudWatchLogs logsConfig.s3Logs.status",
        _below("source", _SOURCE),
        _below("secondarySources[]", _SECONDARY_SOURCE),
        _below("artifacts", _ARTIFACTS),
        _below("secondaryArtifacts[]", _ARTIFACTS),
        _below("environment", _ENVIRONMENT),
    ]
)
_START = " ".join(
    [
        "projectName sourceVersion environmentVariablesOverride sourceTypeOverride",
        "sourceLocationOverride buildspecOverride environmentTypeOverride imageOverride",
        "computeTypeOverride serviceRoleOverride privilegedModeOverride",
        "timeoutInMinutesOverride queuedTimeoutInMinutesOverride encryptionKeyOverride",
        "idempotencyToken imagePullCredentialsTypeOverride cacheOverride.type cacheOverride.modes",
        "logsConfigOverride.cloudWatchLogs logsConfigOverride.s3Logs.status",
        _below("secondarySourcesOverride[]", _SECONDARY_SOURCE),
        _below("artifactsOverride", _ARTIFACTS),
        _below("secondaryArtifactsOverride[]", _ARTIFACTS),
    ]
)

HONOURED: dict[str, str] = {
    "CreateProject": _PROJECT,
    "UpdateProject": _PROJECT,
    "DeleteProject": "name",
    "BatchGetProjects": "names",
    "ListProjects": "sortBy sortOrder nextToken",
    "StartBuild": _START,
    "StopBuild": "id",
    "RetryBuild": "id idempotencyToken",
    "BatchGetBuilds": "ids",
    "BatchDeleteBuilds": "ids",
    "ListBuilds": "sortOrder nextToken",
    "ListBuildsForProject": "projectName sortOrder nextToken",
}

# Member → the values that the local cloud does something with.
VALUES: dict[str, frozenset[str]] = {
    "source.type": frozenset({"CODEPIPELINE", "S3", "NO_SOURCE"}),
    "sourceTypeOverride": frozenset({"CODEPIPELINE", "S3", "NO_SOURCE"}),
    "secondarySources[].type": frozenset({"S3"}),
    "secondarySourcesOverride[].type": frozenset({"S3"}),
    "environment.type": frozenset({"LINUX_CONTAINER", "ARM_CONTAINER"}),
    "environmentTypeOverride": frozenset({"LINUX_CONTAINER", "ARM_CONTAINER"}),
    "cache.type": frozenset({"NO_CACHE", "LOCAL"}),
    "cacheOverride.type": frozenset({"NO_CACHE", "LOCAL"}),
    "logsConfig.s3Logs.status": frozenset({"DISABLED"}),
    "logsConfigOverride.s3Logs.status": frozenset({"DISABLED"}),
}


def refuse_unhonoured(operation: str, given: dict[str, Any]) -> None:
    """Refuse a request that asks for something which would be ignored.

    Raises:
        ServiceError: InvalidInputException that names the member.
    """
    for path in not_honoured(HONOURED[operation], given):
        raise invalid(
            f"The local cloud does not honour {path} of {operation}. "
            "Leave it out, or try it on AWS."
        )
    for path, value in asked_for(given):
        if path in VALUES and value not in VALUES[path]:
            raise invalid(
                f"The local cloud does not honour {value} for {path} of {operation}; it has "
                f"{', '.join(sorted(VALUES[path]))}."
            )
