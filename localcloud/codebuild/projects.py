"""Projects: made, changed, shown and deleted.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.codebuild.buildspec import is_inline
from localcloud.codebuild.core import Core
from localcloud.codebuild.errors import exists, invalid, not_found
from localcloud.codebuild.model import Project
from localcloud.codebuild.pages import page
from localcloud.shared.service import Call, ServiceError

DEFAULT_TIMEOUT_MINUTES = 60
DEFAULT_QUEUED_TIMEOUT_MINUTES = 480
RESERVED_TAGS = "aws:"

_SORT_KEYS: dict[str, Callable[[Project], Any]] = {
    "NAME": lambda project: project.name,
    "CREATED_TIME": lambda project: project.shape["created"],
    "LAST_MODIFIED_TIME": lambda project: project.shape["lastModified"],
}


def arn_of(call: Call, name: str) -> str:
    """A project's ARN."""
    return f"arn:aws:codebuild:{call.region}:{call.account}:project/{name}"


def find(core: Core, call: Call, name: str) -> Project:
    """A project by name.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    project = core.store.project(call.region, name)
    if project is None:
        raise not_found(f"Project cannot be found: {arn_of(call, name)}")
    return project


def create(core: Core, call: Call) -> Mapping[str, Any]:
    """CreateProject."""
    given = dict(call.input)
    with core.store.lock:
        if core.store.project(call.region, given["name"]) is not None:
            raise exists(f"Project already exists: {arn_of(call, given['name'])}")
        now = time.time()
        shape = {
            "timeoutInMinutes": DEFAULT_TIMEOUT_MINUTES,
            "queuedTimeoutInMinutes": DEFAULT_QUEUED_TIMEOUT_MINUTES,
            "encryptionKey": f"arn:aws:kms:{call.region}:{call.account}:alias/aws/s3",
            "cache": {"type": "NO_CACHE"},
            "badge": {"badgeEnabled": False},
            "projectVisibility": "PRIVATE",
            **given,
            "arn": arn_of(call, given["name"]),
            "created": now,
            "lastModified": now,
        }
        _check(core, shape)
        project = Project(_completed(shape), call.region)
        core.store.save(project)
    core.prepare(project.shape["environment"])
    return {"project": project.shape}


def update(core: Core, call: Call) -> Mapping[str, Any]:
    """UpdateProject: the members that are given replace the old ones."""
    with core.store.lock:
        project = find(core, call, call.input["name"])
        changed = {name: value for name, value in call.input.items() if name != "name"}
        shape = {**project.shape, **changed, "lastModified": time.time()}
        if changed.get("concurrentBuildLimit") == -1:
            del shape["concurrentBuildLimit"]
        _check(core, shape)
        project.shape = _completed(shape)
        core.store.save(project)
    core.prepare(project.shape["environment"])
    return {"project": project.shape}


def delete(core: Core, call: Call) -> Mapping[str, Any]:
    """DeleteProject, with its builds, of which those that run are stopped first."""
    project = core.store.project(call.region, call.input["name"])
    if project is None:
        return {}
    for build in core.store.builds_of(project):
        core.runs.stop(build, "The project was deleted.")
    core.runs.wait({build.id for build in core.store.builds_of(project)})
    with core.store.lock:
        for build in core.store.builds_of(project):
            core.store.builds.remove(build.uuid)
        core.store.projects.remove(project.key)
    return {}


def batch_get(core: Core, call: Call) -> Mapping[str, Any]:
    """BatchGetProjects."""
    found = {name: core.store.project(call.region, name) for name in call.input["names"]}
    return {
        "projects": [project.shape for project in found.values() if project is not None],
        "projectsNotFound": [name for name, project in found.items() if project is None],
    }


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListProjects."""
    key = _SORT_KEYS[call.input.get("sortBy", "NAME")]
    rows = sorted((p for p in core.store.projects if p.region == call.region), key=key)
    if call.input.get("sortOrder") == "DESCENDING":
        rows.reverse()
    names, token = page([project.name for project in rows], call.input)
    return {"projects": names, "nextToken": token}


def inventory(core: Core, region: str) -> dict[str, dict[str, str]]:
    """ARN → tags of every project, for the tagging API."""
    return {
        project.shape["arn"]: {
            tag["key"]: tag.get("value", "") for tag in project.shape.get("tags", [])
        }
        for project in core.store.projects
        if project.region == region
    }


def _completed(shape: dict[str, Any]) -> dict[str, Any]:
    """With the members that CodeBuild fills in."""
    environment = {
        "privilegedMode": False,
        "environmentVariables": [],
        "imagePullCredentialsType": "CODEBUILD",
        **shape["environment"],
    }
    environment["environmentVariables"] = [
        {"type": "PLAINTEXT", **variable} for variable in environment["environmentVariables"]
    ]
    return {**shape, "environment": environment}


def _check(core: Core, shape: dict[str, Any]) -> None:
    """What CodeBuild refuses of a project."""
    source, artifacts = shape["source"], shape["artifacts"]
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        raise invalid("Invalid project: source and artifacts must both be of type CODEPIPELINE")
    if source["type"] == "S3" and "/" not in source.get("location", ""):
        raise invalid("Invalid project source: location must be BUCKET/KEY of a ZIP file")
    if source["type"] == "NO_SOURCE" and not is_inline(source.get("buildspec") or ""):
        raise invalid("Invalid project source: NO_SOURCE needs an inline buildspec")
    for one in [artifacts, *shape.get("secondaryArtifacts", [])]:
        if one["type"] == "S3" and not one.get("location"):
            raise invalid("Invalid artifacts: location is the bucket and must not be empty")
    names = [v["name"] for v in shape["environment"].get("environmentVariables", [])]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise invalid(f"Duplicate environment variable: {twice[0]}")
    for tag in shape.get("tags", []):
        if tag.get("key", "").lower().startswith(RESERVED_TAGS):
            raise invalid("Tag keys may not begin with aws:")
    _check_role(core, shape)


def _check_role(core: Core, shape: dict[str, Any]) -> None:
    role = shape["serviceRole"]
    try:
        core.assume(role, shape["arn"], "AWSCodeBuild-check")
    except ServiceError as error:
        raise invalid(
            f"CodeBuild is not authorized to perform: sts:AssumeRole on {role}"
        ) from error
