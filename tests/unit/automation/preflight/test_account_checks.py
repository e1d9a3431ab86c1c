"""`doctor` asks the account what an `up` would run into, and says which request to make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from automation.machine.prerequisites import Check
from automation.preflight import account_checks
from automation.stack.stack_file import StackFile
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

PIPELINE = {
    "github_owner": "octo",
    "github_repository": "shop",
    "connection_arn": "arn:aws:codeconnections:us-east-1:123456789012:connection/abc",
}


class Account:
    """An account as it is on its first day, or after.

    Args:
        quota: what every quota is.
        roles: whether the services have made their roles.
        decision: what the policy simulator answers.
    """

    def __init__(self, quota: float, roles: bool = True, decision: str = "allowed") -> None:
        self.quota, self.roles, self.decision = quota, roles, decision
        self.meta = type("Meta", (), {"region_name": "us-east-1"})

    def client(self, _service: str) -> Account:
        return self

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": []}

    def get_service_quota(self, **_: Any) -> dict[str, Any]:
        return {"Quota": {"Value": self.quota}}

    def describe_addresses(self) -> dict[str, Any]:
        return {"Addresses": []}

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Arn": "arn:aws:iam::123456789012:user/u"}

    def get_role(self, **_: Any) -> dict[str, Any]:
        if not self.roles:
            raise ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetRole")
        return {}

    def get_connection(self, **_: Any) -> dict[str, Any]:
        return {"Connection": {"ConnectionStatus": "AVAILABLE"}}

    def pages(self, service: str, *_: Any, **given: Any) -> list[dict[str, Any]]:
        if service != "iam":
            return []
        return [
            {"EvalActionName": name, "EvalDecision": self.decision} for name in given["ActionNames"]
        ]


def asked(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, account: Account, **settings: Any
) -> dict[str, list[Check]]:
    monkeypatch.setattr(account_checks, "Cloud", lambda **_: account)
    parsed = Settings.parse({"target": "aws", **settings})
    file = StackFile("dev", "fargate-cd", parsed, None, Path("Pulumi.dev.yaml"))
    found: dict[str, list[Check]] = {}
    for check in account_checks.account_checks(file, captured.screen):
        found.setdefault(check.name, []).append(check)
    return found


def test_a_sound_account_is_said_to_be_so(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = asked(captured, monkeypatch, Account(100), **PIPELINE)
    assert {name: [each.good for each in rows] for name, rows in found.items()} == {
        "quotas": [True],
        "service-linked roles": [True],
        "connection": [True],
    }


def test_quotas_of_none_are_wrong_with_the_request_to_make(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = asked(captured, monkeypatch, Account(0), **PIPELINE)["quotas"]
    assert all(each.good is False for each in found)
    builds = next(each for each in found if "concurrent builds" in each.found)
    assert "request-service-quota-increase --service-code codebuild" in builds.remedy
    tasks = next(each for each in found if "vCPUs of Fargate on demand" in each.found)
    assert "--service-code fargate --quota-code L-3032A538 --desired-value 0.5" in tasks.remedy


def test_missing_roles_are_noted_or_wrong_by_who_may_make_them(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    (noted,) = asked(captured, monkeypatch, Account(100, roles=False))["service-linked roles"]
    assert noted.good is None
    command = "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com"
    assert command in noted.remedy
    account = Account(100, roles=False, decision="implicitDeny")
    wrong = asked(captured, monkeypatch, account)["service-linked roles"]
    assert [each.good for each in wrong] == [False] * 3
    assert command in wrong[0].remedy


def test_without_credentials_one_line_says_so(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nobody(Account):
        def describe_services(self, **_: Any) -> dict[str, Any]:
            raise NoCredentialsError

    found = asked(captured, monkeypatch, Nobody(100))
    assert list(found) == ["aws account"]
    assert found["aws account"][0].good is None


def test_a_local_stack_has_no_account_to_ask(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(captured, monkeypatch, Account(0), target="local") == {}
