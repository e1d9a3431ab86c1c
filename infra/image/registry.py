"""The image repository."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

import pulumi
import pulumi_aws as aws

from infra.account import Account
from infra.context import Context
from infra.policies import statements, tasks

KEPT_IMAGES = 200
"""How many images a repository keeps, for cents a month, since their layers are shared."""

LIFECYCLE_POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Untagged images are left-overs of interrupted pushes",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 1,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": f"The newest {KEPT_IMAGES} images stay",
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": KEPT_IMAGES,
            },
            "action": {"type": "expire"},
        },
    ]
}
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html"""


class Registry(pulumi.ComponentResource):
    """An ECR repository: scanned, immutable, cleaned up by itself.

    As a build's cache it is mutable, as its tags move to other images. Only that of releases is
    protected and handed on to other accounts.

    Attributes:
        repository_url: where images are pushed to.
        repository_arn: for policies.
    """

    repository_url: pulumi.Output[str]
    repository_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        key_arn: pulumi.Input[str] | None,
        kind: Literal["releases", "previews", "cache"] = "releases",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Registry", name, None, opts)
        names, settings = context.names, context.settings
        protect = settings.protect and kind == "releases"
        physical = {
            "releases": names.repository,
            "previews": names.preview_repository,
            "cache": names.cache_repository,
        }
        repository = aws.ecr.Repository(
            f"{name}-repository",
            name=physical[kind],
            image_tag_mutability="MUTABLE" if kind == "cache" else "IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(
                scan_on_push=True
            ),
            encryption_configurations=_encryption(key_arn),
            force_delete=not protect,
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                # It can't be changed: another key would replace the repository, with its images.
                ignore_changes=["encryptionConfigurations"],
            ),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            repository=repository.name,
            policy=json.dumps(LIFECYCLE_POLICY),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if settings.pull_accounts and kind == "releases":
            aws.ecr.RepositoryPolicy(
                f"{name}-policy",
                repository=repository.name,
                policy=json.dumps(promotion(context.account, settings.pull_accounts)),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.repository_url = repository.repository_url
        self.repository_arn = repository.arn
        self.register_outputs(
            {"repository_url": self.repository_url, "repository_arn": self.repository_arn}
        )


def promotion(account: Account, accounts: Sequence[str]) -> statements.Document:
    """The repository's policy: other accounts may pull, as far as their own roles allow it.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
    """
    roots = [
        account.arn("iam", "root", region="", account_id=each) for each in sorted(set(accounts))
    ]
    return statements.document(
        {
            "Sid": "Promotion",
            "Effect": "Allow",
            "Principal": {"AWS": roots},
            "Action": list(tasks.PULL_ACTIONS),
        }
    )


def _encryption(
    key_arn: pulumi.Input[str] | None,
) -> list[aws.ecr.RepositoryEncryptionConfigurationArgs] | None:
    """A key of the account's own; without one ECR encrypts with a key of its own."""
    if key_arn is None:
        return None
    return [aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key_arn)]
