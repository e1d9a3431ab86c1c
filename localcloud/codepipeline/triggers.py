"""What starts a pipeline of a connection: its triggers, or a push of its branch.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-triggers.html and
https://docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from localcloud.codepipeline import errors
from localcloud.shared.pushes import HEADS, TAGS, Push

PROVIDER = "CodeStarSourceConnection"
COMBINATIONS = ({"tags"}, {"branches"}, {"branches", "filePaths"})


def check(pipeline: Mapping[str, Any]) -> None:
    """Refuse triggers that CodePipeline would refuse, or that can't run here.

    Raises:
        ServiceError: InvalidStructureException, ValidationException.
    """
    sources = {action["name"]: action for action in _sources(pipeline)}
    named = [one["gitConfiguration"]["sourceActionName"] for one in pipeline.get("triggers", [])]
    for name in named:
        if name not in sources:
            raise errors.structure(f"The trigger's source action '{name}' is no {PROVIDER} action")
        if named.count(name) > 1:
            raise errors.structure(f"The source action '{name}' has more than one trigger")
    for one in pipeline.get("triggers", []):
        git = one["gitConfiguration"]
        if git.get("pullRequest"):
            raise errors.unsupported("triggers by pull requests")
        for criteria in git.get("push", []):
            if set(criteria) not in COMBINATIONS or not all(criteria.values()):
                raise errors.structure(
                    "The trigger configuration for the source action is not valid. Make sure to "
                    "choose valid filter combinations: tags, branches, or branches and file paths"
                )
            for patterns in criteria.values():
                for pattern in (*patterns.get("includes", []), *patterns.get("excludes", [])):
                    _glob(pattern)


def _sources(pipeline: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for action in pipeline["stages"][0]["actions"]:
        if action["actionTypeId"]["provider"] == PROVIDER:
            yield action


def started(pipeline: Mapping[str, Any], push: Push) -> Iterator[Mapping[str, Any]]:
    """Yield the source actions that a push starts a pipeline for."""
    triggers = {
        one["gitConfiguration"]["sourceActionName"]: one["gitConfiguration"].get("push", [])
        for one in pipeline.get("triggers", [])
    }
    for action in _sources(pipeline):
        settings = action["configuration"]
        if settings["FullRepositoryId"].lower() != push.repository.lower():
            continue
        filters = triggers.get(action["name"], [])
        detects = settings.get("DetectChanges", "true").lower() == "true"
        if filters:
            passes = any(_passes(criteria, push) for criteria in filters)
        else:
            passes = push.ref == HEADS + settings["BranchName"]
            passes = passes and (action["name"] in triggers or detects)
        if passes:
            yield action


def _passes(criteria: Mapping[str, Any], push: Push) -> bool:
    kind, prefix = ("tags", TAGS) if "tags" in criteria else ("branches", HEADS)
    if not push.ref.startswith(prefix):
        return False
    if not _chosen(criteria[kind], [push.ref.removeprefix(prefix)]):
        return False
    return "filePaths" not in criteria or _chosen(criteria["filePaths"], push.paths)


def _chosen(patterns: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether a name is included, or all are, and none of the exclusions takes it out."""
    includes = [_glob(one) for one in patterns.get("includes", ["**"])]
    excludes = [_glob(one) for one in patterns.get("excludes", [])]
    return any(
        any(one.fullmatch(name) for one in includes)
        and not any(one.fullmatch(name) for one in excludes)
        for name in names
    )


_GLOB = re.compile(r"\*\*|[*?{},]|\\.|\[[^]]+\]|.", re.DOTALL)
_MEANING = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}


def _glob(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression; `**` crosses folders, `{a,b}` are alternatives."""
    depth, parts = 0, []
    for part in _GLOB.findall(pattern):
        depth += {"{": 1, "}": -1}.get(part, 0)
        if part == "," and depth:
            parts.append("|")
        elif part in _MEANING:
            parts.append(_MEANING[part])
        elif part.startswith("[") and len(part) > 1:
            parts.append(part.replace("[!", "[^", 1))
        else:
            parts.append(re.escape(part.removeprefix("\\") or "\\"))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise errors.structure(f"'{pattern}' is no glob pattern: {error}") from error
