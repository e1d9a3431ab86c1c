"""A private bucket: encrypted, versioned, TLS only, cleaned up by itself, gone when destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.policies import buckets, statements

ABORT_UPLOADS_AFTER_DAYS = 1


@dataclass(frozen=True)
class BucketArgs:
    """What the bucket is for.

    Attributes:
        physical_name: its name, distinct in the whole partition.
        keep_days: how long objects, and older versions of them, are kept.
        protect: whether a bucket that holds objects is kept from deletion.
        statements: what the bucket's policy allows, beside refusing plain HTTP.
        key_arn: encrypts the objects; None for S3's own key.
    """

    physical_name: str
    keep_days: int
    protect: bool
    statements: Sequence[statements.Statement] = field(default_factory=tuple)
    key_arn: pulumi.Input[str] | None = None


class PrivateBucket(pulumi.ComponentResource):
    """A bucket that only this account's roles, and the services named in its policy, can use.

    Attributes:
        bucket_name: its name; whoever uses it waits for the bucket's policy.
        arn: its ARN.
    """

    bucket_name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        args: BucketArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:PrivateBucket", name, None, opts)
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=args.physical_name,
            force_destroy=not args.protect,
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self._name, self._args, self._bucket = name, args, bucket
        closed = self._closed()
        self._kept()
        policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.id,
            policy=pulumi.Output.json_dumps(
                buckets.bucket(context.account, args.physical_name, args.statements)
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )
        self.bucket_name = policy.bucket
        self.arn = bucket.arn
        self.register_outputs({"bucket_name": self.bucket_name, "arn": self.arn})

    def _closed(self) -> aws.s3.BucketPublicAccessBlock:
        child = pulumi.ResourceOptions(parent=self)
        aws.s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=self._bucket.id,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        key_arn = self._args.key_arn
        encryption = aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                sse_algorithm="AES256" if key_arn is None else "aws:kms",
                kms_master_key_id=key_arn,
            ),
            # One use of the key serves many objects, and S3 asks KMS less often.
            bucket_key_enabled=None if key_arn is None else True,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption", bucket=self._bucket.id, rules=[encryption], opts=child
        )
        return aws.s3.BucketPublicAccessBlock(
            f"{self._name}-private",
            bucket=self._bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )

    def _kept(self) -> None:
        versioning = aws.s3.BucketVersioning(
            f"{self._name}-versioning",
            bucket=self._bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(
                status="Enabled"
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        rule = aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="expire",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(
                days=self._args.keep_days
            ),
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=self._args.keep_days
            ),
            abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=ABORT_UPLOADS_AFTER_DAYS
            ),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=self._bucket.id,
            rules=[rule],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
