"""Builds: started, stopped, retried and shown.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from localcloud.codebuild import projects
from localcloud.codebuild.core import Core
from localcloud.codebuild.errors import invalid, limit, not_found
from localcloud.codebuild.model import Build, Project
from localcloud.codebuild.overrides import applied
from localcloud.codebuild.pages import page
from localcloud.iam import SESSIONS
from localcloud.shared.service import Call

TOKEN_SECONDS = 300
"""How long an idempotency token counts: five minutes."""

PIPELINE = "codepipeline.amazonaws.com"
RESOLVED_VERSION = "CODEBUILD_RESOLVED_SOURCE_VERSION"


def find(core: Core, build_id: str) -> Build:
    """A build by id.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    build = core.store.build(build_id)
    if build is None:
        raise not_found(f"Build cannot be found: {build_id}")
    return build


def start(core: Core, call: Call) -> Mapping[str, Any]:
    """StartBuild."""
    project = projects.find(core, call, call.input["projectName"])
    return {"build": _start(core, call, project, dict(call.input)).shape}


def retry(core: Core, call: Call) -> Mapping[str, Any]:
    """RetryBuild: the same request again."""
    old = find(core, call.input["id"])
    if old.running:
        raise invalid(f"Build {old.id} is still in progress; stop it first")
    request = {name: v for name, v in old.request.items() if name != "idempotencyToken"}
    if "idempotencyToken" in call.input:
        request["idempotencyToken"] = call.input["idempotencyToken"]
    project = projects.find(core, call, old.project)
    return {"build": _start(core, call, project, request).shape}


def _start(core: Core, call: Call, project: Project, request: dict[str, Any]) -> Build:
    with core.store.lock:
        earlier = _earlier(core, project, request)
        if earlier is not None:
            return earlier
        running = sum(build.running for build in core.store.builds_of(project))
        most = project.shape.get("concurrentBuildLimit")
        if most is not None and running >= most:
            raise limit(f"Cannot have more than {most} builds in progress for the project")
        build = _build(call, project, request)
        project.builds += 1
        build.shape["buildNumber"] = project.builds
        core.store.save(project)
        build.begin("SUBMITTED")
        build.end("SUCCEEDED")
        build.begin("QUEUED")
        core.store.save(build)
        core.runs.start(build)
    return build


def _earlier(core: Core, project: Project, request: dict[str, Any]) -> Build | None:
    """The build that the same request with the same token has started already."""
    token = request.get("idempotencyToken")
    for build in core.store.builds_of(project) if token else []:
        recent = time.time() - build.shape["startTime"] < TOKEN_SECONDS
        if recent and build.request.get("idempotencyToken") == token:
            if build.request != request:
                raise invalid("Idempotent parameter mismatch: the token was used for another build")
            return build
    return None


def _build(call: Call, project: Project, request: dict[str, Any]) -> Build:
    region, account = call.region, call.account
    build_id = f"{project.name}:{uuid4()}"
    session = SESSIONS.find(call.access_key_id)
    by_pipeline = session is not None and session.service == PIPELINE
    variables = request.get("environmentVariablesOverride", [])
    resolved = [v["value"] for v in variables if by_pipeline and v["name"] == RESOLVED_VERSION]
    settings = applied(project.shape, request)
    settings = applied(project.shape, request)
    _check_source(settings["source"])
    artifacts = [settings.pop("artifacts"), *settings.pop("secondaryArtifacts", [])]
    logs = settings.pop("logsConfig", {})
    shape = {
        **settings,
        "id": build_id,
        "arn": f"arn:aws:codebuild:{region}:{account}:build/{build_id}",
        "startTime": time.time(),
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "projectName": project.name,
        "phases": [],
        "initiator": _initiator(call, by_pipeline),
        "exportedEnvironmentVariables": [],
        "logs": _logs(logs, project.name, build_id, region, account),
    }
    if resolved:
        shape["resolvedSourceVersion"] = resolved[0]
    return Build(shape, region, request, artifacts=artifacts)


def _check_source(source: Mapping[str, Any]) -> None:
    if source["type"] == "CODEPIPELINE":
        raise invalid(
            "The source of a CODEPIPELINE project comes with the build: give sourceTypeOverride S3 "
            "and sourceLocationOverride BUCKET/KEY, or start its pipeline"
        )
    if source["type"] == "S3" and "/" not in source.get("location", ""):
        raise invalid("Invalid source: location must be BUCKET/KEY of a ZIP file")


def _initiator(call: Call, by_pipeline: bool) -> str:
    """A user's name, `ROLE/SESSION`, or `codepipeline/PIPELINE`, whose name the session has."""
    principal = call.principal.rpartition(":")[2]
    if by_pipeline:
        return f"codepipeline/{principal.rpartition('/')[2]}"
    kind, _, name = principal.partition("/")
    return {"user": name.rpartition("/")[2], "assumed-role": name}.get(kind, principal)


def _logs(
    config: dict[str, Any], project: str, build_id: str, region: str, account: str
) -> dict[str, Any]:
    """Where the build's log will be."""
    wanted = config.get("cloudWatchLogs", {"status": "ENABLED"})
    shown = {
        "cloudWatchLogs": wanted,
        "s3Logs": {"status": "DISABLED", "encryptionDisabled": False},
    }
    if wanted["status"] == "DISABLED":
        return shown
    uuid = build_id.rpartition(":")[2]
    group = wanted.get("groupName") or f"/aws/codebuild/{project}"
    stream = f"{wanted['streamName']}/{uuid}" if wanted.get("streamName") else uuid
    link = f"https://console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups"
    return {
        **shown,
        "groupName": group,
        "streamName": stream,
        "deepLink": f"{link}/log-group/{_quoted(group)}/log-events/{_quoted(stream)}",
        "cloudWatchLogsArn": f"arn:aws:logs:{region}:{account}:log-group:{group}"
        f":log-stream:{stream}",
    }


def _quoted(name: str) -> str:
    """As the console's own links write a slash."""
    return name.replace("/", "$252F")


def stop(core: Core, call: Call) -> Mapping[str, Any]:
    """StopBuild; a build that has ended stays as it is."""
    build = find(core, call.input["id"])
    core.runs.stop(build, "Build was stopped by a user.")
    return {"build": build.shape}


def batch_get(core: Core, call: Call) -> Mapping[str, Any]:
    """BatchGetBuilds."""
    found = {build_id: core.store.build(build_id) for build_id in call.input["ids"]}
    return {
        "builds": [build.shape for build in found.values() if build is not None],
        "buildsNotFound": [build_id for build_id, build in found.items() if build is None],
    }


def batch_delete(core: Core, call: Call) -> Mapping[str, Any]:
    """BatchDeleteBuilds: of those that have ended."""
    deleted, kept = [], []
    for build_id in call.input["ids"]:
        build = core.store.build(build_id)
        if build is None:
            kept.append({"id": build_id, "statusCode": "BUILD_NOT_FOUND"})
        elif build.running:
            kept.append({"id": build_id, "statusCode": "BUILD_IN_PROGRESS"})
        else:
            core.store.builds.remove(build.uuid)
            deleted.append(build.arn)
    return {"buildsDeleted": deleted, "buildsNotDeleted": kept}


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListBuilds: the newest first, unless ascending."""
    rows = [build for build in core.store.builds if build.region == call.region]
    return _listed(rows, call)


def list_for_project(core: Core, call: Call) -> Mapping[str, Any]:
    """ListBuildsForProject."""
    return _listed(core.store.builds_of(projects.find(core, call, call.input["projectName"])), call)


def _listed(rows: list[Build], call: Call) -> Mapping[str, Any]:
    newest_first = call.input.get("sortOrder", "DESCENDING") == "DESCENDING"
    rows = sorted(rows, key=lambda build: build.shape["startTime"], reverse=newest_first)
    ids, token = page([build.id for build in rows], call.input)
    return {"ids": ids, "nextToken": token}
