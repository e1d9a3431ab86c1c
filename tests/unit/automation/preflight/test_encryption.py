"""The key of the images: what an update would take away, and what comes too late."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.aws.clients import Cloud
from infra.names import Names
from tests.unit.automation.preflight.stage import Stage


def encrypted_repository(cloud: Cloud, **encryption: str) -> None:
    cloud.client("ecr").create_repository(
        repositoryName=Names("fargate-cd", "dev").repository,
        encryptionConfiguration={"encryptionType": "AES256"} | encryption,
    )


def test_the_key_of_the_images_is_not_taken_away(stage: Stage) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/one"
    encrypted_repository(stage.cloud, encryptionType="KMS", kmsKey=key)
    assert stage.problems() == ["key in use"]
    stage.settings = {"customer_managed_key": True}
    assert stage.problems() == []
    assert "ECR's own key" not in stage.captured.err.getvalue()


def test_a_key_that_comes_too_late_for_the_images_is_told(stage: Stage) -> None:
    encrypted_repository(stage.cloud)
    assert stage.problems() == []
    assert "ECR's own key" not in stage.captured.err.getvalue()
    stage.settings = {"customer_managed_key": True}
    assert stage.problems() == []
    assert "stay encrypted with ECR's own key" in stage.captured.err.getvalue()


def test_who_may_not_look_the_key_up_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    denied: Any = {"Error": {"Code": "AccessDeniedException", "Message": ""}}

    def refuse(**_names: Any) -> None:
        raise ClientError(denied, "DescribeRepositories")

    monkeypatch.setattr(stage.cloud.client("ecr"), "describe_repositories", refuse)
    assert stage.problems() == []
    assert "can't be looked up" in stage.captured.err.getvalue()
