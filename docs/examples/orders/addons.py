"""addons.py of the application: its bucket and its queue."""

import pulumi
import pulumi_aws as aws

from infra.addons import Addons, Grant
from infra.place import Place


def addons(place: Place) -> Addons:
    if place.stack == "api":
        return Addons()
    bucket = aws.s3.Bucket(
        "orders",
        bucket=place.bucket_name("orders"),
        force_destroy=not place.protect,
        tags=dict(place.tags),
        opts=pulumi.ResourceOptions(protect=place.protect),
    )
    queue = aws.sqs.Queue(
        "orders",
        name=place.name("orders"),
        visibility_timeout_seconds=120,
        sqs_managed_sse_enabled=True,
        tags=dict(place.tags),
    )
    return Addons(
        variables={"ORDERS_BUCKET": bucket.bucket, "ORDERS_QUEUE": queue.url},
        permissions=[
            Grant(["s3:ListBucket"], [bucket.arn]),
            Grant(["s3:GetObject", "s3:PutObject"], [pulumi.Output.concat(bucket.arn, "/*")]),
            Grant(["sqs:SendMessage"], [queue.arn]),
        ],
        queues={"worker": queue.arn},
    )
