"""Who shares an environment's place is told by its cluster's services and its listener's rules."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.leftovers.sharers import sharers
from infra.names import Names
from infra.shared import Shared

NAMES = Names("shop", "dev")


def tags(project: str, stack: str, environment: str) -> dict[str, str]:
    return {"project": project, "stack": stack, "environment": environment}


OWN = tags("shop", "dev", "dev")
PREVIEW = tags("shop", "dev-preview-login", "dev")
API = tags("shop", "api", "api")
BILLING = tags("billing", "dev", "dev")


class Account:
    """An account with services in the environment's cluster and rules on its listener."""

    def __init__(self, services: list[dict[str, str]], rules: list[dict[str, str]]) -> None:
        self.services, self.rules = services, rules
        self.gone = False

    def client(self, _service: str) -> Any:
        return self

    def pages(self, _service: str, operation: str, _key: str, **_: Any) -> list[Any]:
        if self.gone and operation == "list_services":
            raise ClientError({"Error": {"Code": "ClusterNotFoundException"}}, operation)
        shared = {field.name: field.name for field in fields(Shared)}
        answers: dict[str, list[Any]] = {
            "list_services": [f"service-{number}" for number, _ in enumerate(self.services)],
            "get_parameters_by_path": [
                {"Name": f"{NAMES.shared_path}/shared", "Value": json.dumps(shared)}
            ],
            "describe_rules": [
                {"RuleArn": f"rule-{number}", "IsDefault": False}
                for number, _ in enumerate(self.rules)
            ],
        }
        return answers[operation]

    def describe_services(self, services: list[str], **_: Any) -> Any:
        rows = {f"service-{number}": told for number, told in enumerate(self.services)}
        return {
            "services": [
                {
                    "serviceArn": arn,
                    "tags": [{"key": key, "value": value} for key, value in rows[arn].items()],
                }
                for arn in services
            ]
        }

    def describe_tags(self, ResourceArns: list[str]) -> Any:  # noqa: N803 - AWS's own name
        rows = {f"rule-{number}": told for number, told in enumerate(self.rules)}
        return {
            "TagDescriptions": [
                {
                    "ResourceArn": arn,
                    "Tags": [{"Key": key, "Value": value} for key, value in rows[arn].items()],
                }
                for arn in ResourceArns
            ]
        }


@pytest.mark.parametrize(
    ("services", "rules", "found"),
    [
        ([OWN, PREVIEW], [OWN, PREVIEW], []),
        ([OWN, API], [OWN], ["shop/api"]),
        ([OWN], [API], ["shop/api"]),
        ([OWN, BILLING, API], [BILLING], ["billing/dev", "shop/api"]),
        ([OWN, {}], [], ["service-1"]),
        ([OWN] * 25, [API], ["shop/api"]),
    ],
)
def test_sharers_are_named(services: Any, rules: Any, found: list[str]) -> None:
    account: Any = Account(services, rules)
    assert sharers(account, NAMES) == found


def test_a_cluster_of_somebody_elses_is_not_asked() -> None:
    account: Any = Account([API], [API])
    assert sharers(account, Names("shop", "dev", other_cluster="theirs")) == []


def test_without_a_cluster_nobody_shares_it() -> None:
    account: Any = Account([], [])
    account.gone = True
    assert sharers(account, NAMES) == []
