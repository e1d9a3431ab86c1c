"""The vendor's provider: buckets, what is set on them, and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.tests.unit.providers.aws.cases import World, policy
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

BUCKET, VERSIONING = "aws:s3/bucket:Bucket", "aws:s3/bucketVersioning:BucketVersioning"
PRIVATE = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
KEY, ALIAS = "aws:kms/key:Key", "aws:kms/alias:Alias"

VENDOR: Mapping[str, Vendor] = {
    BUCKET: Vendor(
        "s3/bucket.go",
        reads=frozenset(
            {
                "HeadBucket",
                "GetBucketPolicy",
                "GetBucketAcl",
                "GetBucketCors",
                "GetBucketWebsite",
                "GetBucketVersioning",
                "GetBucketAccelerateConfiguration",
                "GetBucketRequestPayment",
                "GetBucketLogging",
                "GetBucketLifecycleConfiguration",
                "GetBucketReplication",
                "GetBucketEncryption",
                "GetObjectLockConfiguration",
                "GetBucketTagging",
            }
        ),
        kept=frozenset({"objectLockEnabled"}),
        defaults={"forceDestroy": False},
        waits="until the bucket is found, and a deleted one is not",
    ),
    VERSIONING: Vendor(
        "s3/bucket_versioning.go",
        reads=frozenset({"GetBucketVersioning"}),
        waits="until the status is told as it was set",
    ),
    PRIVATE: Vendor(
        "s3/bucket_public_access_block.go",
        reads=frozenset({"GetPublicAccessBlock"}),
        defaults={
            "blockPublicAcls": False,
            "blockPublicPolicy": False,
            "ignorePublicAcls": False,
            "restrictPublicBuckets": False,
        },
        waits="until it is told as it was set, and a deleted one is not found",
    ),
    OWNERSHIP: Vendor(
        "s3/bucket_ownership_controls.go",
        reads=frozenset({"GetBucketOwnershipControls"}),
        waits="until they are found, and deleted ones are not",
    ),
    POLICY: Vendor(
        "s3/bucket_policy.go",
        reads=frozenset({"GetBucketPolicy"}),
        waits="until the policy is found, and a deleted one is not",
    ),
    ENCRYPTION: Vendor(
        "s3/bucket_server_side_encryption_configuration.go",
        reads=frozenset({"GetBucketEncryption"}),
        nested={"rules": {"bucketKeyEnabled": False}},
        waits="until it is found",
    ),
    LIFECYCLE: Vendor(
        "s3/bucket_lifecycle_configuration.go",
        reads=frozenset({"GetBucketLifecycleConfiguration"}),
        kept=frozenset({"transitionDefaultMinimumObjectSize"}),
        waits="until the rules are told ten times as they were set; a deleted one is not found",
    ),
    KEY: Vendor(
        "kms/key.go",
        reads=frozenset(
            {"DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"}
        ),
        kept=frozenset({"description", "multiRegion", "policy", "rotationPeriodInDays"}),
        defaults={
            "bypassPolicyLockoutSafetyCheck": False,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "enableKeyRotation": False,
            "isEnabled": True,
            "keyUsage": "ENCRYPT_DECRYPT",
        },
        waits="until policy, tags, rotation and state are told as they were set; PendingDeletion",
    ),
    ALIAS: Vendor(
        "kms/alias.go",
        reads=frozenset({"ListAliases"}),
        waits="repeats a create while its key is not known yet",
    ),
}


def _s3(operation: str, **members: Any) -> Callable[[World, Held], Any]:
    return lambda world, held: getattr(world.client("s3"), operation)(Bucket=held.id, **members)


def _kms(operation: str, **members: Any) -> Callable[[World, Held], Any]:
    return lambda world, held: getattr(world.client("kms"), operation)(KeyId=held.id, **members)


def _allowed(world: World, held: Held) -> None:
    other = policy(f"arn:aws:s3:::{held.id}/*").replace('"Effect"', '"Principal": "*", "Effect"')
    world.client("s3").put_bucket_policy(Bucket=held.id, Policy=other)


def _encrypted(**rule: Any) -> Callable[[World, Held], Any]:
    whole = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, **rule}
    return _s3("put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [whole]})


def _expired(**rule: Any) -> Callable[[World, Held], Any]:
    whole = {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        **rule,
    }
    return _s3("put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": [whole]})


OPEN = dict.fromkeys(
    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), False
)
KEY_POLICY = policy("*", "kms:*").replace(
    '"Effect"', '"Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Effect"'
)
BY_HAND: Mapping[str, ByHand] = {
    "a bucket that is gone": ByHand(BUCKET, _s3("delete_bucket"), gone=True),
    "versions": ByHand(
        VERSIONING,
        _s3("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}),
        "versioningConfiguration",
    ),
    "what the public may": ByHand(
        PRIVATE,
        _s3("put_public_access_block", PublicAccessBlockConfiguration=OPEN),
        "blockPublicAcls",
    ),
    "a default of what the public may": ByHand(
        PRIVATE,
        _s3(
            "put_public_access_block",
            PublicAccessBlockConfiguration={
                **OPEN,
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
            },
        ),
        "ignorePublicAcls",
    ),
    "an open bucket": ByHand(PRIVATE, _s3("delete_public_access_block"), gone=True),
    "who owns objects": ByHand(
        OWNERSHIP,
        _s3(
            "put_bucket_ownership_controls",
            OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        ),
        "rule",
    ),
    "who may use a bucket": ByHand(POLICY, _allowed, "policy"),
    "a policy that is gone": ByHand(POLICY, _s3("delete_bucket_policy"), gone=True),
    "a bucket's encryption": ByHand(
        ENCRYPTION,
        _encrypted(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms"}),
        "rules",
    ),
    "a default inside a bucket's encryption": ByHand(
        ENCRYPTION, _encrypted(BucketKeyEnabled=True), "rules"
    ),
    "when objects expire": ByHand(LIFECYCLE, _expired(Expiration={"Days": 3}), "rules"),
    "a part of a rule that the program does not give": ByHand(
        LIFECYCLE, _expired(NoncurrentVersionExpiration={"NoncurrentDays": 3}), "rules"
    ),
    "rules of expiry that are gone": ByHand(LIFECYCLE, _s3("delete_bucket_lifecycle"), gone=True),
    "a key's description": ByHand(
        KEY, _kms("update_key_description", Description="by hand"), "description"
    ),
    "a description that the program leaves alone": ByHand(
        KEY, _kms("update_key_description", Description="by hand"), leaves=("description",)
    ),
    "a key's rotation": ByHand(KEY, _kms("disable_key_rotation"), "enableKeyRotation"),
    "a rotation's length that the program leaves alone": ByHand(
        KEY, _kms("enable_key_rotation", RotationPeriodInDays=100)
    ),
    "a key that is disabled": ByHand(KEY, _kms("disable_key"), "isEnabled"),
    "a key's policy that the program leaves alone": ByHand(
        KEY, _kms("put_key_policy", PolicyName="default", Policy=KEY_POLICY)
    ),
    "a key's policy": ByHand(
        KEY,
        _kms("put_key_policy", PolicyName="default", Policy=KEY_POLICY),
        "policy",
        {"policy": KEY_POLICY.replace("kms:*", "kms:Decrypt")},
    ),
    "a key on its way out": ByHand(
        KEY, _kms("schedule_key_deletion", PendingWindowInDays=7), gone=True
    ),
    "an alias's key": ByHand(
        ALIAS,
        lambda world, held: world.client("kms").update_alias(
            AliasName=held.id, TargetKeyId=world.key("other")
        ),
        "targetKeyId",
    ),
    "an alias that is gone": ByHand(
        ALIAS, lambda world, held: world.client("kms").delete_alias(AliasName=held.id), gone=True
    ),
}
