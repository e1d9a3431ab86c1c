"""Lives of buckets and what is set on them."""

# ruff: noqa: ARG005 -- every life is asked with a world, whether it needs one or not

from __future__ import annotations

from localcloud.tests.unit.providers.aws.cases import (
    RETAGGED,
    TAGGED,
    Case,
    resource_policy,
)

STORAGE = (
    Case(
        "aws:s3/bucket:Bucket",
        lambda world: {"forceDestroy": True, **TAGGED},
        lambda world: {"forceDestroy": True, **RETAGGED},
        outputs=("arn", "bucket", "bucketRegionalDomainName"),
    ),
    Case(
        "aws:s3/bucketVersioning:BucketVersioning",
        lambda world: {
            "bucket": world.bucket,
            "versioningConfiguration": {"status": "Enabled"},
        },
        lambda world: {
            "bucket": world.bucket,
            "versioningConfiguration": {"status": "Suspended"},
        },
    ),
    Case(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda world: {"bucket": world.bucket, "blockPublicAcls": True},
        lambda world: {
            "bucket": world.bucket,
            "blockPublicAcls": True,
            "restrictPublicBuckets": True,
        },
    ),
    Case(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        lambda world: {
            "bucket": world.bucket,
            "rule": {"objectOwnership": "BucketOwnerEnforced"},
        },
        lambda world: {
            "bucket": world.bucket,
            "rule": {"objectOwnership": "BucketOwnerPreferred"},
        },
    ),
    Case(
        "aws:s3/bucketPolicy:BucketPolicy",
        lambda world: {
            "bucket": world.bucket,
            "policy": resource_policy(f"arn:aws:s3:::{world.bucket}/*").replace(
                "sns:Publish", "s3:GetObject"
            ),
        },
        lambda world: {
            "bucket": world.bucket,
            "policy": resource_policy(f"arn:aws:s3:::{world.bucket}/*").replace(
                "sns:Publish", "s3:PutObject"
            ),
        },
    ),
    Case(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        lambda world: {
            "bucket": world.bucket,
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        lambda world: {
            "bucket": world.bucket,
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": world.key(),
                    },
                    "bucketKeyEnabled": True,
                }
            ],
        },
    ),
    Case(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda world: {
            "bucket": world.bucket,
            "rules": [
                {
                    "id": "old",
                    "status": "Enabled",
                    "expiration": {"days": 30},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
                }
            ],
        },
        lambda world: {
            "bucket": world.bucket,
            "rules": [
                {
                    "id": "old",
                    "status": "Enabled",
                    "filter": {"prefix": "source/"},
                    "noncurrentVersionExpiration": {"noncurrentDays": 7},
                }
            ],
        },
    ),
)
