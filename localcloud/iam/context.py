"""The condition keys of a request, worked out only when a policy asks for them.

Global keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
The local cloud talks plain HTTP on loopback; `aws:SecureTransport` is true all the same, so that
a policy which demands TLS behaves as it does for an SDK on AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localcloud.iam.actions import Needed, action_details, placeholder_values, values_at
from localcloud.iam.key_table import ABSENT, EMPTY_WHEN_ABSENT, KEYS, TAG_PREFIXES
from localcloud.iam.lookups import Lookups
from localcloud.iam.principals import Principal
from localcloud.iam.tags import request_tags, resource_tags
from localcloud.shared.service import Call

Values = Sequence[str] | None


class UndecidableKey(Exception):  # noqa: N818 -- a gap of the local cloud, not of the caller
    """A policy asks for a condition key that AWS supplies and the local cloud doesn't."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the local cloud doesn't supply the condition key {key}")
        self.key = key


@dataclass(frozen=True)
class Context:
    """What a condition may ask about one check of a call.

    Attributes:
        call: the call.
        need: the action and resource under check.
        principal: who calls.
        lookups: how to learn more.
        now: the time of the request.
        overrides: keys given outright, by lower-case name; they win.
    """

    call: Call
    need: Needed
    principal: Principal
    lookups: Lookups
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    overrides: Mapping[str, Values] = field(default_factory=dict)

    def __call__(self, key: str) -> Values:
        """The values of a key; None when the request has none.

        Raises:
            UndecidableKey: AWS would know it.
        """
        name = key.lower()
        for given in (self.overrides, self.need.keys, CONSTANT_KEYS):
            if name in given:
                return given[name]
        if name in GLOBAL_KEYS:
            return GLOBAL_KEYS[name](self)
        for prefix, read in PREFIXED_KEYS.items():
            if name.startswith(prefix):
                return read(self, key[len(prefix) :])
        if name.startswith(TAG_PREFIXES):
            return _one(self._resource_tags().get(key.split("/", 1)[1]))
        if name in ABSENT:
            return None
        return self._of_service(name, key)

    def _of_service(self, name: str, key: str) -> Values:
        if not self._documented(name):
            return None
        if name not in KEYS:
            raise UndecidableKey(key)
        values = placeholder_values(KEYS[name], self.call, self.lookups)
        if not values and name in EMPTY_WHEN_ABSENT:
            return [""]
        return values or None

    def _documented(self, name: str) -> bool:
        """Whether the reference lists the key for the action."""
        details = action_details(self.need.action) or {}
        listed = set(details.get("conditionKeys", ()))
        for kind in details.get("resourceTypes", ()):
            listed.update(kind["conditionKeys"])
        families = (known.lower().split("${")[0].split("<")[0] for known in listed)
        return any(
            name == family or (family.endswith(("/", ":")) and name.startswith(family))
            for family in families
        )

    def _resource_tags(self) -> Mapping[str, str]:
        return resource_tags(self.need.resource, self.call, self.lookups)


def _one(value: Any) -> Values:
    return None if value is None else [str(value)]


def _user_name(context: Context) -> Values:
    identity = context.principal.identity
    if identity is None or context.principal.caller.role_arn:
        return None
    return [identity.name]


def _principal_type(context: Context) -> Values:
    principal = context.principal
    if principal.caller.root:
        return ["Account"]
    return ["AssumedRole"] if principal.caller.role_arn else ["User"]


def _issue_time(context: Context) -> Values:
    session = context.principal.session
    return [session.issued_at.isoformat()] if session else None


def _tag_keys(context: Context) -> Values:
    tags = request_tags(context.call)
    keys = [
        str(k) for path in ("tagKeys[]", "TagKeys[]") for k in values_at(context.call.input, path)
    ]
    return [*tags, *keys] or None


def _resource_account(context: Context) -> Values:
    parts = context.need.resource.split(":")
    return [parts[4] if len(parts) > 4 and parts[4] else context.call.account]


def _principal_arn(context: Context) -> Values:
    caller = context.principal.caller
    return _one(caller.role_arn or caller.arn or None)


GLOBAL_KEYS: dict[str, Callable[[Context], Values]] = {
    "aws:currenttime": lambda c: [c.now.isoformat()],
    "aws:epochtime": lambda c: [str(int(c.now.timestamp()))],
    "aws:multifactorauthpresent": lambda c: ["false"] if c.principal.session else None,
    "aws:principalaccount": lambda c: _one(c.principal.caller.account or None),
    "aws:principalarn": _principal_arn,
    "aws:principaltype": _principal_type,
    "aws:requestedregion": lambda c: [c.call.region],
    "aws:resourceaccount": _resource_account,
    "aws:sourceidentity": lambda c: _one(
        c.principal.session and c.principal.session.source_identity
    ),
    "aws:sourceip": lambda c: [c.call.source_ip],
    "aws:tagkeys": _tag_keys,
    "aws:tokenissuetime": _issue_time,
    "aws:userid": lambda c: _one(c.principal.user_id or None),
    "aws:username": _user_name,
    "ec2:region": lambda c: [c.call.region],
    "kms:calleraccount": lambda c: [c.call.account],
    "s3:resourceaccount": _resource_account,
}
"""Keys that need no input of the call, by lower-case name."""


CONSTANT_KEYS: dict[str, Values] = {
    "aws:securetransport": ["true"],
    "aws:viaawsservice": ["false"],
    "s3:authtype": ["REST-HEADER"],
    "s3:signatureversion": ["AWS4-HMAC-SHA256"],
    "s3:tlsversion": ["1.3"],
}
"""Keys whose values are the same for every call to the local cloud, by lower-case name."""


def _request_tag(context: Context, name: str) -> Values:
    return _one(request_tags(context.call).get(name))


def _principal_tag(context: Context, name: str) -> Values:
    return _one(context.principal.tags.get(name))


def _encryption_context(context: Context, name: str) -> Values:
    return _one((context.call.input.get("EncryptionContext") or {}).get(name))


PREFIXED_KEYS: dict[str, Callable[[Context, str], Values]] = {
    "aws:requesttag/": _request_tag,
    "aws:principaltag/": _principal_tag,
    "kms:encryptioncontext:": _encryption_context,
    "s3:requestobjecttag/": _request_tag,
}
"""Families of keys whose names carry a tag's or a member's name."""
