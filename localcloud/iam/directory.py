"""The account's users, roles and their policies, as the IAM emulator holds them now.

The emulator runs in this process (https://docs.getmoto.org); its backend is read directly,
because every call through the gateway needs it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.iam.evaluation import NamedPolicy
from localcloud.iam.policy import Kind, Policy, PolicyError, parse

log = logging.getLogger(__name__)

BackendLookup = Callable[[str], Any]
"""Account → the emulator's IAM backend."""


def emulated_iam(account: str) -> Any:
    """The emulator's IAM backend of an account."""
    from moto.backends import get_backend

    return get_backend("iam")[account]["aws"]


@dataclass(frozen=True)
class Identity:
    """A user or a role with what bears on its permissions.

    Attributes:
        arn: with its path.
        name: without its path.
        unique_id: `AIDA…` or `AROA…`.
        tags: principal tags.
        policies: inline, managed and group policies.
        boundary: the permissions boundary.
        trust: the trust policy's text, of a role.
        max_session_duration: seconds, of a role.
    """

    arn: str
    name: str
    unique_id: str
    tags: Mapping[str, str]
    policies: Sequence[NamedPolicy]
    boundary: NamedPolicy | None
    trust: str = ""
    max_session_duration: int = 3600


def parsed(name: str, text: str | bytes, kind: Kind = "identity") -> NamedPolicy:
    """A policy by its text; one that can't be parsed allows nothing and the log says so."""
    text = text.decode() if isinstance(text, bytes) else text
    try:
        return NamedPolicy(name, parse(text, kind))
    except PolicyError as error:
        log.warning("policy %s is malformed and allows nothing: %s", name, error)
        return NamedPolicy(name, Policy("2012-10-17", ()))


def _default_document(policy: Any) -> str:
    for version in policy.versions:
        if version.version_id == policy.default_version_id:
            return str(version.document)
    raise LookupError(f"managed policy {policy.arn} has no default version")


def _managed(backend: Any, arn: str) -> NamedPolicy:
    policy = backend.managed_policies.get(arn)
    if policy is None:
        return NamedPolicy(arn, Policy("2012-10-17", ()))
    return parsed(arn, _default_document(policy))


def managed_policy_text(backend: Any, arn: str) -> str | None:
    """The default version of a managed policy; None when it doesn't exist."""
    policy = backend.managed_policies.get(arn)
    return None if policy is None else _default_document(policy)


def _attached(holder: Any) -> Iterator[NamedPolicy]:
    for name, text in holder.policies.items():
        yield parsed(name, text)
    for managed in holder.managed_policies.values():
        yield parsed(managed.name, _default_document(managed))


def _tags(rows: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    return {row["Key"]: row["Value"] for row in rows or ()}


def find_role(backend: Any, arn: str) -> Identity | None:
    """A role by its ARN, path included."""
    for role in list(backend.roles.values()):
        if role.arn == arn:
            boundary = role.permissions_boundary_arn
            return Identity(
                arn=arn,
                name=role.name,
                unique_id=role.id,
                tags=_tags(role.tags),
                policies=list(_attached(role)),
                boundary=_managed(backend, boundary) if boundary else None,
                trust=role.assume_role_policy_document,
                max_session_duration=int(role.max_session_duration or 3600),
            )
    return None


def find_user(backend: Any, name: str) -> Identity | None:
    """A user by its name, with the policies of its groups."""
    user = backend.users.get(name)
    if user is None:
        return None
    policies = list(_attached(user))
    for group in list(backend.groups.values()):
        if any(member.name == name for member in group.users):
            policies.extend(_attached(group))
    boundary = getattr(user, "permissions_boundary_arn", None)
    return Identity(
        arn=user.arn,
        name=user.name,
        unique_id=user.id,
        tags=_tags(user.tags),
        policies=policies,
        boundary=_managed(backend, boundary) if boundary else None,
    )


def find_user_key(backend: Any, access_key_id: str) -> tuple[Any, Any] | None:
    """The user and the key of a long-term access key id."""
    for user in list(backend.users.values()):
        for key in user.access_keys:
            if key.access_key_id == access_key_id:
                return user, key
    return None
