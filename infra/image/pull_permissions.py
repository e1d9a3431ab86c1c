"""The ECR repositories that tasks pull from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from infra.account import Account

ECR_HOST = r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\."
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html; the domain follows."""


def other_repository(image: str | None, own: str) -> str:
    """The repository of an image that is deployed by name, with its host.

    Args:
        image: the image; None where the stack's own is built.
        own: the name of the stack's own repository.

    Returns:
        The repository; empty for the stack's own.
    """
    host, name = _parts(image)
    return "" if name in ("", own) else f"{host}/{name}"


def _parts(image: str | None) -> tuple[str, str]:
    """An image's host, and the name of its repository there."""
    host, _, path = (image or "").partition("/")
    plain = path.partition("@")[0]
    return host, plain.rpartition(":")[0] or plain


def further_repository_arns(
    images: Sequence[str], url: str, arn: str, account: Account
) -> list[str]:
    """The repositories of ECR, beside the stack's own, from which sidecars are pulled."""
    found = {each for image in images for each in repository_arns(image, url, arn, account)}
    return sorted(found - {arn})


def repository_arns(image: str | None, url: str, arn: str, account: Account) -> list[str]:
    """The repositories of ECR from which tasks pull.

    Args:
        image: the image that is deployed by name; None where the stack's own is built.
        url: the stack's own repository, as images are named by it.
        arn: its ARN.
        account: the stack's account.

    Returns:
        The stack's own repository, and that of a promoted image, in whichever account it is; an
        image of another registry needs no permission.
    """
    host, name = _parts(image)
    own_host = url.partition("/")[0]
    if host == own_host:
        other = f"{arn.partition(':repository/')[0]}:repository/{name}"
    elif match := re.fullmatch(ECR_HOST + re.escape(account.domain), host):
        region, owner = match["region"], match["account"]
        other = account.arn("ecr", f"repository/{name}", region=region, account_id=owner)
    else:
        return [arn]
    return [arn] if other == arn else [arn, other]
