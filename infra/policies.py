"""IAM documents, as pure functions of the ARNs they speak about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Document = dict[str, Any]

PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)


def document(*statements: Document) -> Document:
    """A policy document of the current version."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Document:
    """A statement that allows `actions` on `resources`."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def task_trust(partition: str, region: str, account: str) -> Document:
    """Who may take on the roles of a task: ECS tasks of this account and region.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    return document(
        {
            "Sid": "EcsTasks",
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:{partition}:ecs:{region}:{account}:*"},
            },
        }
    )


def execution(repository_arn: str, log_group_arn: str, secret_arns: Sequence[str]) -> Document:
    """What ECS does to start a task: pull the image, write its log, read its secrets.

    Args:
        repository_arn: the repository of the image.
        log_group_arn: the log group, without the trailing `:*`.
        secret_arns: Secrets Manager secrets and SSM parameters.
    """
    secrets = [secret_resource(arn) for arn in secret_arns if ":secretsmanager:" in arn]
    parameters = [arn for arn in secret_arns if ":ssm:" in arn]
    statements = [
        allow("Login", ["ecr:GetAuthorizationToken"], ["*"]),
        allow("Pull", PULL_ACTIONS, [repository_arn]),
        allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group_arn}:*"]),
    ]
    if secrets:
        statements.append(allow("Secrets", ["secretsmanager:GetSecretValue"], secrets))
    if parameters:
        statements.append(allow("Parameters", ["ssm:GetParameters"], parameters))
    return document(*statements)


def secret_resource(arn: str) -> str:
    """The secret's own ARN: what ECS adds to choose a key, stage or version is cut off."""
    return ":".join(arn.split(":")[:7])
