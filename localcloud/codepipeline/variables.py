"""Variables: `#{NAMESPACE.NAME}` in an action's configuration.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud.codepipeline.model import Execution

REFERENCE = re.compile(r"#\{([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_-]+)\}")


class UnknownVariableError(Exception):
    """A reference to a variable that no action put out."""


def namespaces(definition: Mapping[str, Any], execution: Execution) -> dict[str, dict[str, str]]:
    """Namespace → variables, as of now."""
    found = {
        "codepipeline": {"PipelineExecutionId": execution.id},
        "variables": dict(execution.variables),
    }
    for stage in definition["stages"]:
        for action in stage["actions"]:
            run = execution.latest(stage["name"], action["name"])
            if "namespace" in action and run is not None:
                found[action["namespace"]] = dict(run.variables)
    return found


def resolve(
    configuration: Mapping[str, str], known: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The configuration with each reference replaced.

    Raises:
        UnknownVariableError: a namespace, or a variable in it, has no value.
    """

    def value(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        try:
            return known[namespace][name]
        except KeyError as error:
            raise UnknownVariableError(
                f"The variable #{{{namespace}.{name}}} has no value in this execution"
            ) from error

    return {key: REFERENCE.sub(value, text) for key, text in configuration.items()}
