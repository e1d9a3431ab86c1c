"""Simulation answers as the real evaluation does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.tests.unit.iam.running import ACCOUNT, Aws, allow, policy


def decisions(answer: Any) -> list[str]:
    return [row["EvalDecision"] for row in answer["EvaluationResults"]]


def test_a_principal_with_a_path_is_simulated(aws: Aws) -> None:
    arn = aws.role(
        "deployer",
        allow("ecs:*", "*"),
        policy({"Effect": "Deny", "Action": "ecs:DeleteCluster", "Resource": "*"}),
        Path="/team/",
    )
    answer = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=arn,
        ActionNames=["ecs:UpdateService", "ecs:DeleteCluster", "s3:GetObject"],
    )
    assert decisions(answer) == ["allowed", "explicitDeny", "implicitDeny"]


def test_context_entries_are_heard(aws: Aws) -> None:
    condition = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    arn = aws.role("r", allow("iam:PassRole", "*", Condition=condition))
    iam = aws.client("iam")

    def simulate(service: str) -> list[str]:
        entry = {
            "ContextKeyName": "iam:PassedToService",
            "ContextKeyValues": [service],
            "ContextKeyType": "string",
        }
        return decisions(
            iam.simulate_principal_policy(
                PolicySourceArn=arn,
                ActionNames=["iam:PassRole"],
                ResourceArns=[f"arn:aws:iam::{ACCOUNT}:role/t"],
                ContextEntries=[entry],
            )
        )

    assert simulate("ecs-tasks.amazonaws.com") == ["allowed"]
    assert simulate("ec2.amazonaws.com") == ["implicitDeny"]


def test_policies_are_simulated_for_nobody_in_particular(aws: Aws) -> None:
    answer = aws.client("iam").simulate_custom_policy(
        PolicyInputList=[json.dumps(allow("s3:GetObject", "arn:aws:s3:::bkt/*"))],
        PermissionsBoundaryPolicyInputList=[json.dumps(allow("s3:*", "arn:aws:s3:::bkt/a/*"))],
        ActionNames=["s3:GetObject"],
        ResourceArns=["arn:aws:s3:::bkt/a/1", "arn:aws:s3:::bkt/b/1"],
    )
    assert decisions(answer) == ["allowed", "implicitDeny"]


def test_a_missing_principal_is_refused(aws: Aws) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/none", ActionNames=["s3:GetObject"]
        )


def test_the_region_is_known_only_where_it_is_given(aws: Aws) -> None:
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": elsewhere}
    arn = aws.role("developer", allow("ecs:*", "*"), policy(deny))

    def simulate(*entries: dict[str, Any]) -> tuple[str, list[str]]:
        (row,) = aws.client("iam").simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=["ecs:UpdateService"], ContextEntries=entries
        )["EvaluationResults"]
        return row["EvalDecision"], row["MissingContextValues"]

    assert simulate() == ("explicitDeny", ["aws:RequestedRegion"])
    entry = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyType": "string"}
    assert simulate({**entry, "ContextKeyValues": ["us-east-1"]}) == ("allowed", [])


def test_a_key_that_nobody_gave_is_told_as_missing(aws: Aws) -> None:
    condition = {"StringEquals": {"ec2:Tenancy": "default"}}
    document = json.dumps(allow("ec2:CreateSubnet", "*", Condition=condition))
    answer = aws.client("iam").simulate_custom_policy(
        PolicyInputList=[document], ActionNames=["ec2:CreateSubnet"]
    )["EvaluationResults"][0]
    assert answer["EvalDecision"] == "implicitDeny"
    assert answer["MissingContextValues"] == ["ec2:Tenancy"]
