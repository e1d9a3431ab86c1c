"""Rows of Application Auto Scaling.

https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values, tagged_by_arn

_DIMENSION = {
    "ServiceNamespace": "inputs.serviceNamespace",
    "ResourceId": "inputs.resourceId",
    "ScalableDimension": "inputs.scalableDimension",
}
_IMPORT = r"(?P<serviceNamespace>[^/]+)/(?P<resourceId>.+)/(?P<scalableDimension>[^/]+:[^/]+)"
_MISSING = frozenset({"ObjectNotFoundException"})

TARGET = Spec(
    "aws:appautoscaling/target:Target",
    "application-autoscaling",
    create=Op("RegisterScalableTarget"),
    read=Op(
        "DescribeScalableTargets",
        {
            "ServiceNamespace": "inputs.serviceNamespace",
            "ResourceIds": "[inputs.resourceId]",
            "ScalableDimension": "inputs.scalableDimension",
        },
    ),
    delete=Op("DeregisterScalableTarget", _DIMENSION),
    id="inputs.resourceId",
    found="ScalableTargets[0]",
    found_id="ResourceId",
    names={"roleArn": "RoleARN"},
    replaces=frozenset({"serviceNamespace", "resourceId", "scalableDimension"}),
    update=(
        Step(
            Op("RegisterScalableTarget", _DIMENSION),
            properties=("minCapacity", "maxCapacity", "suspendedState", "roleArn"),
        ),
    ),
    outputs={"arn": "ScalableTargetARN"},
    sticky=frozenset({"roleArn", "suspendedState"}),
    tags=tagged_by_arn("ResourceARN", form="map", untold=frozenset({"NotImplemented"})),
    imports=_IMPORT,
    absent=_MISSING,
)

_STEP = "stepScalingPolicyConfiguration.stepAdjustments"


def _find_policy(resource: Resource) -> Values | None:
    inputs = resource.inputs
    answer = resource.call(
        "DescribeScalingPolicies",
        ServiceNamespace=inputs["serviceNamespace"],
        ResourceId=inputs["resourceId"],
        ScalableDimension=inputs["scalableDimension"],
    )
    for policy in answer["ScalingPolicies"]:
        if policy["PolicyName"] == inputs["name"]:
            return dict(policy)
    return None


POLICY = Spec(
    "aws:appautoscaling/policy:Policy",
    "application-autoscaling",
    create=Op("PutScalingPolicy"),
    read=_find_policy,
    delete=Op("DeleteScalingPolicy", {**_DIMENSION, "PolicyName": "inputs.name"}),
    id="inputs.name",
    found_id="PolicyName",
    names={
        "name": "PolicyName",
        f"{_STEP}.metricIntervalLowerBound": "MetricIntervalLowerBound",
        f"{_STEP}.metricIntervalUpperBound": "MetricIntervalUpperBound",
    },
    replaces=frozenset({"name", "serviceNamespace", "resourceId", "scalableDimension"}),
    update=(
        Step(
            Op("PutScalingPolicy", {**_DIMENSION, "PolicyName": "inputs.name"}),
            properties=(
                "policyType",
                "targetTrackingScalingPolicyConfiguration",
                "stepScalingPolicyConfiguration",
                "predictiveScalingPolicyConfiguration",
            ),
        ),
    ),
    defaults={"policyType": "StepScaling"},
    nested={"targetTrackingScalingPolicyConfiguration": {"disableScaleIn": False}},
    outputs={"arn": "PolicyARN", "alarmArns": "Alarms[].AlarmARN"},
    name=AutoName(255),
    imports=_IMPORT.removesuffix(")") + r")/(?P<name>.+)",
    absent=_MISSING,
)


def _find_action(resource: Resource) -> Values | None:
    inputs = resource.inputs
    answer = resource.call(
        "DescribeScheduledActions",
        ServiceNamespace=inputs["serviceNamespace"],
        ResourceId=inputs["resourceId"],
        ScalableDimension=inputs["scalableDimension"],
        ScheduledActionNames=[inputs["name"]],
    )
    actions = answer["ScheduledActions"]
    return dict(actions[0]) if actions else None


_ACTION = {**_DIMENSION, "ScheduledActionName": "inputs.name"}

SCHEDULED_ACTION = Spec(
    "aws:appautoscaling/scheduledAction:ScheduledAction",
    "application-autoscaling",
    create=Op("PutScheduledAction"),
    read=_find_action,
    delete=Op("DeleteScheduledAction", _ACTION),
    id="join('-', [inputs.name, inputs.serviceNamespace, inputs.resourceId])",
    names={"name": "ScheduledActionName"},
    replaces=frozenset({"name", "serviceNamespace", "resourceId", "scalableDimension"}),
    update=(
        Step(
            Op("PutScheduledAction", _ACTION),
            properties=("schedule", "timezone", "startTime", "endTime", "scalableTargetAction"),
        ),
    ),
    defaults={"timezone": "UTC"},
    outputs={"arn": "ScheduledActionARN"},
    imports="",
    name=AutoName(255),
    absent=_MISSING,
)

ROWS = (TARGET, POLICY, SCHEDULED_ACTION)
