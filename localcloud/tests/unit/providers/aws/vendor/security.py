"""The vendor's provider: rights and secrets."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.tests.unit.providers.aws.cases import World, policy
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

VENDOR: Mapping[str, Vendor] = {
    "aws:iam/role:Role": Vendor(
        "iam/role.go",
        reads=frozenset(
            {"GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies"}
        ),
        kept=frozenset({"inlinePolicies", "managedPolicyArns"}),
        defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
        waits="repeats a create whose principals are not known yet",
        least=("name", "assumeRolePolicy"),
    ),
    "aws:iam/rolePolicy:RolePolicy": Vendor(
        "iam/role_policy.go",
        reads=frozenset({"GetRolePolicy"}),
        waits="repeats the first read until the policy is found",
        least=("role", "policy"),
    ),
    "aws:ssm/parameter:Parameter": Vendor(
        "ssm/parameter.go",
        reads=frozenset({"GetParameter", "DescribeParameters", "ListTagsForResource"}),
        kept=frozenset({"dataType", "keyId", "tier"}),
        least=("type", "value"),
    ),
}


def _allowed(world: World, held: Held) -> None:
    role, _, name = held.id.partition(":")
    world.client("iam").put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=policy("arn:aws:s3:::other")
    )


def _overwritten(world: World, held: Held) -> None:
    world.client("ssm").put_parameter(Name=held.id, Value="by hand", Type="String", Overwrite=True)


BY_HAND: Mapping[str, ByHand] = {
    "a session's length": ByHand(
        "aws:iam/role:Role",
        lambda world, held: world.client("iam").update_role(
            RoleName=held.id, MaxSessionDuration=7200
        ),
        "maxSessionDuration",
    ),
    "managed policies that the program leaves alone": ByHand(
        "aws:iam/role:Role",
        lambda world, held: world.client("iam").attach_role_policy(
            RoleName=held.id,
            PolicyArn=world.client("iam").create_policy(
                PolicyName=world.name, PolicyDocument=policy("*")
            )["Policy"]["Arn"],
        ),
    ),
    "what a role may do": ByHand("aws:iam/rolePolicy:RolePolicy", _allowed, "policy"),
    "a parameter's value": ByHand("aws:ssm/parameter:Parameter", _overwritten, "value"),
}
