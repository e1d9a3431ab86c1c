"""The vendor's provider: topics, and the rules that publish at them."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.tests.unit.providers.aws.cases import World, resource_policy
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

TOPIC = "aws:sns/topic:Topic"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"

VENDOR: Mapping[str, Vendor] = {
    TOPIC: Vendor(
        "sns/topic.go",
        reads=frozenset({"GetTopicAttributes", "ListTagsForResource"}),
        kept=frozenset({"policy", "signatureVersion", "tracingConfig"}),
        defaults={"contentBasedDeduplication": False, "fifoTopic": False},
        waits="repeats an attribute that is refused as invalid, or whose tags are not known yet",
        least=("name",),
    ),
    "aws:sns/topicPolicy:TopicPolicy": Vendor(
        "sns/topic_policy.go",
        reads=frozenset({"GetTopicAttributes"}),
        waits="repeats a policy that is refused as invalid; a delete sets SNS's own policy",
    ),
    "aws:sns/topicSubscription:TopicSubscription": Vendor(
        "sns/topic_subscription.go",
        reads=frozenset({"GetSubscriptionAttributes"}),
        kept=frozenset({"filterPolicyScope"}),
        defaults={
            "confirmationTimeoutInMinutes": 1,
            "endpointAutoConfirms": False,
            "rawMessageDelivery": False,
        },
        waits="confirmed, but for e-mail; not found after a delete, but for an unconfirmed one",
    ),
    RULE: Vendor(
        "events/rule.go",
        reads=frozenset({"DescribeRule", "ListTagsForResource"}),
        kept=frozenset({"isEnabled", "state"}),
        defaults={"eventBusName": "default", "forceDestroy": False},
        waits="repeats the first read until the rule is found, and a delete while it has targets",
        least=("name", "eventPattern"),
    ),
    TARGET: Vendor(
        "events/target.go",
        reads=frozenset({"ListTargetsByRule"}),
        defaults={"eventBusName": "default", "forceDestroy": False},
        nested={
            "ecsTarget": {
                "enableEcsManagedTags": False,
                "enableExecuteCommand": False,
                "taskCount": 1,
            },
            "ecsTarget.networkConfiguration": {"assignPublicIp": False},
        },
    ),
}


def _renamed(world: World, held: Held) -> None:
    world.client("sns").set_topic_attributes(
        TopicArn=held.id, AttributeName="DisplayName", AttributeValue="by hand"
    )


def _opened(world: World, held: Held) -> None:
    world.client("sns").set_topic_attributes(
        TopicArn=held.id,
        AttributeName="Policy",
        AttributeValue=resource_policy(held.id, "sns.amazonaws.com"),
    )


def _raw(world: World, held: Held) -> None:
    world.client("sns").set_subscription_attributes(
        SubscriptionArn=held.id, AttributeName="RawMessageDelivery", AttributeValue="true"
    )


def _redirected(world: World, held: Held) -> None:
    target = {"Id": held.outputs["targetId"], "Arn": f"{held.outputs['arn']}-other"}
    world.client("events").put_targets(Rule=held.outputs["rule"], Targets=[target])


def _other_pattern(world: World, held: Held) -> None:
    world.client("events").put_rule(Name=held.id, EventPattern='{"source": ["aws.s3"]}')


BY_HAND: Mapping[str, ByHand] = {
    "a topic's display name": ByHand(TOPIC, _renamed, "displayName", {"displayName": "one"}),
    "a policy that the topic leaves alone": ByHand(TOPIC, _opened, ""),
    "a topic's policy": ByHand("aws:sns/topicPolicy:TopicPolicy", _opened, "policy"),
    "a subscription's default": ByHand(
        "aws:sns/topicSubscription:TopicSubscription", _raw, "rawMessageDelivery"
    ),
    "a rule's pattern": ByHand(RULE, _other_pattern, "eventPattern"),
    "a rule's state that the program leaves alone": ByHand(
        RULE, lambda world, held: world.client("events").disable_rule(Name=held.id), ""
    ),
    "where a rule sends": ByHand(TARGET, _redirected, "arn"),
}
