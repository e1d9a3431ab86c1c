"""Requests against the models: each constraint, and every pattern of the services in use."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from localcloud.gateway.constraints import compiled_pattern, service_model, violations
from localcloud.providers.aws.specs import SPECS

SERVICES = sorted(
    {spec.service for spec in SPECS.values()} | {"sts", "resourcegroupstaggingapi", "sqs", "events"}
)


def target_group(**changes: Any) -> dict[str, Any]:
    return {"Name": "web", "Port": 9292, "Protocol": "HTTP", **changes}


def test_a_request_that_the_model_allows() -> None:
    assert violations("elbv2", "CreateTargetGroup", target_group()) == []


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"Name": None}, "Name", "is required"),
        ({"Name": 1}, "Name", "must be a string"),
        ({"Port": "9292"}, "Port", "must be an integer"),
        ({"Port": True}, "Port", "must be an integer"),
        ({"Port": 0}, "Port", "below the minimum of 1"),
        ({"Port": 65536}, "Port", "above the maximum of 65535"),
        ({"Protocol": "FTP"}, "Protocol", "is none of HTTP"),
        (
            {"HealthCheckPath": "/" * 1025},
            "HealthCheckPath",
            "above the maximum of 1024 characters",
        ),
        ({"Colour": "red"}, "Colour", "is unknown"),
        ({"Tags": []}, "Tags", "below the minimum of 1 members"),
        ({"Tags": [{"Value": "x"}]}, "Tags[0].Key", "is required"),
        ({"Tags": [{"Key": "☃"}]}, "Tags[0].Key", "does not match the pattern"),
        ({"Matcher": "200"}, "Matcher", "must be a structure"),
    ],
)
def test_each_constraint_names_the_member(change: dict[str, Any], path: str, reason: str) -> None:
    found = violations("elbv2", "CreateTargetGroup", target_group(**change))
    assert len(found) == 1
    assert found[0].startswith(f"{path}: ")
    assert reason in found[0]


def test_all_breaches_are_told_at_once() -> None:
    found = violations("elbv2", "CreateTargetGroup", {"Port": 0, "Protocol": "FTP"})
    assert [breach.partition(":")[0] for breach in found] == ["Name", "Port", "Protocol"]


def test_map_entries() -> None:
    tags = {"key": 1, "": "value"}
    found = violations("logs", "CreateLogGroup", {"logGroupName": "/ecs/web", "tags": tags})
    assert found == [
        "tags['key']: must be a string, not 1",
        "tags[key '']: '' is below the minimum of 1 characters",
        "tags[key '']: '' does not match the pattern "
        r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$",
    ]


def test_unknown_values_satisfy_everything() -> None:
    unknown = object()
    request = target_group(Port=unknown, Protocol=unknown, Tags=[{"Key": unknown}])
    assert violations("elbv2", "CreateTargetGroup", request, unknown=unknown) == []
    assert violations("elbv2", "CreateTargetGroup", request) != []


def test_tokens_that_botocore_makes_up_are_not_required() -> None:
    rotation = {"SecretId": "s", "SecretString": "x"}
    assert violations("secretsmanager", "PutSecretValue", rotation) == []


def test_an_operation_without_input_takes_nothing() -> None:
    assert violations("sts", "GetCallerIdentity", {}) == []
    assert violations("sts", "GetCallerIdentity", {"Name": "x"}) != []


def test_timestamps_and_bytes() -> None:
    now = datetime.datetime.now(datetime.UTC)
    action = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/a/b",
        "ScalableDimension": "ecs:service:DesiredCount",
        "ScheduledActionName": "night",
        "StartTime": now,
    }
    assert violations("application-autoscaling", "PutScheduledAction", action) == []
    encrypt = {"KeyId": "k", "Plaintext": b"x" * 4097}
    assert "above the maximum of 4096 bytes" in violations("kms", "Encrypt", encrypt)[0]


def test_characters_beyond_the_basic_plane() -> None:
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/a/😀",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    assert violations("application-autoscaling", "RegisterScalableTarget", target) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_the_model_can_be_read(service: str) -> None:
    model = service_model(service)
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {
        None
    }
    for pattern in patterns:
        compiled_pattern(pattern)


def test_patterns_are_of_use() -> None:
    count = sum(
        1
        for service in SERVICES
        for name in service_model(service).shape_names
        if "pattern" in service_model(service).shape_for(name).metadata
    )
    assert count > 500
