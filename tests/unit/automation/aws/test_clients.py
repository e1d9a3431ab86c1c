"""All pages of an operation are read, whether boto3 has a paginator for it or not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.stub import Stubber

from automation import paths
from automation.aws.clients import Cloud, error_code
from automation.aws.ecs import ServiceName, service_deployments
from automation.aws.resource_table import TYPES


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


def test_an_operation_of_the_firewall_goes_on_at_a_marker(monkeypatch: Any) -> None:
    cloud, stub = stubbed("wafv2", monkeypatch)
    given = {"Scope": "REGIONAL"}
    for name, asked, more in (
        ("a", given, {"NextMarker": "n"}),
        ("b", given | {"NextMarker": "n"}, {}),
    ):
        row = {"Name": name, "Id": name * 36}
        stub.add_response("list_web_acls", {"WebACLs": [row], **more}, asked)
    with stub:
        rows = cloud.pages("wafv2", "list_web_acls", "WebACLs", **given)
    assert [row["Name"] for row in rows] == ["a", "b"]


ONE_PAGE = {
    "describe_listeners": "of one listener by its ARN",
    "describe_load_balancers": "of one load balancer by its ARN",
    "describe_repositories": "of one repository by its name",
    "describe_target_groups": "of the service's own by their ARNs",
    "describe_tags": "of named load balancers and their parts, of which there are no pages",
    "get_log_events": "the callers go on at its token, or want the last lines",
    "list_executions": "the last one",
    "list_hosted_zones_by_name": "begins at the zone",
    "list_pipeline_executions": "the last ones",
    "list_resource_record_sets": "begins at the record, and wants one",
}
"""Operations with pages that are called without `Cloud.pages` → why one page is enough."""

CALL = re.compile(r"\.((?:list|describe|get)_[a-z_0-9]+)\(")
SERVICES = (
    *("acm", "application-autoscaling", "cloudwatch", "codebuild", "codeconnections"),
    *("codepipeline", "ec2", "ecr", "ecs", "elbv2", "events", "iam", "kms", "logs", "route53"),
    *("s3", "scheduler", "secretsmanager", "service-quotas", "sns", "sqs", "ssm"),
    *("stepfunctions", "sts", "wafv2"),
)
TOKENS = {"nextToken", "NextToken", "NextMarker", "Marker", "IsTruncated", "nextForwardToken"}


@cache
def paged() -> set[str]:
    """The operations whose answers have pages, as botocore's methods."""
    loader, found = Loader(), set()
    for service in SERVICES:
        model = ServiceModel(loader.load_service_model(service, "service-2"))
        for operation in map(model.operation_model, model.operation_names):
            shape = operation.output_shape
            if shape and TOKENS & set(shape.members):
                found.add(xform_name(operation.name))
    return found


def test_every_list_is_read_to_its_end() -> None:
    files = (paths.ROOT / "automation").rglob("*.py")
    called = {name for file in files for name in CALL.findall(file.read_text())}
    assert called & paged() == set(ONE_PAGE)


def test_every_list_of_the_table_of_types_has_one_page_or_a_paginator(monkeypatch: Any) -> None:
    cloud, _ = stubbed("ecs", monkeypatch)
    for kind in TYPES.values():
        service, operation, *_key = kind.call.split() if kind.call else ("", "")
        if service and not cloud.client(service).can_paginate(operation):
            assert operation not in paged(), kind


@pytest.mark.parametrize(("minutes", "off"), [(-4, True), (4, True), (0, False)])
def test_the_time_is_that_of_aws_where_this_machines_clock_is_wrong(
    monkeypatch: Any, minutes: int, off: bool
) -> None:
    cloud, stub = stubbed("ecs", monkeypatch)
    there = datetime.now(UTC) + timedelta(minutes=minutes)
    headers = {"date": format_datetime(there, usegmt=True)}
    stub.add_response("list_clusters", {"ResponseMetadata": {"HTTPHeaders": headers}})
    with stub:
        cloud.client("ecs").list_clusters()
    assert abs(cloud.now() - there) < timedelta(seconds=30)
    assert (abs(cloud.now() - datetime.now(UTC)) > timedelta(minutes=2)) is off
