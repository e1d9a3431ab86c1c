"""addons.py: a queue that the web process fills and a worker empties.

The settings have the worker: `processes: {worker: {command: […], min_count: 0, max_count: 3,
messages_per_task: 10}}`.
"""

import json

import pulumi_aws as aws

from infra.addons import Addons, Grant
from infra.place import Place


def addons(place: Place) -> Addons:
    dead = aws.sqs.Queue(
        "dead-jobs",
        name=place.name("dead-jobs"),
        message_retention_seconds=14 * 24 * 3600,
        sqs_managed_sse_enabled=True,
        tags=dict(place.tags),
    )
    jobs = aws.sqs.Queue(
        "jobs",
        name=place.name("jobs"),
        visibility_timeout_seconds=60,
        sqs_managed_sse_enabled=True,
        redrive_policy=dead.arn.apply(
            lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        ),
        tags=dict(place.tags),
    )
    return Addons(
        variables={"JOBS_QUEUE": jobs.url},
        permissions=[Grant(["sqs:SendMessage"], [jobs.arn])],
        queues={"worker": jobs.arn},
    )
