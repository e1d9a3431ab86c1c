"""A digest of the secrets' current versions: a rotated secret restarts the tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pulumi_aws as aws

from infra.policies.tasks import secret_resource

CURRENT = "AWSCURRENT"
_PARAMETER = ":parameter/"


def secret_versions(arns: Sequence[str]) -> str | None:
    """A digest of the versions that a task would read now; the values themselves are not read.

    ECS reads secrets when a task starts, so a running task keeps the old value:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html

    Args:
        arns: of Secrets Manager secrets and of SSM parameters.

    Returns:
        The digest; None where there are no secrets.
    """
    if not arns:
        return None
    versions = sorted({f"{_plain(arn)} {_version(_plain(arn))}" for arn in arns})
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16]


def _plain(arn: str) -> str:
    return arn if _PARAMETER in arn else secret_resource(arn)


def _version(arn: str) -> str:
    region = arn.split(":")[3]
    if _PARAMETER in arn:
        name = "/" + arn.partition(_PARAMETER)[2]
        found = aws.ssm.get_parameter(name=name, region=region, with_decryption=False)
        return str(found.version)
    listed = aws.secretsmanager.get_secret_versions(secret_id=arn, region=region)
    current = [each.version_id for each in listed.versions if CURRENT in each.version_stages]
    return ",".join(sorted(current))
