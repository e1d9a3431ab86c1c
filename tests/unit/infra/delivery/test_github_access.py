"""Access of GitHub's workflows: who is trusted, and with what."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.settings.model import Settings, SettingsError
from tests.unit.infra.looks import default
from tests.unit.infra.recorder import ACCOUNT, Recording, record

REPOSITORY = {"github_owner": "octo", "github_repository": "shop", "github_actions": "true"}
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


@cache
def made(**settings: str) -> Recording:
    return record({**REPOSITORY, "github_provider_arn": PROVIDER, **settings})


def trusted(recording: Recording, purpose: str) -> list[str]:
    document = recording.one("Role", f"github-{purpose}").inputs["assumeRolePolicy"]
    (statement,) = json.loads(document)["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {"Federated": PROVIDER}
    conditions: dict[str, Any] = statement["Condition"]["StringEquals"]
    issuer = "token.actions.githubusercontent.com"
    assert conditions[f"{issuer}:aud"] == "sts.amazonaws.com"
    return list(conditions[f"{issuer}:sub"])


def allowed(recording: Recording, purpose: str) -> list[dict[str, Any]]:
    text = recording.one("RolePolicy", f"github-{purpose}-policy").inputs["policy"]
    statements: list[dict[str, Any]] = json.loads(text)["Statement"]
    return statements


def test_only_this_repositorys_branch_releases() -> None:
    assert trusted(made(), "deploy") == ["repo:octo/shop:ref:refs/heads/main"]


def test_a_repository_with_numbers_in_its_subjects_is_trusted_by_them_too() -> None:
    recording = made(github_owner_id="11", github_repository_id="22")
    branch = "ref:refs/heads/main"
    assert trusted(recording, "deploy") == [
        f"repo:octo/shop:{branch}",
        f"repo:octo@11/shop@22:{branch}",
    ]
    assert "repo:octo@11/shop@22:pull_request" in trusted(recording, "preview")


def test_one_number_alone_is_refused() -> None:
    with pytest.raises(SettingsError, match="github_owner_id = 11: needs the other one"):
        Settings.parse({**REPOSITORY, "github_owner_id": 11})


def test_production_is_released_by_its_environment_alone() -> None:
    recording = made(github_environment="production")
    assert trusted(recording, "deploy") == ["repo:octo/shop:environment:production"]


def test_previews_are_made_by_pull_requests_and_pruned_by_the_branch() -> None:
    subjects = ["repo:octo/shop:pull_request", "repo:octo/shop:ref:refs/heads/main"]
    assert trusted(made(), "preview") == subjects


def test_the_account_has_one_provider() -> None:
    assert made().of("OpenIdConnectProvider") == []
    recording = record(REPOSITORY)
    provider = recording.one("OpenIdConnectProvider").inputs
    assert provider["url"] == "https://token.actions.githubusercontent.com"
    assert provider["clientIdLists"] == ["sts.amazonaws.com"]


def test_without_the_setting_nobody_is_trusted() -> None:
    names = {each.name for each in default().of("Role")}
    assert not {name for name in names if "github" in name}


@pytest.mark.parametrize("purpose", ["deploy", "preview"])
def test_no_workflow_makes_roles_or_policies(purpose: str) -> None:
    actions = [action for each in allowed(made(), purpose) for action in each["Action"]]
    assert [action for action in actions if action.startswith("iam:")] == ["iam:PassRole"]


def test_previews_leave_the_environments_service_alone() -> None:
    for statement in allowed(made(), "preview"):
        if {"ecs:UpdateService", "ecs:DeleteService"} & set(statement["Action"]):
            (arn,) = statement["Resource"]
            assert arn.endswith(":service/fargate-cd-dev/fargate-cd-dev-preview-*")
        if "elasticloadbalancing:DeleteTargetGroup" in statement["Action"]:
            # Services of other projects may be behind the same load balancer.
            assert statement["Condition"] == {
                "StringEquals": {"aws:ResourceTag/project": "fargate-cd"},
                "StringLike": {"aws:ResourceTag/stack": "dev-preview-*"},
            }


DRIVER = {"ecs:ListTasks", "ecs:DescribeTasks", "cloudwatch:GetMetricStatistics"}
"""With these the driver shows a rollout."""

CALLS = {
    "deploy": {
        *DRIVER,
        "ec2:DescribeAvailabilityZones",
        "ecs:RegisterTaskDefinition",
        "ecs:UpdateService",
    },
    "preview": {
        *DRIVER,
        "ecs:DeleteTaskDefinitions",
        "ecr:BatchDeleteImage",
        "elasticloadbalancing:CreateListener",
        "ssm:GetParametersByPath",
        "logs:CreateLogGroup",
    },
}
"""Of the calls that an update, and the destruction of a preview, were seen to make."""


@pytest.mark.parametrize("purpose", CALLS)
def test_what_the_workflows_commands_call_is_allowed(purpose: str) -> None:
    actions = {action for each in allowed(made(), purpose) for action in each["Action"]}
    assert CALLS[purpose] <= actions


def test_the_hosted_zone_is_read_where_there_is_one() -> None:
    zone = {"domain": "app.example.com", "hosted_zone": "example.com"}
    for settings, expected in (({}, False), (zone, True)):
        actions = [a for each in allowed(made(**settings), "deploy") for a in each["Action"]]
        assert ("route53:GetHostedZone" in actions) == expected


def test_the_state_is_reached_where_it_is_named() -> None:
    assert not [each for each in allowed(made(), "deploy") if each["Sid"] == "State"]
    (state,) = [
        each for each in allowed(made(state_bucket="team"), "deploy") if each["Sid"] == "State"
    ]
    assert state["Resource"] == ["arn:aws:s3:::team/.pulumi/*"]
    (previews,) = [
        each for each in allowed(made(state_bucket="team"), "preview") if each["Sid"] == "State"
    ]
    assert previews["Resource"] == ["arn:aws:s3:::team/previews/dev/.pulumi/*"]


def test_workflows_of_no_repository_are_refused() -> None:
    with pytest.raises(SettingsError, match="github_actions = True: needs `github_owner`"):
        Settings.parse({"github_actions": True})
