"""All pages of an operation are read, whether boto3 has a paginator for it or not."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from botocore.stub import Stubber

from automation.aws.clients import Cloud, error_code
from automation.aws.ecs import ServiceName, service_deployments


def stubbed(service: str, monkeypatch: Any) -> tuple[Cloud, Stubber]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    cloud = Cloud("us-east-1")
    return cloud, Stubber(cloud.client(service))


def test_an_operation_with_a_paginator(monkeypatch: Any) -> None:
    cloud, stub = stubbed("ecs", monkeypatch)
    stub.add_response("list_tasks", {"taskArns": ["a"], "nextToken": "n"}, {"cluster": "c"})
    stub.add_response("list_tasks", {"taskArns": ["b"]}, {"cluster": "c", "nextToken": "n"})
    with stub:
        assert cloud.pages("ecs", "list_tasks", "taskArns", cluster="c") == ["a", "b"]


def test_an_operation_without_one_and_a_parameter_named_service(monkeypatch: Any) -> None:
    cloud, stub = stubbed("ecs", monkeypatch)
    given = {"cluster": "c", "service": "s"}
    row = {"serviceDeploymentArn": "d"}
    page = {"serviceDeployments": [row | {"createdAt": 1}], "nextToken": "n"}
    stub.add_response("list_service_deployments", page, given)
    stub.add_response(
        "list_service_deployments",
        {"serviceDeployments": [row | {"createdAt": 2}]},
        given | {"nextToken": "n"},
    )
    with stub:
        found = service_deployments(cloud, ServiceName("c", "s"))
    assert [deployment["createdAt"] for deployment in found] == [2, 1]


def test_a_client_is_made_once(monkeypatch: Any) -> None:
    cloud, _ = stubbed("ecs", monkeypatch)
    assert cloud.client("ecs") is cloud.client("ecs")


def test_the_code_of_an_error() -> None:
    assert error_code(ClientError({"Error": {"Code": "Gone", "Message": ""}}, "X")) == "Gone"
