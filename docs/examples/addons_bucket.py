"""addons.py: a bucket for the application's files."""

import pulumi
import pulumi_aws as aws

from infra.addons import Addons, Grant
from infra.place import Place


def addons(place: Place) -> Addons:
    bucket = aws.s3.Bucket(
        "uploads",
        bucket=place.bucket_name("uploads"),
        # Without `protect` the bucket goes with the stack, and its files with it.
        force_destroy=not place.protect,
        tags=dict(place.tags),
        opts=pulumi.ResourceOptions(protect=place.protect),
    )
    aws.s3.BucketPublicAccessBlock(
        "uploads-private",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    files = pulumi.Output.concat(bucket.arn, "/*")
    return Addons(
        variables={"UPLOADS_BUCKET": bucket.bucket},
        permissions=[Grant(["s3:GetObject", "s3:PutObject"], [files])],
    )
