"""What AWS's IAM refuses: codes and words, and nothing changed afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.tests.unit.iam.running import ACCOUNT, Aws, allow, policy

TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
)


def refused(code: str, status: int, act: Callable[[], Any]) -> str:
    """The message of a refusal with this code and HTTP status."""
    with pytest.raises(ClientError) as caught:
        act()
    answer: Any = caught.value.response
    assert answer["Error"]["Code"] == code, answer["Error"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    return str(answer["Error"]["Message"])


def trust_of(principal: Any) -> str:
    row = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps(policy(row))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "invalid Json"),
        (json.dumps(allow("sts:AssumeRole", "*")), "Missing required field Principal"),
        (trust_of({"Service": "ecs-tasks"}), 'Invalid principal in policy: "SERVICE":"ecs-tasks"'),
        (
            trust_of({"AWS": f"arn:aws:iam::{ACCOUNT}:role/none"}),
            f'Invalid principal in policy: "AWS":"arn:aws:iam::{ACCOUNT}:role/none"',
        ),
    ],
)
def test_a_malformed_trust_policy(aws: Aws, text: str, words: str) -> None:
    iam = aws.client("iam")
    message = refused(
        "MalformedPolicyDocument",
        400,
        lambda: iam.create_role(RoleName="r", AssumeRolePolicyDocument=text),
    )
    assert words in message
    assert iam.list_roles()["Roles"] == []
    aws.role("r", trust=TRUST)
    refused(
        "MalformedPolicyDocument",
        400,
        lambda: iam.update_assume_role_policy(RoleName="r", PolicyDocument=text),
    )
    assert iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == TRUST


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": ACCOUNT},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        {"AWS": "arn:aws:iam::999999999999:role/elsewhere"},
        {"Service": ["codebuild.amazonaws.com", "codepipeline.amazonaws.com"]},
        {"Service": "delivery.logs.amazonaws.com"},
    ],
)
def test_a_good_trust_policy(aws: Aws, principal: Any) -> None:
    aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust_of(principal))


def test_inline_policies_of_a_role_have_a_quota(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.role("r", trust=TRUST)
    many = [f"arn:aws:s3:::{'x' * 60}{number}" for number in range(60)]
    document = json.dumps(allow("s3:GetObject", many))
    iam.put_role_policy(RoleName="r", PolicyName="a", PolicyDocument=document)
    iam.put_role_policy(RoleName="r", PolicyName="a", PolicyDocument=document)
    iam.put_role_policy(RoleName="r", PolicyName="a", PolicyDocument=document + " " * 9000)
    message = refused(
        "LimitExceeded",
        409,
        lambda: [
            iam.put_role_policy(RoleName="r", PolicyName=name, PolicyDocument=document)
            for name in ("b", "c")
        ],
    )
    assert message == "Maximum policy size of 10240 bytes exceeded for role r"


@pytest.mark.parametrize(
    "document", ["{", json.dumps(TRUST), json.dumps(allow("s3", "*"))], ids=["json", "trust", "s3"]
)
def test_a_malformed_inline_policy(aws: Aws, document: str) -> None:
    iam = aws.client("iam")
    aws.role("r", trust=TRUST)
    refused(
        "MalformedPolicyDocument",
        400,
        lambda: iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document),
    )


def test_a_managed_policy_has_a_size(aws: Aws) -> None:
    many = [f"arn:aws:s3:::{'x' * 60}{number}" for number in range(100)]
    refused(
        "LimitExceeded",
        409,
        lambda: aws.client("iam").create_policy(
            PolicyName="p", PolicyDocument=json.dumps(allow("s3:GetObject", many))
        ),
    )


def test_attaching_what_is_missing(aws: Aws) -> None:
    aws.role("r", trust=TRUST)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/none"
    message = refused(
        "NoSuchEntity",
        404,
        lambda: aws.client("iam").attach_role_policy(RoleName="r", PolicyArn=arn),
    )
    assert message == f"Policy {arn} does not exist or is not attachable."


def test_a_policy_of_aws_can_be_attached(aws: Aws) -> None:
    iam = aws.client("iam")
    arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    role = aws.role("r")
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn
    aws.add("ecr", GetAuthorizationToken={"authorizationData": []})
    aws.client("ecr", credentials=aws.session(role)).get_authorization_token()
    missing = "arn:aws:iam::aws:policy/NoSuchPolicy"
    refused("NoSuchEntity", 404, lambda: iam.attach_role_policy(RoleName="r", PolicyArn=missing))


def test_ten_managed_policies_are_the_most(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.role("r", trust=TRUST)
    document = json.dumps(allow("s3:*", "*"))
    arns = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document)["Policy"]["Arn"]
        for number in range(11)
    ]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    refused("LimitExceeded", 409, lambda: iam.attach_role_policy(RoleName="r", PolicyArn=arns[10]))


def test_a_role_with_policies_stays(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.role("r", allow("s3:*", "*"), trust=TRUST)
    refused("DeleteConflict", 409, lambda: iam.delete_role(RoleName="r"))
    iam.delete_role_policy(RoleName="r", PolicyName="p0")
    iam.delete_role(RoleName="r")


def test_a_policy_in_use_stays(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.role("r", trust=TRUST)
    document = json.dumps(allow("s3:*", "*"))
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    message = refused("DeleteConflict", 409, lambda: iam.delete_policy(PolicyArn=arn))
    assert message == "Cannot delete a policy attached to entities."
    iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    message = refused("DeleteConflict", 409, lambda: iam.delete_policy(PolicyArn=arn))
    assert "more than one version" in message
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)


def test_a_boundary_must_exist(aws: Aws) -> None:
    iam = aws.client("iam")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/none"
    refused(
        "NoSuchEntity",
        404,
        lambda: iam.create_role(
            RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST), PermissionsBoundary=arn
        ),
    )
    aws.role("r", trust=TRUST)
    refused(
        "NoSuchEntity",
        404,
        lambda: iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=arn),
    )


def test_a_boundary_of_a_user_is_refused_in_words(aws: Aws) -> None:
    iam = aws.client("iam")
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    message = refused(
        "NotImplemented", 501, lambda: iam.create_user(UserName="u", PermissionsBoundary=arn)
    )
    assert "permissions boundaries of roles only" in message
    assert iam.list_users()["Users"] == []


def test_a_user_with_keys_stays(aws: Aws) -> None:
    iam = aws.client("iam")
    keys = aws.user("ann")
    refused("DeleteConflict", 409, lambda: iam.delete_user(UserName="ann"))
    iam.delete_access_key(UserName="ann", AccessKeyId=keys.access_key_id)
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    refused("DeleteConflict", 409, lambda: iam.delete_user(UserName="ann"))
    refused("DeleteConflict", 409, lambda: iam.delete_group(GroupName="g"))
    iam.remove_user_from_group(GroupName="g", UserName="ann")
    iam.delete_user(UserName="ann")
    iam.delete_group(GroupName="g")


def test_two_access_keys_are_the_most(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.user("ann")
    iam.create_access_key(UserName="ann")
    refused("LimitExceeded", 409, lambda: iam.create_access_key(UserName="ann"))


def test_service_linked_roles_are_spelled_as_on_aws(aws: Aws) -> None:
    iam = aws.client("iam")
    made = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    assert made["Role"]["RoleName"] == "AWSServiceRoleForECS"
