"""Which secrets the tasks of a stack may read, as its state has it from the last `up`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

READ_ACTIONS = {"secretsmanager:GetSecretValue", "ssm:GetParameters"}

START_TASKS = "start-tasks-"
"""In the name of the policy under which ECS starts tasks; see `infra/service/roles.py`."""


def readable_secrets(state: Mapping[str, Any]) -> list[str] | None:
    """The secrets that ECS may read to start the stack's tasks.

    Args:
        state: the stack's state, as `pulumi stack export` gives it.

    Returns:
        Their ARNs, perhaps with `*`; None where a role that is not the stack's own has the right.
    """
    policies = [
        json.loads(policy)
        for row in (state.get("deployment") or {}).get("resources") or []
        if START_TASKS in row["urn"].rpartition("::")[2]
        and isinstance(policy := row.get("outputs", {}).get("policy"), str)
    ]
    found = [
        arn
        for policy in policies
        for row in policy["Statement"]
        if READ_ACTIONS & {*_listed(row["Action"])}
        for arn in _listed(row["Resource"])
    ]
    return found if policies else None


def _listed(told: str | list[str]) -> list[str]:
    """What a policy has as one text or as a list of them."""
    return [told] if isinstance(told, str) else told
