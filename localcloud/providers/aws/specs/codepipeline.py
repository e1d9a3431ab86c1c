"""Rows of CodePipeline: pipelines and webhooks.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from typing import Any

from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values, tagged_by_arn
from localcloud.providers.aws.values import from_shape

_MISSING = frozenset({"PipelineNotFoundException", "WebhookNotFoundException"})
_PIPELINE_INPUTS = (
    "artifactStores",
    "executionMode",
    "name",
    "pipelineType",
    "roleArn",
    "stages",
    "triggers",
    "variables",
)
_ACTION_TYPE = ("category", "owner", "provider", "version")
_NAMES = {
    "pipeline.triggers.gitConfiguration.pushes": "push",
    "pipeline.triggers.gitConfiguration.pullRequests": "pullRequest",
    "pipeline.stages.beforeEntry.condition": "conditions",
    "pipeline.stages.onSuccess.condition": "conditions",
    "pipeline.stages.onFailure.condition": "conditions",
}
# What CodePipeline tells in place of a token: https://docs.aws.amazon.com/codepipeline/latest/userguide/appendix-github-oauth.html
_MASK = "****"


def _action(action: Values) -> Values:
    """An action as the API nests it: its type in a block, artifacts as objects."""
    rest = {name: value for name, value in action.items() if name not in _ACTION_TYPE}
    for side in ("inputArtifacts", "outputArtifacts"):
        if isinstance(rest.get(side), list):
            rest[side] = [{"name": name} for name in rest[side]]
    outputs = rest.pop("outputArtifactsForComputeActions", None)
    if outputs:
        rest["outputArtifacts"] = [*rest.get("outputArtifacts", []), *outputs]
    kind = {name: action[name] for name in _ACTION_TYPE if name in action}
    return {**rest, "actionTypeId": kind}


def _stages(stages: Any) -> Any:
    if not isinstance(stages, list):
        return stages
    return [
        {**stage, "actions": [_action(entry) for entry in stage["actions"]]} for stage in stages
    ]


def _pipeline(inputs: Values) -> Values:
    """The pipeline in the one member that the calls take it in."""
    values = {name: value for name, value in inputs.items() if name not in _PIPELINE_INPUTS}
    pipeline = {name: inputs[name] for name in _PIPELINE_INPUTS if name in inputs}
    pipeline["stages"] = _stages(pipeline.get("stages"))
    stores = pipeline.pop("artifactStores", [])
    if isinstance(stores, list) and len(stores) == 1 and "region" not in stores[0]:
        pipeline["artifactStore"] = stores[0]
    elif isinstance(stores, list):
        pipeline["artifactStores"] = {
            store["region"]: {name: value for name, value in store.items() if name != "region"}
            for store in stores
        }
    return {**values, "pipeline": pipeline}


def _told_pipeline(resource: Resource, found: Values) -> Values:
    told = from_shape(found["pipeline"], "pipeline", _NAMES)
    given = resource.inputs.get("stages", [])
    stages = [
        {**stage, "actions": list(map(_told_action, stage["actions"], raw["actions"]))}
        for stage, raw in zip(told["stages"], found["pipeline"]["stages"], strict=True)
    ]
    _unmask(stages, given)
    stores = [told["artifactStore"]] if "artifactStore" in told else []
    stores += [{**store, "region": name} for name, store in told.get("artifactStores", {}).items()]
    live: Values = {"stages": stages, "artifactStores": stores}
    for name in _PIPELINE_INPUTS:
        if name in told and (name in resource.inputs or not isinstance(told[name], list)):
            live.setdefault(name, told[name])
    return live


def _told_action(action: Values, raw: Values) -> Values:
    """An action as Pulumi flattens it; the keys of its configuration are not members."""
    rest = {name: value for name, value in action.items() if name != "actionTypeId"}
    if "configuration" in raw:
        rest["configuration"] = raw["configuration"]
    for side in ("inputArtifacts", "outputArtifacts"):
        if side in rest:
            rest[side] = [artifact["name"] for artifact in rest[side]]
    return {**rest, **action["actionTypeId"]}


def _unmask(stages: list[Values], given: list[Values]) -> None:
    """Put secrets back, which CodePipeline never tells."""
    known = {
        (stage["name"], action["name"]): action.get("configuration", {})
        for stage in given
        for action in stage["actions"]
    }
    for stage in stages:
        for action in stage["actions"]:
            configuration = action.get("configuration", {})
            for key, value in known.get((stage["name"], action["name"]), {}).items():
                if configuration.get(key) == _MASK:
                    configuration[key] = value


PIPELINE = Spec(
    "aws:codepipeline/pipeline:Pipeline",
    "codepipeline",
    create=Op("CreatePipeline"),
    read=Op("GetPipeline", {"name": "id"}),
    delete=Op("DeletePipeline", {"name": "id"}),
    id="pipeline.name",
    names=_NAMES,
    inputs=frozenset(_PIPELINE_INPUTS),
    prepare=_pipeline,
    replaces=frozenset({"name"}),
    update=(
        Step(
            Op("UpdatePipeline"),
            properties=tuple(name for name in _PIPELINE_INPUTS if name != "name"),
        ),
    ),
    defaults={"pipelineType": "V1", "executionMode": "SUPERSEDED"},
    outputs={"arn": "metadata.pipelineArn"},
    present=_told_pipeline,
    sticky=frozenset({"executionMode", "triggers"}),
    name=AutoName(100),
    tags=tagged_by_arn("resourceArn", tags="tags", form="lower"),
    absent=_MISSING,
)

_WEBHOOK_INPUTS = (
    "authentication",
    "authenticationConfiguration",
    "filters",
    "name",
    "targetAction",
    "targetPipeline",
)


def _webhook(inputs: Values) -> Values:
    values = {name: value for name, value in inputs.items() if name not in _WEBHOOK_INPUTS}
    definition = {name: inputs[name] for name in _WEBHOOK_INPUTS if name in inputs}
    definition.setdefault("authenticationConfiguration", {})
    return {**values, "webhook": definition}


def _find_webhook(resource: Resource) -> Values | None:
    params: Values = {}
    while True:
        answer = resource.call("ListWebhooks", **params)
        for webhook in answer["webhooks"]:
            if resource.id in (webhook.get("arn"), webhook["definition"]["name"]):
                return dict(webhook)
        if not answer.get("NextToken"):
            return None
        params["NextToken"] = answer["NextToken"]


def _told_webhook(_resource: Resource, found: Values) -> Values:
    definition = from_shape(found["definition"], "", {})
    return {name: definition[name] for name in _WEBHOOK_INPUTS if name in definition}


WEBHOOK = Spec(
    "aws:codepipeline/webhook:Webhook",
    "codepipeline",
    create=Op("PutWebhook"),
    read=_find_webhook,
    delete=Op("DeleteWebhook", {"name": "outputs.name"}),
    id="webhook.arn",
    found_id="arn",
    inputs=frozenset(_WEBHOOK_INPUTS),
    prepare=_webhook,
    replaces=frozenset(_WEBHOOK_INPUTS) - {"filters"},
    update=(Step(Op("PutWebhook"), properties=("filters",)),),
    outputs={"arn": "arn", "url": "url"},
    present=_told_webhook,
    masked=frozenset({"authenticationConfiguration"}),
    name=AutoName(100),
    tags=tagged_by_arn("resourceArn", tags="tags", form="lower", read=None),
    absent=_MISSING,
)

ROWS = (PIPELINE, WEBHOOK)
