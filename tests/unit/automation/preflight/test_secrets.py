"""Secrets of the containers must resolve before anything is touched."""

from __future__ import annotations

from tests.unit.automation.preflight.stage import ARN, Stage


def test_secrets_must_resolve(stage: Stage) -> None:
    manager, parameters = stage.cloud.client("secretsmanager"), stage.cloud.client("ssm")
    plain = manager.create_secret(Name="plain", SecretString="x")["ARN"]
    keyed = manager.create_secret(Name="keyed", SecretString='{"password": "x"}')["ARN"]
    gone = manager.create_secret(Name="gone", SecretString="x")["ARN"]
    manager.delete_secret(SecretId=gone)
    parameters.put_parameter(Name="/prod/db", Value="x", Type="SecureString")
    parameter = "arn:aws:ssm:us-east-1:123456789012:parameter"
    stage.settings = {
        "secrets": {"A": plain, "B": f"{keyed}:password::", "C": f"{parameter}/prod/db"}
    }
    assert stage.problems() == []
    wrong = {
        "A": gone,
        "B": f"{keyed}:other::",
        "C": f"{parameter}/prod/other",
        "D": f"{ARN}nope-AbCdEf",
        "E": f"{plain}:key::",
    }
    stage.settings = {"secrets": wrong}
    assert stage.problems() == ["secret not readable"] * 5
