"""The row of SQS: queues.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from typing import Any

from localcloud.providers.aws.comparing import same_json, same_policy
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values

_ATTRIBUTES = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) else str(value)


def _typed(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text


def _kind(inputs: Values) -> Values:
    """A queue's kind can't be changed; the rest is set by a step."""
    rest = {name: value for name, value in inputs.items() if name not in _ATTRIBUTES}
    if rest.pop("fifoQueue", False):
        rest["Attributes"] = {"FifoQueue": "true"}
    return rest


def _set(resource: Resource, old: Values) -> None:
    changed = {
        attribute: _text(resource.inputs[name])
        for name, attribute in _ATTRIBUTES.items()
        if resource.inputs.get(name) not in (None, old.get(name))
    }
    if changed:
        resource.call("SetQueueAttributes", QueueUrl=resource.id, Attributes=changed)


def _told(resource: Resource, found: Values) -> Values:
    told = {
        name: _typed(found[attribute])
        for name, attribute in _ATTRIBUTES.items()
        if attribute in found
    }
    arn = str(found["QueueArn"])
    fifo = found.get("FifoQueue") == "true"
    return {**told, "name": arn.rpartition(":")[2], "url": resource.id, "fifoQueue": fifo}


QUEUE = Spec(
    "aws:sqs/queue:Queue",
    "sqs",
    create=Op("CreateQueue"),
    read=Op("GetQueueAttributes", {"QueueUrl": "id", "AttributeNames": "['All']"}),
    delete=Op("DeleteQueue", {"QueueUrl": "id"}),
    id="QueueUrl",
    found="Attributes",
    names={"name": "QueueName"},
    inputs=frozenset({"fifoQueue"}),
    arranged=frozenset({"Attributes"}),
    prepare=_kind,
    update=(Step(_set, properties=tuple(_ATTRIBUTES)),),
    equal={"policy": same_policy, "redrivePolicy": same_json, "redriveAllowPolicy": same_json},
    defaults={
        "contentBasedDeduplication": False,
        "delaySeconds": 0,
        "fifoQueue": False,
        "messageRetentionSeconds": 345_600,
        "receiveWaitTimeSeconds": 0,
        "visibilityTimeoutSeconds": 30,
    },
    outputs={"arn": "QueueArn"},
    present=_told,
    sticky=frozenset(
        {
            "url",
            "deduplicationScope",
            "fifoThroughputLimit",
            "kmsDataKeyReusePeriodSeconds",
            "maxMessageSize",
            "policy",
            "redriveAllowPolicy",
            "redrivePolicy",
            "sqsManagedSseEnabled",
        }
    ),
    name=AutoName(80),
    tags=Tagging(
        at_create="{tags: map}",
        add=Op("TagQueue", {"QueueUrl": "id", "Tags": "map"}),
        remove=Op("UntagQueue", {"QueueUrl": "id", "TagKeys": "keys"}),
        read=Op("ListQueueTags", {"QueueUrl": "id"}),
    ),
    absent=frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}),
)

ROWS = (QUEUE,)
