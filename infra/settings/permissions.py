"""What a permission of the task role may say: exact actions on exact resources, no escalation."""

from __future__ import annotations

import re
from collections.abc import Sequence

UNSCOPED = frozenset(
    {
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "cloudwatch:PutMetricData",
        "comprehend:DetectSentiment",
        "ec2:DescribeInstances",
        "polly:DescribeVoices",
        "rekognition:DetectLabels",
        "s3:ListAllMyBuckets",
        "sqs:ListQueues",
        "sts:GetCallerIdentity",
        "textract:DetectDocumentText",
        "transcribe:StartStreamTranscription",
        "translate:TranslateText",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions of applications that take no resource, and so need `*`:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

_ESCALATING = re.compile(
    r"iam:(?!Get|List)|sts:AssumeRole|organizations:(?!Describe|List)|account:(?!Get|List)"
    r"|kms:(PutKeyPolicy|CreateGrant)|lambda:(CreateFunction|UpdateFunctionCode|AddPermission)"
    r"|ecs:(RegisterTaskDefinition|RunTask|StartTask|CreateService|UpdateService)"
    r"|codebuild:(CreateProject|UpdateProject|StartBuild)|ec2:RunInstances|ssm:SendCommand"
    r"|cloudformation:(CreateStack|UpdateStack|CreateChangeSet|SetStackPolicy)"
    r"|(s3|sqs|sns|secretsmanager):(Put|Set|Add)(Bucket|Resource|Topic)?(Policy|Permission)"
    r"|states:(CreateStateMachine|UpdateStateMachine)|glue:(CreateDevEndpoint|UpdateJob|CreateJob)",
    re.IGNORECASE,
)
"""Actions by which code could give itself or others more rights:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html
"""

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+|\*")
_RESOURCE = re.compile(r"arn:[a-z*-]+:[a-z0-9*-]+:[a-z0-9*-]*:[0-9*]*:.+|\*")


def form(actions: Sequence[str], resources: Sequence[str]) -> str | None:
    """Return what is not an action or not a resource; None if all are."""
    for action in actions:
        if not _ACTION.fullmatch(action):
            return f"{action!r} is no action: SERVICE:ACTION, such as s3:GetObject"
    for resource in resources:
        if not _RESOURCE.fullmatch(resource):
            return f"{resource!r} is no ARN, such as arn:aws:s3:::bucket/*"
    return None


def risk(actions: Sequence[str], resources: Sequence[str]) -> str | None:
    """Why a permission is too wide; None if it is exact.

    Args:
        actions: of the statement.
        resources: of the statement.
    """
    insist = "; `accept_risk: REASON` insists on it"
    for action in actions:
        if "*" in action or "?" in action:
            return f"{action!r} is a wildcard: name each action{insist}"
        if _ESCALATING.match(action):
            return f"{action!r} can give the code more rights than it has{insist}"
    scoped = [action for action in actions if action not in UNSCOPED]
    for resource in resources:
        service = resource.split(":")[2] if resource != "*" else "*"
        if scoped and (resource == "*" or "*" in service or resource.split(":", 5)[5] == "*"):
            return f"{resource!r} is every resource: name those that {scoped[0]} needs{insist}"
    return None
