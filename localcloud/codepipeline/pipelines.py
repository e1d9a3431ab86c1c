"""Pipelines: defined, changed, shown, deleted; their transitions and tags.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any

from localcloud.codepipeline import errors, lifecycle, validation
from localcloud.codepipeline.core import Core, page, pipeline_arn
from localcloud.codepipeline.model import Pipeline, Transition, Webhook
from localcloud.codepipeline.roles import Roles
from localcloud.shared.core import moment
from localcloud.shared.service import Call, ServiceError

MOST_TAGS = 50
STARTED_BY_CREATION = "CreatePipeline"


def create(core: Core, roles: Roles, call: Call) -> Mapping[str, Any]:
    """CreatePipeline; a new pipeline runs at once."""
    wanted = copy.deepcopy(call.input["pipeline"])
    arn = pipeline_arn(call, wanted["name"])
    validation.check(wanted, call.region)
    tags = given_tags(call.input.get("tags", []))
    _check_role(roles, arn, wanted)
    with core.change() as state:
        if arn in state.pipelines:
            raise ServiceError(
                "PipelineNameInUseException",
                f"A pipeline with the name '{wanted['name']}' already exists in account "
                f"'{call.account}'",
            )
        now = time.time()
        wanted["version"] = 1
        made = Pipeline(arn, wanted["name"], now, now, versions={1: wanted}, tags=tags)
        state.pipelines[arn] = made
        lifecycle.begin(made, (STARTED_BY_CREATION, call.principal), core.events, defaults(wanted))
    return {"pipeline": validation.masked(wanted), "tags": _listed(tags)}


def update(core: Core, roles: Roles, call: Call) -> Mapping[str, Any]:
    """UpdatePipeline: a new version, which executions that run already don't follow."""
    wanted = copy.deepcopy(call.input["pipeline"])
    with core.lock:
        former = core.pipeline(call, wanted["name"]).definition
    validation.unmask(wanted, former)
    validation.check(wanted, call.region)
    arn = pipeline_arn(call, wanted["name"])
    roles.forget(arn)
    _check_role(roles, arn, wanted)
    with core.change():
        found = core.pipeline(call, wanted["name"])
        if not validation.same_structure(wanted, found.definition):
            found.version += 1
            wanted["version"] = found.version
            found.versions[found.version] = wanted
            found.updated = time.time()
        return {"pipeline": validation.masked(found.definition)}


def _check_role(roles: Roles, arn: str, wanted: Mapping[str, Any]) -> None:
    role = wanted["roleArn"]
    try:
        roles.session(arn, role, "", wanted["name"][:64])
    except ServiceError as error:
        raise errors.structure(
            f"CodePipeline is not authorized to perform AssumeRole on role {role}"
        ) from error


def get(core: Core, call: Call) -> Mapping[str, Any]:
    """GetPipeline: this version, or the present one."""
    with core.lock:
        found = core.pipeline(call, call.input["name"])
        version = call.input.get("version", found.version)
        if version not in found.versions:
            raise ServiceError(
                "PipelineVersionNotFoundException",
                f"The pipeline '{found.name}' has no version {version}",
            )
        return {
            "pipeline": validation.masked(found.versions[version]),
            "metadata": {
                "pipelineArn": found.arn,
                "created": moment(found.created),
                "updated": moment(found.updated),
            },
        }


def delete(core: Core, call: Call) -> Pipeline | None:
    """DeletePipeline: with its executions; the builds that they wait for are CodeBuild's."""
    with core.change() as state:
        return state.pipelines.pop(pipeline_arn(call, call.input["name"]), None)


def list_all(core: Core, call: Call) -> Mapping[str, Any]:
    """ListPipelines."""
    with core.lock:
        found = sorted(
            (one for one in core.state.pipelines.values() if one.region == call.region),
            key=lambda one: one.name,
        )
        rows = [
            {
                "name": one.name,
                "version": one.version,
                "pipelineType": one.definition.get("pipelineType", "V1"),
                "executionMode": one.definition.get("executionMode", "SUPERSEDED"),
                "created": moment(one.created),
                "updated": moment(one.updated),
            }
            for one in found
        ]
    shown, token = page(rows, call, default=1000)
    return {"pipelines": shown, "nextToken": token}


def defaults(definition: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a pipeline that have a default value."""
    return {
        one["name"]: one["defaultValue"]
        for one in definition.get("variables", [])
        if "defaultValue" in one
    }


def set_transition(core: Core, call: Call) -> Mapping[str, Any]:
    """EnableStageTransition and DisableStageTransition, inbound ones."""
    wanted = call.input
    if wanted["transitionType"] != "Inbound":
        raise errors.unsupported("outbound transitions")
    with core.change():
        found = core.pipeline(call, wanted["pipelineName"])
        check_stage(found, wanted["stageName"])
        found.transitions[wanted["stageName"]] = Transition(
            enabled=call.operation == "EnableStageTransition",
            changed_by=call.principal,
            changed_at=time.time(),
            reason=wanted.get("reason", ""),
        )
    return {}


def check_stage(pipeline: Pipeline, stage: str) -> dict[str, Any]:
    """A stage of the present definition.

    Raises:
        ServiceError: StageNotFoundException.
    """
    for one in pipeline.stages:
        if one["name"] == stage:
            return one
    raise errors.stage_not_found(pipeline.name, stage)


def given_tags(
    tags: list[dict[str, str]], present: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The tags after a call.

    Raises:
        ServiceError: InvalidTagsException, TooManyTagsException.
    """
    for tag in tags:
        if tag["key"].lower().startswith("aws:"):
            raise ServiceError(
                "InvalidTagsException", f"The tag key '{tag['key']}' begins with aws:"
            )
    found = {**(present or {}), **{tag["key"]: tag["value"] for tag in tags}}
    if len(found) > MOST_TAGS:
        raise ServiceError(
            "TooManyTagsException", f"A resource may have {MOST_TAGS} tags, not {len(found)}"
        )
    return found


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _tagged(core: Core, call: Call) -> Pipeline | Webhook:
    arn = call.input["resourceArn"]
    found = core.state.pipelines.get(arn) or core.state.webhooks.get(arn)
    if found is None:
        raise ServiceError("ResourceNotFoundException", f"The resource {arn} does not exist")
    return found


def tag(core: Core, call: Call) -> Mapping[str, Any]:
    """TagResource."""
    with core.change(wake=False):
        resource = _tagged(core, call)
        resource.tags = given_tags(call.input["tags"], resource.tags)
    return {}


def untag(core: Core, call: Call) -> Mapping[str, Any]:
    """UntagResource."""
    with core.change(wake=False):
        resource = _tagged(core, call)
        gone = set(call.input["tagKeys"])
        resource.tags = {key: value for key, value in resource.tags.items() if key not in gone}
    return {}


def list_tags(core: Core, call: Call) -> Mapping[str, Any]:
    """ListTagsForResource."""
    with core.lock:
        rows = _listed(_tagged(core, call).tags)
    shown, token = page(rows, call, default=100)
    return {"tags": shown, "nextToken": token}


def inventory(core: Core, region: str) -> Mapping[str, Mapping[str, str]]:
    """What the tagging API lists: ARN → tags."""
    with core.lock:
        rows: list[Pipeline | Webhook] = [
            *core.state.pipelines.values(),
            *core.state.webhooks.values(),
        ]
        return {one.arn: dict(one.tags) for one in rows if one.region == region}
