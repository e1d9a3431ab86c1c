"""Quotas that an update would exceed are told before anything is touched."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.aws.clients import NO_ANSWER, Cloud
from automation.preflight import permissions, quotas
from tests.unit.automation.preflight.stage import CONNECTED, Stage


class Quotas:
    """Service Quotas with one value for all, beside a moto account."""

    def __init__(self, cloud: Cloud, value: float) -> None:
        self._cloud, self.value = cloud, value
        self.pages = cloud.pages

    def client(self, service: str) -> Any:
        return self if service == "service-quotas" else self._cloud.client(service)

    def get_service_quota(self, **_: str) -> dict[str, Any]:
        return {"Quota": {"Value": self.value}}


def test_a_quota_that_must_be_exceeded_is_refused(stage: Stage) -> None:
    stage.cloud = Quotas(stage.cloud, 1.0)
    # The account's default VPC is the only one allowed.
    assert [p.evidence for p in quotas.quotas(stage.planned())] == [["vpc L-F678F1CE"]]
    stage.new = False
    assert list(quotas.quotas(stage.planned())) == []
    stage.settings = {"desired_count": 5}
    assert [p.name for p in quotas.quotas(stage.planned())] == ["quota"]
    stage.settings = {"processes": {"worker": {"command": ["w"], "min_count": 3}}}
    assert [p.name for p in quotas.quotas(stage.planned())] == ["quota"]
    stage.target = "local"
    assert list(quotas.quotas(stage.planned())) == []


def test_a_new_account_may_have_no_builds_and_no_spot(stage: Stage) -> None:
    stage.cloud = Quotas(stage.cloud, 0.0)
    stage.new = False
    stage.settings = {**CONNECTED, "build_compute": "medium", "spot": True}
    found = list(quotas.quotas(stage.planned()))
    assert [each.evidence[0] for each in found] == [
        "codebuild L-2DC20C30",
        "fargate L-36FBB829",
        "fargate L-3032A538",
    ]
    assert "request-service-quota-increase --service-code codebuild" in found[0].setting


@pytest.mark.parametrize("code", sorted(NO_ANSWER))
def test_a_question_that_this_user_may_not_ask_is_no_problem(stage: Stage, code: str) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": code}}, "Any")

    for asked in (quotas.quotas, permissions.permissions):
        stage.cloud = SimpleNamespace(
            client=lambda _: SimpleNamespace(
                get_service_quota=refuse, get_caller_identity=refuse, describe_addresses=refuse
            ),
            pages=refuse,
        )
        assert list(asked(stage.planned())) == []
