"""Rows of SNS: topics, their policies, subscriptions.

https://docs.aws.amazon.com/sns/latest/api/welcome.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.providers.aws.calls import CallError
from localcloud.providers.aws.comparing import same_json, same_policy
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values, tagged_by_arn

_MISSING = frozenset({"NotFound", "NotFoundException"})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _setter(operation: str, target: str, names: Mapping[str, str]) -> Callable[..., None]:
    """The step for what SNS keeps as text attributes and changes one a call."""

    def run(resource: Resource, old: Values) -> None:
        for name, attribute in names.items():
            value = resource.inputs.get(name)
            if value == old.get(name, resource.spec.defaults.get(name)):
                continue
            resource.call(
                operation,
                **{target: resource.id},
                AttributeName=attribute,
                AttributeValue="" if value is None else _text(value),
            )

    return run


def _told(names: Mapping[str, str]) -> Callable[[Resource, Values], Values]:
    """Reads the attributes back into properties, typed as the inputs are."""

    def present(resource: Resource, found: Values) -> Values:
        told: Values = {}
        for name, attribute in names.items():
            if attribute in found:
                given = resource.inputs.get(name)
                text = found[attribute]
                told[name] = given if given is not None and _text(given) == text else _typed(text)
        return told

    return present


def _typed(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text


_TOPIC = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
    "contentBasedDeduplication": "ContentBasedDeduplication",
}


def _fifo(inputs: Values) -> Values:
    values = dict(inputs)
    if values.pop("fifoTopic", False):
        values["Attributes"] = {"FifoTopic": True}
    return values


TOPIC = Spec(
    "aws:sns/topic:Topic",
    "sns",
    create=Op("CreateTopic"),
    read=Op("GetTopicAttributes", {"TopicArn": "id"}),
    delete=Op("DeleteTopic", {"TopicArn": "id"}),
    id="TopicArn",
    found="Attributes",
    inputs=frozenset({"fifoTopic"}),
    omit=frozenset({"DataProtectionPolicy"}),
    prepare=_fifo,
    update=(Step(_setter("SetTopicAttributes", "TopicArn", _TOPIC), properties=tuple(_TOPIC)),),
    equal={"policy": same_policy, "deliveryPolicy": same_json},
    defaults={"contentBasedDeduplication": False, "fifoTopic": False},
    outputs={"arn": "TopicArn", "owner": "Owner", "name": "TopicArn"},
    present=lambda resource, found: {
        **_told(_TOPIC)(resource, found),
        "name": found["TopicArn"].rpartition(":")[2],
    },
    sticky=frozenset({"policy", "signatureVersion", "tracingConfig"}),
    name=AutoName(256),
    tags=tagged_by_arn("ResourceArn", "id"),
    absent=_MISSING,
)


def _put_policy(resource: Resource) -> str:
    arn = str(resource.inputs["arn"])
    resource.call(
        "SetTopicAttributes",
        TopicArn=arn,
        AttributeName="Policy",
        AttributeValue=resource.inputs["policy"],
    )
    return arn


def _restore_policy(resource: Resource) -> None:
    """Give the topic the policy back that SNS makes topics with."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [
            "SNS:GetTopicAttributes",
            "SNS:SetTopicAttributes",
            "SNS:AddPermission",
            "SNS:RemovePermission",
            "SNS:DeleteTopic",
            "SNS:Subscribe",
            "SNS:ListSubscriptionsByTopic",
            "SNS:Publish",
            "SNS:Receive",
        ],
        "Resource": resource.id,
        "Condition": {"StringEquals": {"AWS:SourceOwner": resource.account}},
    }
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    resource.call(
        "SetTopicAttributes",
        TopicArn=resource.id,
        AttributeName="Policy",
        AttributeValue=json.dumps(policy),
    )


def _change_policy(resource: Resource, old: Values) -> None:
    if old:
        _put_policy(resource)


TOPIC_POLICY = Spec(
    "aws:sns/topicPolicy:TopicPolicy",
    "sns",
    create=_put_policy,
    read=Op("GetTopicAttributes", {"TopicArn": "id"}),
    delete=_restore_policy,
    found="Attributes",
    inputs=frozenset({"arn"}),
    update=(Step(_change_policy, properties=("policy",)),),
    equal={"policy": same_policy},
    outputs={"arn": "TopicArn", "policy": "Policy", "owner": "Owner"},
    absent=_MISSING,
)

_SUBSCRIPTION = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


def _subscription_flags(resource: Resource, found: Values) -> Values:
    return {
        **_told(_SUBSCRIPTION)(resource, found),
        "pendingConfirmation": found.get("PendingConfirmation") == "true",
        "confirmationWasAuthenticated": found.get("ConfirmationWasAuthenticated") == "true",
    }


def _unsubscribe(resource: Resource) -> None:
    """Leave one that nobody has confirmed to SNS, which forgets it after 48 hours.

    https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html
    """
    try:
        resource.call("Unsubscribe", SubscriptionArn=resource.id)
    except CallError as error:
        if "pending confirmation" not in str(error):
            raise


TOPIC_SUBSCRIPTION = Spec(
    "aws:sns/topicSubscription:TopicSubscription",
    "sns",
    create=Op("Subscribe", {"ReturnSubscriptionArn": "`true`"}),
    read=Op("GetSubscriptionAttributes", {"SubscriptionArn": "id"}),
    delete=_unsubscribe,
    id="SubscriptionArn",
    found="Attributes",
    names={"topic": "TopicArn"},
    local=frozenset({"confirmationTimeoutInMinutes", "endpointAutoConfirms"}),
    update=(
        Step(
            _setter("SetSubscriptionAttributes", "SubscriptionArn", _SUBSCRIPTION),
            properties=tuple(_SUBSCRIPTION),
        ),
    ),
    equal={"filterPolicy": same_json, "deliveryPolicy": same_json, "redrivePolicy": same_json},
    outputs={"arn": "SubscriptionArn", "ownerId": "Owner"},
    present=_subscription_flags,
    defaults={
        "confirmationTimeoutInMinutes": 1,
        "endpointAutoConfirms": False,
        "rawMessageDelivery": False,
    },
    sticky=frozenset({"filterPolicyScope"}),
    absent=_MISSING,
)

ROWS = (TOPIC, TOPIC_POLICY, TOPIC_SUBSCRIPTION)
