"""Asks IAM's policy simulator whether this user may make an update's calls.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import NO_ANSWER, Cloud, error_code
from automation.diagnosis.diagnosis import Diagnosis
from automation.preflight.plan import Plan

ACTIONS = (
    "application-autoscaling:RegisterScalableTarget",
    "ec2:CreateSecurityGroup",
    "ecr:CreateRepository",
    "ecr:GetAuthorizationToken",
    "ecr:PutImage",
    "ecs:CreateService",
    "ecs:RegisterTaskDefinition",
    "ecs:UpdateService",
    "elasticloadbalancing:CreateTargetGroup",
    "iam:CreateRole",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "logs:CreateLogGroup",
)
"""A call or two of each service that an update makes; of the kind that accounts deny as a whole."""

PLACE_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "makes_network": ("ec2:CreateSubnet", "ec2:CreateVpc"),
    "makes_cluster": ("ecs:CreateCluster",),
    "makes_balancer": ("elasticloadbalancing:CreateLoadBalancer",),
}
"""What a stack has of its own, as the settings tell, and the calls that make it."""

PIPELINE_ACTIONS = (
    "codebuild:CreateProject",
    "codepipeline:CreatePipeline",
    "codepipeline:DisableStageTransition",
    "s3:CreateBucket",
)


def permissions(planned: Plan) -> Iterator[Diagnosis]:
    """Actions that a policy denies to this user.

    An action that no statement allows on every resource may still be allowed on the stack's own
    resources, so it is only noted. So is a denial that depends on a condition key whose value is
    not known here, such as whether the session was opened with multi-factor authentication.
    """
    settings = planned.settings
    actions = ACTIONS + (PIPELINE_ACTIONS if settings.has_pipeline else ())
    for makes, calls in PLACE_ACTIONS.items():
        actions += calls if getattr(settings, makes) else ()
    principal, rows = simulated(planned, actions)
    _note_the_unclear(planned, rows)
    for row in rows:
        if row["EvalDecision"] == "explicitDeny" and not row.get("MissingContextValues"):
            action = row["EvalActionName"]
            yield Diagnosis(
                f"The permission for {action} is missing: a policy denies it to {principal}.",
                setting=f"ask your administrator for {action}, or use another role or profile; "
                "`--no-preflight` skips every check",
                name="permission missing",
            )


def simulated(
    planned: Plan, actions: Sequence[str], resource: str = "", **context: str
) -> tuple[str, list[dict[str, Any]]]:
    """Ask the policy simulator.

    Args:
        planned: what is about to be done.
        actions: such as `iam:CreateRole`.
        resource: the ARN that they work on; empty for every resource.
        context: condition key, with `_` for its colon → value.

    Returns:
        This user's or role's ARN, and a row an action; no rows where nobody answers.
    """
    known: dict[str, Any] = {"ResourceArns": [resource]} if resource else {}
    more = [_entry(key.replace("_", ":", 1), "string", value) for key, value in context.items()]
    try:
        arn = str(planned.cloud.client("sts").get_caller_identity()["Arn"])
        principal = _principal(planned.cloud, arn)
        if principal is None:
            return arn, []
        return principal, planned.cloud.pages(
            "iam",
            "simulate_principal_policy",
            "EvaluationResults",
            PolicySourceArn=principal,
            ActionNames=list(actions),
            ContextEntries=_known_context(planned, principal) + more,
            **known,
        )
    except ClientError as error:
        if error_code(error) not in NO_ANSWER | {"NoSuchEntity", "InvalidInput"}:
            raise
        return "", []


def _note_the_unclear(planned: Plan, rows: list[dict[str, Any]]) -> None:
    """Note the actions about which the simulator gives no clear answer."""
    missing = {
        row["EvalActionName"]: row["MissingContextValues"]
        for row in rows
        if row["EvalDecision"] != "allowed" and row.get("MissingContextValues")
    }
    narrow = [
        row["EvalActionName"]
        for row in rows
        if row["EvalDecision"] == "implicitDeny" and row["EvalActionName"] not in missing
    ]
    if narrow:
        planned.session.screen.note(f"Not allowed on every resource: {', '.join(narrow)}")
    if missing:
        keys = sorted({key for names in missing.values() for key in names})
        planned.session.screen.note(
            f"Can't tell whether you may call {', '.join(missing)}: your policies depend on "
            f"{', '.join(keys)}"
        )


def _known_context(planned: Plan, principal: str) -> list[dict[str, Any]]:
    """The condition keys whose values an update's calls are known to have.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    names = planned.session.names
    tags = {
        "environment": names.environment.stack,
        "project": names.project,
        "stack": names.stack,
        **planned.settings.tags,
    }
    values = {
        "aws:PrincipalAccount": principal.split(":")[4],
        "aws:PrincipalArn": principal,
        "aws:RequestedRegion": str(planned.cloud.client("sts").meta.region_name),
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        "iam:PassedToService": "ecs-tasks.amazonaws.com",
        **{f"aws:RequestTag/{key}": value for key, value in tags.items()},
    }
    return [_entry(key, "string", value) for key, value in values.items()] + [
        _entry("aws:TagKeys", "stringList", *tags)
    ]


def _entry(key: str, kind: str, *values: str) -> dict[str, Any]:
    return {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": list(values)}


def _principal(cloud: Cloud, arn: str) -> str | None:
    """The ARN of the user or role behind a session's ARN; None for the account's root."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind == "user":
        return arn
    if kind == "assumed-role":
        role = cloud.client("iam").get_role(RoleName=name.partition("/")[0])
        return str(role["Role"]["Arn"])
    return None
