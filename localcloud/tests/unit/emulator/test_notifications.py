"""An event reaches the topics of the rules that match it, and a topic's e-mails are told."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.emulator.emulator_fixes import amendments
from localcloud.tests.unit.gateway_harness import Served, served

PATTERN = {"source": ["aws.codepipeline"], "detail": {"state": ["FAILED"]}}


@pytest.fixture
def cloud() -> Iterator[Served]:
    with served() as found:
        for service in amendments(found.gateway.emulator):
            found.gateway.add(service)
        yield found


def let_events(cloud: Served, topic: str, **condition: Any) -> None:
    """Give a topic a policy that lets EventBridge publish."""
    row = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
    row |= {"Action": "sns:Publish", "Resource": topic, **condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [row]})
    cloud.client("sns").set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=policy
    )


@pytest.fixture
def queue(cloud: Served) -> str:
    """A queue that hears what a topic is told; the topic is the target of a rule."""
    sqs, sns, events = cloud.client("sqs"), cloud.client("sns"), cloud.client("events")
    url = str(sqs.create_queue(QueueName="heard")["QueueUrl"])
    heard = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    topic = sns.create_topic(Name="team")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="team@example.org")
    let_events(cloud, topic)
    events.put_rule(Name="failed", EventPattern=json.dumps(PATTERN))
    events.put_targets(Rule="failed", Targets=[{"Id": "topic", "Arn": topic}])
    return url


def put(cloud: Served, state: str) -> None:
    entry = {
        "Source": "aws.codepipeline",
        "DetailType": "CodePipeline Pipeline Execution State Change",
        "Detail": json.dumps({"pipeline": "shop", "state": state}),
    }
    assert cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def heard(cloud: Served, queue: str) -> list[dict[str, Any]]:
    found = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(row["Body"]) for row in found.get("Messages", [])]


def test_a_matching_event_reaches_the_topic_and_is_mailed(
    cloud: Served, queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "localcloud.emulator.notifications"):
        put(cloud, "FAILED")
    (message,) = heard(cloud, queue)
    event = json.loads(message["Message"])
    assert event["detail"] == {"pipeline": "shop", "state": "FAILED"}
    assert event["source"] == "aws.codepipeline"
    assert "e-mail to team@example.org" in caplog.text


def topic_of(cloud: Served) -> str:
    """The topic that the rule sends to; other tests may have left others."""
    (target,) = cloud.client("events").list_targets_by_rule(Rule="failed")["Targets"]
    return str(target["Arn"])


def test_a_condition_in_the_topics_policy_refuses_every_event(
    cloud: Served, queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"""
    topic = topic_of(cloud)
    account = {"StringEquals": {"aws:SourceAccount": topic.split(":")[4]}}
    let_events(cloud, topic, Condition=account)
    put(cloud, "FAILED")
    assert heard(cloud, queue) == []
    assert "events.amazonaws.com may not tell the topic" in caplog.text


def test_a_key_that_does_not_know_events_refuses_them(cloud: Served, queue: str) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"""
    kms, sns = cloud.client("kms"), cloud.client("sns")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    topic = topic_of(cloud)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key)
    put(cloud, "FAILED")
    assert heard(cloud, queue) == []
    row = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": "*"}
    row |= {"Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}
    root = {"AWS": f"arn:aws:iam::{topic.split(':')[4]}:root"}
    account = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [account, row]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    put(cloud, "FAILED")
    assert len(heard(cloud, queue)) == 1


def test_another_event_reaches_nobody(cloud: Served, queue: str) -> None:
    put(cloud, "SUCCEEDED")
    assert heard(cloud, queue) == []


def test_a_disabled_rule_tells_nobody(cloud: Served, queue: str) -> None:
    cloud.client("events").disable_rule(Name="failed")
    put(cloud, "FAILED")
    assert heard(cloud, queue) == []


def test_a_transformer_makes_the_message(cloud: Served, queue: str) -> None:
    events = cloud.client("events")
    (target,) = events.list_targets_by_rule(Rule="failed")["Targets"]
    transformer = {
        "InputPathsMap": {"what": "$.detail.pipeline"},
        "InputTemplate": '{"failed": "<what>"}',
    }
    events.put_targets(Rule="failed", Targets=[{**target, "InputTransformer": transformer}])
    put(cloud, "FAILED")
    (message,) = heard(cloud, queue)
    assert json.loads(message["Message"]) == {"failed": "shop"}


def test_a_topic_that_is_gone_is_a_line_of_the_log(
    cloud: Served, queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    sns = cloud.client("sns")
    for topic in sns.list_topics()["Topics"]:
        sns.delete_topic(TopicArn=topic["TopicArn"])
    put(cloud, "FAILED")
    assert heard(cloud, queue) == []
    assert "does not exist" in caplog.text


def test_what_is_published_by_hand_is_mailed(
    cloud: Served, queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    topic = topic_of(cloud)
    with caplog.at_level(logging.INFO, "localcloud.emulator.notifications"):
        cloud.client("sns").publish(TopicArn=topic, Subject="Hello", Message="there")
    assert "e-mail to team@example.org: Hello: there" in caplog.text
