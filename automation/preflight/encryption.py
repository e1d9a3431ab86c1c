"""Checks a change of `customer_managed_key` against the images in the repository."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from automation.aws.clients import DENIED, error_code
from automation.diagnosis.diagnosis import Diagnosis
from automation.preflight.plan import Plan


def key_of_images(planned: Plan) -> Iterator[Diagnosis]:
    """Refuse a change that would delete the key of a repository with images.

    ECR chooses a repository's key when the repository is made, and never again
    (https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html), so that the
    program leaves an existing repository as it is. The key of a stack is deleted when the setting
    is taken away; seven days later nobody could read the images, nor the logs, written under it.
    """
    names, settings = planned.session.names, planned.settings
    if names.is_preview:  # its images are its environment's
        return
    try:
        answer = planned.cloud.client("ecr").describe_repositories(
            repositoryNames=[names.repository]
        )
    except ClientError as error:
        if error_code(error) in DENIED:
            planned.session.screen.note(
                f"The key of {names.repository} can't be looked up: you may not describe it"
            )
        elif error_code(error) != "RepositoryNotFoundException":
            raise
        return
    repository = answer["repositories"][0]
    encryption = repository.get("encryptionConfiguration", {})
    under_own_key = encryption.get("encryptionType") == "KMS"
    if under_own_key and not settings.customer_managed_key:
        yield Diagnosis(
            "The stack's images and logs are encrypted with its own key, which would be deleted.",
            [repository["repositoryArn"], encryption.get("kmsKey", "")],
            "fargate-cd:customer_managed_key: true, as it was; or destroy the stack, whose images "
            "and logs go with it, and make it anew without",
            name="key in use",
        )
    elif settings.customer_managed_key and not under_own_key:
        planned.session.screen.note(
            f"The images in {names.repository} stay encrypted with ECR's own key: ECR chooses the "
            "key when a repository is made. Logs, sessions and reports get the stack's key."
        )
