"""Rows of EventBridge: rules and their targets.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_json
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values, tagged_by_arn
from localcloud.providers.aws.values import from_shape

_MISSING = frozenset({"ResourceNotFoundException"})
_BUS = "inputs.eventBusName"


def _state(inputs: Values) -> Values:
    values = dict(inputs)
    if "isEnabled" in values:
        enabled = values.pop("isEnabled")
        values.setdefault("state", "ENABLED" if enabled else "DISABLED")
    return values


def _told_state(resource: Resource, found: Values) -> Values:
    told: Values = {"state": found["State"]}
    if "isEnabled" in resource.inputs:
        told["isEnabled"] = found["State"] == "ENABLED"
    return told


EVENT_RULE = Spec(
    "aws:cloudwatch/eventRule:EventRule",
    "events",
    create=Op("PutRule"),
    read=Op("DescribeRule", {"Name": "inputs.name || id", "EventBusName": _BUS}),
    delete=Op(
        "DeleteRule",
        {"Name": "inputs.name || id", "EventBusName": _BUS, "Force": "outputs.forceDestroy"},
    ),
    id="inputs.name",
    inputs=frozenset({"isEnabled"}),
    local=frozenset({"forceDestroy"}),
    prepare=_state,
    replaces=frozenset({"name", "eventBusName"}),
    update=(
        Step(
            Op("PutRule", {"Name": "inputs.name", "EventBusName": _BUS}),
            properties=(
                "description",
                "eventPattern",
                "isEnabled",
                "roleArn",
                "scheduleExpression",
                "state",
            ),
        ),
    ),
    equal={"eventPattern": same_json},
    defaults={"eventBusName": "default", "forceDestroy": False},
    outputs={"arn": "Arn"},
    present=_told_state,
    sticky=frozenset({"state", "isEnabled"}),
    name=AutoName(64),
    tags=tagged_by_arn("ResourceARN"),
    absent=_MISSING,
)

_TARGET_NAMES = {
    "Targets.targetId": "Id",
    "Targets.inputTransformer.inputPaths": "InputPathsMap",
    "Targets.ecsTarget": "EcsParameters",
    "Targets.sqsTarget": "SqsParameters",
    "Targets.kinesisTarget": "KinesisParameters",
    "Targets.httpTarget": "HttpParameters",
}
_TARGET_INPUTS = (
    "arn",
    "deadLetterConfig",
    "ecsTarget",
    "httpTarget",
    "input",
    "inputPath",
    "inputTransformer",
    "kinesisTarget",
    "retryPolicy",
    "roleArn",
    "sqsTarget",
)


def _target(inputs: Values) -> Values:
    """The target as the one member of a list, as EventBridge takes it."""
    values = {name: value for name, value in inputs.items() if name not in _TARGET_INPUTS}
    target = {name: inputs[name] for name in ("targetId", *_TARGET_INPUTS) if name in inputs}
    values.pop("targetId", None)
    return {**values, "Targets": [target]}


def _find_target(resource: Resource) -> Values | None:
    inputs = resource.inputs
    params: Values = {"Rule": inputs["rule"], "EventBusName": inputs.get("eventBusName")}
    while True:
        answer = resource.call("ListTargetsByRule", **params)
        for target in answer["Targets"]:
            if target["Id"] == inputs["targetId"]:
                return dict(target)
        if not answer.get("NextToken"):
            return None
        params["NextToken"] = answer["NextToken"]


def _told_target(_resource: Resource, found: Values) -> Values:
    told = from_shape(found, "Targets", _TARGET_NAMES)
    return {name: told[name] for name in ("targetId", *_TARGET_INPUTS) if name in told}


EVENT_TARGET = Spec(
    "aws:cloudwatch/eventTarget:EventTarget",
    "events",
    create=Op("PutTargets"),
    read=_find_target,
    delete=Op(
        "RemoveTargets",
        {
            "Rule": "inputs.rule",
            "EventBusName": _BUS,
            "Ids": "[inputs.targetId]",
            "Force": "inputs.forceDestroy",
        },
    ),
    id="join('-', [inputs.rule, inputs.targetId])",
    found_id="join('-', [inputs.rule, Id])",
    names=_TARGET_NAMES,
    inputs=frozenset({"targetId", *_TARGET_INPUTS}),
    local=frozenset({"forceDestroy"}),
    prepare=_target,
    replaces=frozenset({"rule", "eventBusName", "targetId"}),
    update=(
        Step(
            Op("PutTargets", {"Rule": "inputs.rule", "EventBusName": _BUS}),
            properties=_TARGET_INPUTS,
        ),
    ),
    defaults={"eventBusName": "default", "forceDestroy": False},
    nested={
        "ecsTarget": {
            "enableEcsManagedTags": False,
            "enableExecuteCommand": False,
            "taskCount": 1,
        },
        "ecsTarget.networkConfiguration": {"assignPublicIp": False},
    },
    present=_told_target,
    name=AutoName(64, property="targetId"),
    imports=r"(?P<eventBusName>[^/]+)/(?P<rule>[^/]+)/(?P<targetId>.+)",
    absent=_MISSING,
)

ROWS = (EVENT_RULE, EVENT_TARGET)
