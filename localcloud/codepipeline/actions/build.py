"""The CodeBuild action, for the categories Build and Test.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localcloud.codepipeline import errors
from localcloud.codepipeline.actions.work import (
    CONFIGURATION_ERROR,
    ActionError,
    Outcome,
    Work,
    failed,
    succeeded,
)
from localcloud.codepipeline.model import Artifact

RESOLVED_VERSION = "CODEBUILD_RESOLVED_SOURCE_VERSION"
_TYPES = ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER")


def check(name: str, configuration: Mapping[str, str]) -> None:
    """Refuses batches, which are not run here, and variables that are no variables."""
    for key in ("BatchEnabled", "CombineArtifacts"):
        if configuration.get(key, "false").lower() != "false":
            raise errors.unsupported(f"{key} (action {name})")
    try:
        _variables(configuration)
    except ActionError as error:
        raise errors.action(f"Action '{name}': {error.message}") from error


def advance(work: Work) -> Outcome:
    """Starts the build, then looks how far it is."""
    codebuild = work.client("codebuild")
    identifier = work.progress.get("build")
    if not identifier:
        build = codebuild.start_build(**_request(work))["build"]
        return Outcome(progress={"build": build["id"]}, **_links(build))
    found = codebuild.batch_get_builds(ids=[identifier])["builds"]
    if not found:
        return failed(f"The build {identifier} is gone")
    return _outcome(work, found[0])


def _outcome(work: Work, build: dict[str, Any]) -> Outcome:
    links, status = _links(build), build["buildStatus"]
    exported = {
        variable["name"]: variable["value"]
        for variable in build.get("exportedEnvironmentVariables", [])
    }
    if status == "IN_PROGRESS":
        phase = build.get("currentPhase", "")
        return Outcome(progress=work.progress, summary=f"Phase: {phase}" if phase else "", **links)
    if status == "SUCCEEDED":
        return succeeded(progress=work.progress, variables=exported, **links)
    message = f"Build terminated with state: {status}{_cause(build)}"
    return failed(message, progress=work.progress, variables=exported, **links)


def _cause(build: dict[str, Any]) -> str:
    """The first phase that did not succeed, in the words of CodeBuild."""
    for phase in build.get("phases", []):
        if phase.get("phaseStatus", "SUCCEEDED") not in ("SUCCEEDED", "QUEUED"):
            contexts = phase.get("contexts") or [{}]
            code, said = contexts[0].get("statusCode", ""), contexts[0].get("message", "")
            return f". Phase: {phase['phaseType']}, Code: {code}, Message: {said}"
    return ""


def _links(build: dict[str, Any]) -> dict[str, Any]:
    logs = build.get("logs", {})
    return {
        "external_id": build["id"],
        "external_url": logs.get("deepLink", ""),
        "log_stream_arn": logs.get("cloudWatchLogsArn", ""),
    }


def _request(work: Work) -> dict[str, Any]:
    settings = work.configuration
    primary = _primary(work)
    others = [artifact for artifact in work.inputs if artifact is not primary]
    request: dict[str, Any] = {
        "projectName": settings["ProjectName"],
        "idempotencyToken": work.run_id,
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": f"{primary.bucket}/{primary.key}",
        "environmentVariablesOverride": [
            *_variables(settings),
            *_resolved_version(work, primary),
        ],
    }
    if work.encryption_key:
        request["encryptionKeyOverride"] = work.encryption_key
    if others:
        request["secondarySourcesOverride"] = [
            {
                "type": "S3",
                "location": f"{artifact.bucket}/{artifact.key}",
                "sourceIdentifier": artifact.name,
            }
            for artifact in others
        ]
    if len(work.outputs) == 1:
        request["artifactsOverride"] = _artifact(work.outputs[0])
    else:
        request["artifactsOverride"] = {"type": "NO_ARTIFACTS"}
        request["secondaryArtifactsOverride"] = [
            {**_artifact(artifact), "artifactIdentifier": artifact.name}
            for artifact in work.outputs
        ]
    return request


def _resolved_version(work: Work, primary: Artifact) -> list[dict[str, str]]:
    """By it the local CodeBuild knows the commit, which CodePipeline tells CodeBuild on AWS."""
    commit = work.revisions.get(primary.name)
    return [{"name": RESOLVED_VERSION, "value": commit, "type": "PLAINTEXT"}] if commit else []


def _primary(work: Work) -> Artifact:
    name = work.configuration.get("PrimarySource")
    if len(work.inputs) == 1 and name is None:
        return work.inputs[0]
    for artifact in work.inputs:
        if artifact.name == name:
            return artifact
    raise ActionError(
        f"PrimarySource must name one of the input artifacts, and is {name!r}", CONFIGURATION_ERROR
    )


def _artifact(artifact: Artifact) -> dict[str, Any]:
    path, _, name = artifact.key.rpartition("/")
    return {
        "type": "S3",
        "location": artifact.bucket,
        "path": path,
        "name": name,
        "namespaceType": "NONE",
        "packaging": "ZIP",
        "overrideArtifactName": False,
        "encryptionDisabled": False,
    }


def _variables(configuration: Mapping[str, str]) -> list[dict[str, str]]:
    text = configuration.get("EnvironmentVariables")
    if not text:
        return []
    try:
        found = json.loads(text)
        return [{"name": row["name"], "value": row["value"], "type": _type(row)} for row in found]
    except (ValueError, TypeError, KeyError) as error:
        raise ActionError(
            "EnvironmentVariables must be a JSON list of objects with name, value and type "
            f"({' or '.join(_TYPES)}): {error}",
            CONFIGURATION_ERROR,
        ) from error


def _type(row: Mapping[str, str]) -> str:
    kind = row.get("type", "PLAINTEXT")
    if kind not in _TYPES:
        raise ValueError(f"type {kind}")
    return kind
