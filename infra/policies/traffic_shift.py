"""What ECS's infrastructure role does to shift traffic from one release to the next."""

from __future__ import annotations

from collections.abc import Sequence

from infra.account import Account
from infra.policies import statements


def shift_trust(account: Account) -> statements.Document:
    """Who may take on the role of traffic shifts: ECS, on behalf of this account.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
    """
    return statements.trust("ecs", account, None)


def shift(rule_arn: str, target_group_arns: Sequence[str]) -> statements.Document:
    """Shift traffic between two target groups of one rule.

    The actions are those of AWS's own policy for it, without those for listeners, and on these
    resources alone: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
    """
    verbs = ("DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth")
    move = ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"]
    return statements.document(
        statements.allow("Look", [f"elasticloadbalancing:{verb}" for verb in verbs], ["*"]),
        statements.allow("MoveTargets", move, target_group_arns),
        statements.allow("ShiftWeights", ["elasticloadbalancing:ModifyRule"], [rule_arn]),
    )
