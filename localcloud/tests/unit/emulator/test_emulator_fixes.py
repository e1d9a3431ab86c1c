"""What the emulator keeps stays bounded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator import emulator_fixes as module
from localcloud.emulator.emulator import backends
from localcloud.emulator.emulator_fixes import amendments
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, Served, served


@pytest.fixture
def cloud() -> Iterator[Served]:
    with served() as found:
        for service in amendments(found.gateway.emulator):
            found.gateway.add(service)
        yield found


def write(logs: Any, group: str, stream: str, *lines: str, age_days: float = 0) -> None:
    moment = int((time.time() - age_days * 24 * 3600) * 1000)
    events = [{"timestamp": moment, "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def lines_of(logs: Any, group: str) -> list[str]:
    events = logs.filter_log_events(logGroupName=group)["events"]
    return [event["message"] for event in events]


@pytest.fixture
def group(cloud: Served, request: pytest.FixtureRequest) -> str:
    name = f"/amendments/{request.node.name}"
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName=name)
    for stream in ("first", "second"):
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
    return name


def test_a_stream_keeps_its_newest_events(
    cloud: Served, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_KEPT_PER_STREAM", 2)
    logs = cloud.client("logs")
    write(logs, group, "first", "one", "two", "three")

    assert lines_of(logs, group) == ["two", "three"]


def test_a_group_drops_its_idlest_stream_first(
    cloud: Served, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_KEPT_PER_GROUP", 3)
    logs = cloud.client("logs")
    write(logs, group, "first", "one", "two")
    write(logs, group, "second", "three", "four")

    assert lines_of(logs, group) == ["two", "three", "four"]


def test_events_beyond_the_retention_go(cloud: Served, group: str) -> None:
    logs = cloud.client("logs")
    logs.put_retention_policy(logGroupName=group, retentionInDays=3)
    write(logs, group, "first", "old", age_days=4)
    write(logs, group, "first", "new")

    assert lines_of(logs, group) == ["new"]


def key_of(logs: Any, group: str) -> str | None:
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    key: str | None = found.get("kmsKeyId")
    return key


def test_a_log_group_takes_and_loses_a_key(cloud: Served, group: str) -> None:
    logs, kms = cloud.client("logs"), cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
    assert key_of(logs, group) == key
    write(logs, group, "first", "still written")
    assert lines_of(logs, group) == ["still written"]
    logs.disassociate_kms_key(logGroupName=group)
    assert key_of(logs, group) is None


def test_what_is_no_key_or_no_group_is_refused(cloud: Served, group: str) -> None:
    logs, kms = cloud.client("logs"), cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.associate_kms_key(logGroupName="/amendments/none", kmsKeyId=key)
    with pytest.raises(ClientError, match=r"not allowed to be used with .*log-group:/amendments"):
        logs.associate_kms_key(logGroupName=group, kmsKeyId=key[:-4] + "0000")
    kms.schedule_key_deletion(KeyId=key.rpartition("/")[2])
    with pytest.raises(ClientError, match="not allowed to be used"):
        logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
    with pytest.raises(ClientError, match="resourceIdentifier"):
        logs.disassociate_kms_key(resourceIdentifier="arn:aws:logs:us-east-1:1:query-definition:*")
    assert key_of(logs, group) is None


def test_the_oldest_data_points_go(cloud: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DATA_POINTS_KEPT", 10)
    cloudwatch = cloud.client("cloudwatch")
    for value in range(12):
        data = [{"MetricName": "amendments", "Value": value}]
        cloudwatch.put_metric_data(Namespace="amendments", MetricData=data)

    kept = backends("cloudwatch")[ACCOUNT][REGION].metric_data
    assert len(kept) <= 10
    assert kept[-1].value == 11


def test_tags_go_with_their_alarm(cloud: Served) -> None:
    cloudwatch = cloud.client("cloudwatch")
    alarm = {
        "AlarmName": "tags-go",
        "Namespace": "Test",
        "MetricName": "m",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch.put_metric_alarm(**alarm, Tags=[{"Key": "team", "Value": "shop"}])
    cloudwatch.delete_alarms(AlarmNames=["tags-go"])
    cloudwatch.put_metric_alarm(**alarm)
    (found,) = cloudwatch.describe_alarms(AlarmNames=["tags-go"])["MetricAlarms"]
    assert cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"] == []
    cloudwatch.delete_alarms(AlarmNames=["tags-go"])


def test_events_are_found_by_the_beginning_of_their_streams_names(
    cloud: Served, group: str
) -> None:
    logs = cloud.client("logs")
    for process in ("app", "worker"):
        logs.create_log_stream(logGroupName=group, logStreamName=f"{process}/app/1")
        events = [{"timestamp": int(time.time() * 1000), "message": process}]
        logs.put_log_events(logGroupName=group, logStreamName=f"{process}/app/1", logEvents=events)

    def found(**given: Any) -> list[str]:
        answer = logs.filter_log_events(logGroupName=group, **given)
        return [event["message"] for event in answer["events"]]

    assert found(logStreamNamePrefix="worker/") == ["worker"]
    assert found(logStreamNamePrefix="w/") == []
    assert found() == ["app", "worker"]
    with pytest.raises(ClientError, match="together"):
        found(logStreamNamePrefix="w", logStreamNames=["worker/app/1"])
