"""addons.py of the application: its bucket, its queue and its database."""

import pulumi
import pulumi_aws as aws

from docs.examples.addons_postgresql import addons as postgresql
from infra.addons import Addons, Grant
from infra.place import Place


def addons(place: Place) -> Addons:
    if place.stack == "api":
        return Addons()
    bucket = aws.s3.Bucket(
        "reports",
        bucket=place.bucket_name("reports"),
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
    database = postgresql(place)
    return Addons(
        variables={
            **database.variables,
            "REPORTS_BUCKET": bucket.bucket,
            "ORDERS_QUEUE": queue.url,
        },
        secrets=database.secrets,
        permissions=[
            Grant(["s3:GetObject", "s3:PutObject"], [pulumi.Output.concat(bucket.arn, "/*")]),
            Grant(["sqs:SendMessage"], [queue.arn]),
        ],
        egress=database.egress,
        queues={"worker": queue.arn},
        needs=database.needs,
    )
