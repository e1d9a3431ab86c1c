"""Types that only the tagging API finds: whether one still exists, and what deletes it.

The tagging API lists a resource for hours after its deletion, so it only proposes candidates, and
the service that owns the resource is asked
(https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import DENIED, Cloud, error_code

Answer = Mapping[str, Any]

ABSENT = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "DBInstanceNotFound",
        "DBSubnetGroupNotFoundFault",
        "NoSuchBucket",
        "NotFound",
        "NotFoundException",
        "PipelineNotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
        "WAFNonexistentItemException",
    }
)
"""Error codes that say that the resource does not exist."""

KEY_GONE = frozenset({"PendingDeletion", "PendingReplicaDeletion"})
"""A key can't be deleted at once: for seven days or more it is useless, costs nothing, and can
still be saved, see https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"""


@dataclass(frozen=True)
class TaggedType:
    """A type of resource that is found by its tags alone.

    Attributes:
        arn: a pattern of its ARNs.
        removal: the command that deletes it; its values are `arn` and the groups of the pattern.
        service: botocore's name of the service that owns it.
        operation: the method that describes it.
        arguments: of the method, with the same values in them.
        exists: whether an answer tells of it.
    """

    arn: str
    removal: str
    service: str
    operation: str
    arguments: Mapping[str, Any]
    exists: Callable[[Answer], bool] = lambda _answer: True


TYPES: tuple[TaggedType, ...] = (
    TaggedType(
        r"arn:[^:]+:s3:::(?P<name>.+)",
        "aws s3 rb --force s3://{name}",
        "s3",
        "head_bucket",
        {"Bucket": "{name}"},
    ),
    TaggedType(
        r".*:sns:.*",
        "aws sns delete-topic --topic-arn {arn}",
        "sns",
        "get_topic_attributes",
        {"TopicArn": "{arn}"},
    ),
    TaggedType(
        r".*:sqs:[^:]*:[^:]*:(?P<name>.+)",
        "aws sqs delete-queue --queue-url $(aws sqs get-queue-url --queue-name {name} "
        "--output text)",
        "sqs",
        "get_queue_url",
        {"QueueName": "{name}"},
    ),
    TaggedType(
        r".*:dynamodb:.*:table/(?P<name>.+)",
        "aws dynamodb delete-table --table-name {name}",
        "dynamodb",
        "describe_table",
        {"TableName": "{name}"},
    ),
    TaggedType(
        r".*:rds:.*:db:(?P<name>.+)",
        "aws rds delete-db-instance --skip-final-snapshot --db-instance-identifier {name}",
        "rds",
        "describe_db_instances",
        {"DBInstanceIdentifier": "{name}"},
    ),
    TaggedType(
        r".*:rds:.*:subgrp:(?P<name>.+)",
        "aws rds delete-db-subnet-group --db-subnet-group-name {name}",
        "rds",
        "describe_db_subnet_groups",
        {"DBSubnetGroupName": "{name}"},
    ),
    TaggedType(
        r".*:codebuild:.*:project/(?P<name>.+)",
        "aws codebuild delete-project --name {name}",
        "codebuild",
        "batch_get_projects",
        {"names": ["{name}"]},
        lambda answer: bool(answer["projects"]),
    ),
    TaggedType(
        r".*:codepipeline:[^:]*:[^:]*:(?P<name>[^:]+)",
        "aws codepipeline delete-pipeline --name {name}",
        "codepipeline",
        "get_pipeline",
        {"name": "{name}"},
    ),
    TaggedType(
        r".*:events:.*:rule/(?P<name>.+)",
        "aws events delete-rule --force --name {name} (its targets first: remove-targets)",
        "events",
        "describe_rule",
        {"Name": "{name}"},
    ),
    TaggedType(
        r".*:kms:.*:key/(?P<name>.+)",
        "aws kms schedule-key-deletion --pending-window-in-days 7 --key-id {name}",
        "kms",
        "describe_key",
        {"KeyId": "{arn}"},
        lambda answer: answer["KeyMetadata"]["KeyState"] not in KEY_GONE,
    ),
    TaggedType(
        r".*:cloudwatch:.*:alarm:(?P<name>.+)",
        "aws cloudwatch delete-alarms --alarm-names {name}",
        "cloudwatch",
        "describe_alarms",
        {"AlarmNames": ["{name}"]},
        lambda answer: bool(answer["MetricAlarms"]),
    ),
    TaggedType(
        r".*:states:.*:stateMachine:.+",
        "aws stepfunctions delete-state-machine --state-machine-arn {arn}",
        "stepfunctions",
        "describe_state_machine",
        {"stateMachineArn": "{arn}"},
        lambda answer: answer["status"] != "DELETING",
    ),
    TaggedType(
        r".*:scheduler:.*:schedule-group/(?P<name>.+)",
        "aws scheduler delete-schedule-group --name {name}",
        "scheduler",
        "get_schedule_group",
        {"Name": "{name}"},
        lambda answer: answer["State"] != "DELETING",
    ),
    TaggedType(
        r".*:acm:.*",
        "aws acm delete-certificate --certificate-arn {arn}",
        "acm",
        "describe_certificate",
        {"CertificateArn": "{arn}"},
    ),
    TaggedType(
        r".*:wafv2:.*:regional/webacl/(?P<name>[^/]+)/(?P<id>.+)",
        "aws wafv2 delete-web-acl --scope REGIONAL --name {name} --id {id} --lock-token TOKEN "
        "(the token: aws wafv2 get-web-acl)",
        "wafv2",
        "get_web_acl",
        {"Name": "{name}", "Id": "{id}", "Scope": "REGIONAL"},
    ),
)


def still_exists(cloud: Cloud, arn: str) -> bool:
    """Ask the service that owns a resource.

    A resource of a type without a row, or that this user may not look at, is taken to exist.
    """
    for kind in TYPES:
        found = re.fullmatch(kind.arn, arn)
        if found is None:
            continue
        values = {"arn": arn, **found.groupdict()}
        arguments = {key: _filled(value, values) for key, value in kind.arguments.items()}
        try:
            return kind.exists(getattr(cloud.client(kind.service), kind.operation)(**arguments))
        except ClientError as error:
            if error_code(error) not in ABSENT | DENIED:
                raise
            return error_code(error) in DENIED
    return True


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [each.format_map(values) for each in value]
    return value.format_map(values)


def removal(arn: str) -> str:
    """The command that removes a resource that is found by its tags alone."""
    if found := re.fullmatch(r".*:codepipeline:.*:webhook:(?P<name>.+)", arn):
        return f"aws codepipeline delete-webhook --name {found['name']}"
    for kind in TYPES:
        if found := re.fullmatch(kind.arn, arn):
            return kind.removal.format(arn=arn, **found.groupdict())
    service = arn.split(":")[2]
    return f"find its delete command with `aws {service} help`"
