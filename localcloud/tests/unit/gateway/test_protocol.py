"""Every protocol: what boto3 sends is read back, what a service answers is what boto3 gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.gateway import protocol
from localcloud.shared.service import Call, Service, ServiceError
from localcloud.tests.unit.gateway_harness import Served, served

MOMENT = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)

# service → (operation, boto3's method, input, output), one row a protocol and kind of value.
EXCHANGES: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "ecs": (
        "RegisterTaskDefinition",
        "register_task_definition",
        {
            "family": "app",
            "containerDefinitions": [{"name": "app", "environment": [{"name": "A", "value": ""}]}],
        },
        {"taskDefinition": {"family": "app", "revision": 3, "registeredAt": MOMENT}},
    ),
    "ec2": (
        "AuthorizeSecurityGroupIngress",
        "authorize_security_group_ingress",
        {
            "GroupId": "sg-1",
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            ],
        },
        {"Return": True, "SecurityGroupRules": [{"FromPort": 80, "IsEgress": False}]},
    ),
    "elbv2": (
        "CreateTargetGroup",
        "create_target_group",
        {"Name": "t", "Port": 80, "Matcher": {"HttpCode": "200-299"}, "HealthCheckEnabled": True},
        {"TargetGroups": [{"TargetGroupName": "t", "Port": 80, "Matcher": {"HttpCode": "200"}}]},
    ),
    "route53": (
        "ListResourceRecordSets",
        "list_resource_record_sets",
        {"HostedZoneId": "Z1", "StartRecordName": "a.b.", "StartRecordType": "A"},
        {
            "ResourceRecordSets": [
                {"Name": "a.b.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "1.2.3.4"}]}
            ],
            "IsTruncated": False,
            "MaxItems": "100",
        },
    ),
    "kms": ("Encrypt", "encrypt", {"KeyId": "k", "Plaintext": b"\x00\xff"}, {"KeyId": "k"}),
    "logs": (
        "PutLogEvents",
        "put_log_events",
        {
            "logGroupName": "g",
            "logStreamName": "s",
            "logEvents": [{"timestamp": 1, "message": "é\n"}],
        },
        {"nextSequenceToken": "n"},
    ),
}


class Echo(Service):
    """Notes what it gets and answers what a row says."""

    def __init__(self, name: str, operation: str, output: Mapping[str, Any]) -> None:
        super().__init__()
        self.name = name
        self.inputs: list[dict[str, Any]] = []
        self._output = output
        self.handlers = {operation: self._answer}

    def _answer(self, call: Call) -> Mapping[str, Any]:
        self.inputs.append(call.input)
        return self._output


@pytest.mark.parametrize("service", EXCHANGES)
def test_both_ways(service: str) -> None:
    operation, method, sent, output = EXCHANGES[service]
    echo = Echo(service, operation, output)
    with served(echo) as cloud:
        answer = getattr(cloud.client(service), method)(**sent)

    assert echo.inputs == [sent]
    answer.pop("ResponseMetadata")
    assert answer == output


class Failing(Service):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.before = {"*": self._fail}

    def _fail(self, call: Call) -> None:
        raise ServiceError("SomeCode", 'with <words> & "quotes"', 409)


FAILING = {
    "ec2": "describe_vpcs",
    "ecs": "list_clusters",
    "elbv2": "describe_target_groups",
    "iam": "list_roles",
    "route53": "list_hosted_zones",
    "s3": "list_buckets",
    "sqs": "list_queues",
}


@pytest.fixture(scope="module")
def failing() -> Iterator[Served]:
    with served(*(Failing(name) for name in FAILING)) as cloud:
        yield cloud


@pytest.mark.parametrize("service", FAILING)
def test_an_error_keeps_its_code_words_and_status(failing: Served, service: str) -> None:
    with pytest.raises(ClientError) as error:
        getattr(failing.client(service), FAILING[service])()

    told = error.value.response
    assert told["Error"]["Code"] == "SomeCode"
    assert told["Error"]["Message"] == 'with <words> & "quotes"'
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 409


@pytest.mark.parametrize(
    ("signing_name", "service"),
    [
        ("elasticloadbalancing", "elbv2"),
        ("monitoring", "cloudwatch"),
        ("tagging", "resourcegroupstaggingapi"),
        ("ecs", "ecs"),
        ("no-such-service", None),
    ],
)
def test_signing_names(signing_name: str, service: str | None) -> None:
    assert protocol.service_of_signing_name(signing_name) == service
