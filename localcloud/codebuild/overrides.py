"""What a build takes from its project, with the overrides of StartBuild."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# Member of StartBuild → path in the project.
OVERRIDES: dict[str, tuple[str, ...]] = {
    "sourceVersion": ("sourceVersion",),
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "buildspecOverride": ("source", "buildspec"),
    "secondarySourcesOverride": ("secondarySources",),
    "artifactsOverride": ("artifacts",),
    "secondaryArtifactsOverride": ("secondaryArtifacts",),
    "environmentTypeOverride": ("environment", "type"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
    "imagePullCredentialsTypeOverride": ("environment", "imagePullCredentialsType"),
    "serviceRoleOverride": ("serviceRole",),
    "timeoutInMinutesOverride": ("timeoutInMinutes",),
    "queuedTimeoutInMinutesOverride": ("queuedTimeoutInMinutes",),
    "encryptionKeyOverride": ("encryptionKey",),
    "logsConfigOverride": ("logsConfig",),
    "cacheOverride": ("cache",),
}
# What a build has of its project.
TAKEN = (
    "source",
    "sourceVersion",
    "secondarySources",
    "artifacts",
    "secondaryArtifacts",
    "cache",
    "environment",
    "serviceRole",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
    "encryptionKey",
    "logsConfig",
)


def applied(project: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a build.

    Args:
        project: `Project` of the API.
        request: the parameters of StartBuild.
    """
    settings = copy.deepcopy({name: project[name] for name in TAKEN if name in project})
    for member, path in OVERRIDES.items():
        if member in request:
            place = settings
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = copy.deepcopy(request[member])
    variables = {v["name"]: v for v in settings["environment"]["environmentVariables"]}
    for variable in request.get("environmentVariablesOverride", []):
        variables[variable["name"]] = {"type": "PLAINTEXT", **variable}
    settings["environment"]["environmentVariables"] = list(variables.values())
    return settings
