"""The parts that every IAM document is made of.

Actions, their resource types and condition keys:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.account import Account

Document = dict[str, Any]
Statement = dict[str, Any]


def document(*statements: Statement) -> Document:
    """A policy document of the current version."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
    """A statement that allows `actions` on `resources`."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def trust(service: str, account: Account, source_arn: str | Sequence[str] | None) -> Document:
    """Who may take on a role: one service, and only on behalf of this account.

    Args:
        service: the service's name, such as `ecs-tasks`.
        account: whose resources the service acts for.
        source_arn: a pattern of these resources, or several, where the service tells them.
    """
    conditions: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": account.account_id}}
    if source_arn is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return document(
        {
            "Sid": "OnBehalfOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": account.principal(service)},
            "Action": "sts:AssumeRole",
            "Condition": conditions,
        }
    )


def pass_roles(sid: str, account: Account, role_arns: Sequence[str], service: str) -> Statement:
    """Hand these roles to one service, such as `ecs-tasks`."""
    to = {"StringEquals": {"iam:PassedToService": account.principal(service)}}
    return {**allow(sid, ["iam:PassRole"], sorted(role_arns)), "Condition": to}
