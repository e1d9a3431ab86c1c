"""The policies that resources carry themselves: buckets, keys, topics, queues, secrets,
repositories, and the trust of roles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.iam.directory import find_role, parsed
from localcloud.iam.evaluation import NamedPolicy
from localcloud.iam.lookups import Lookups, find_secret

UNPROTECTED = {"ecr:GetRepositoryPolicy"}
"""Asking for the policy itself by root must not ask for the policy again."""


@dataclass(frozen=True)
class Attached:
    """A resource's policy.

    Attributes:
        policy: None when it has none.
        decides: whether nothing is allowed without its consent.
    """

    policy: NamedPolicy | None = None
    decides: bool = False


Finder = Callable[[str, Lookups], Attached]


def policy_of(action: str, resource: str, lookups: Lookups) -> Attached:
    """The policy of a resource that an action is asked on."""
    finder = FINDERS.get(action.partition(":")[0])
    if finder is None or resource == "*" or action in UNPROTECTED:
        return Attached()
    if finder is _trust and action not in TRUST_ACTIONS:
        return Attached()
    return finder(resource, lookups)


def _attached(name: str, text: Any, *, decides: bool = False) -> Attached:
    return Attached(parsed(name, text, "resource") if text else None, decides)


def _place(arn: str) -> tuple[str, str, str]:
    parts = arn.split(":", 5)
    return parts[3], parts[4], parts[5]


def _bucket(arn: str, lookups: Lookups) -> Attached:
    name = arn.split(":::", 1)[-1].split("/", 1)[0]
    for accounts in list(lookups.every_backend("s3").values()):
        bucket = accounts["aws"].buckets.get(name)
        if bucket is not None:
            return _attached(f"bucket policy of {name}", bucket.policy)
    return Attached()


def _key(arn: str, lookups: Lookups) -> Attached:
    region, account, tail = _place(arn)
    if not tail.startswith("key/"):
        return Attached()
    key = lookups.backend("kms", account, region).keys.get(tail.removeprefix("key/"))
    return (
        Attached()
        if key is None
        else _attached(f"key policy of {key.id}", key.policy, decides=True)
    )


def _topic(arn: str, lookups: Lookups) -> Attached:
    region, account, _ = _place(arn)
    topic = lookups.backend("sns", account, region).topics.get(arn)
    return Attached() if topic is None else _attached(f"topic policy of {topic.name}", topic.policy)


def _queue(arn: str, lookups: Lookups) -> Attached:
    region, account, name = _place(arn)
    queue = lookups.backend("sqs", account, region).queues.get(name)
    return Attached() if queue is None else _attached(f"queue policy of {name}", queue.policy)


def _secret(arn: str, lookups: Lookups) -> Attached:
    region, account, _ = _place(arn)
    secret = find_secret(arn, account, region, lookups)
    policy = getattr(secret, "policy", None)
    return Attached() if secret is None else _attached(f"policy of secret {secret.name}", policy)


def _repository(arn: str, lookups: Lookups) -> Attached:
    _, _, tail = _place(arn)
    name = tail.removeprefix("repository/")
    if name == "*":
        return Attached()
    client = lookups.client("ecr")
    try:
        answer = client.get_repository_policy(repositoryName=name)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in NO_REPOSITORY_POLICY:
            return Attached()
        raise
    return _attached(f"policy of repository {name}", answer["policyText"])


def _trust(arn: str, lookups: Lookups) -> Attached:
    _, account, _ = _place(arn)
    role = find_role(lookups.iam(account), arn)
    if role is None:
        return Attached(decides=True)
    return Attached(parsed("trust policy", role.trust, "trust"), decides=True)


NO_REPOSITORY_POLICY = ("RepositoryPolicyNotFoundException", "RepositoryNotFoundException")
TRUST_ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")

FINDERS: dict[str, Finder] = {
    "ecr": _repository,
    "kms": _key,
    "s3": _bucket,
    "secretsmanager": _secret,
    "sns": _topic,
    "sqs": _queue,
    "sts": _trust,
}
"""Vendor of the action → where the resource's policy is.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html"""
