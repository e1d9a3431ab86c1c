"""Who signed: the account's root, an IAM user, or a session, with all policies of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from localcloud.iam.directory import (
    BackendLookup,
    Identity,
    emulated_iam,
    find_role,
    find_user,
    find_user_key,
    parsed,
)
from localcloud.iam.evaluation import Caller, NamedPolicy
from localcloud.iam.sessions import SESSIONS, Session, SessionStore
from localcloud.shared.service import Call


@dataclass(frozen=True)
class Principal:
    """A caller with what bears on its permissions.

    Attributes:
        caller: its names.
        identity: the user or the role; None for root and for a deleted role.
        session: the temporary credentials, if it signed with such.
        session_policies: None when it has none.
        tags: of the identity, with session tags over them.
        user_id: `aws:userid`.
    """

    caller: Caller
    identity: Identity | None = None
    session: Session | None = None
    session_policies: Sequence[NamedPolicy] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    user_id: str = ""


def resolve(
    call: Call, iam: BackendLookup = emulated_iam, sessions: SessionStore = SESSIONS
) -> Principal:
    """The principal behind a call, whose signature the gateway has verified."""
    session = sessions.find(call.access_key_id)
    if session is not None:
        return _of_session(session, call.account, iam)
    if call.principal == f"arn:aws:iam::{call.account}:root":
        return Principal(Caller(call.principal, call.account, root=True), user_id=call.account)
    found = find_user_key(iam(call.account), call.access_key_id)
    user = find_user(iam(call.account), found[0].name) if found else None
    if user is None:
        return Principal(Caller(call.principal, call.account))
    return Principal(Caller(user.arn, call.account), user, tags=user.tags, user_id=user.unique_id)


def _of_session(session: Session, account: str, iam: BackendLookup) -> Principal:
    if session.role_arn is None:
        user = find_user(iam(account), session.principal_arn.rsplit("/", 1)[-1])
        caller = Caller(
            session.principal_arn, account, root=session.principal_arn.endswith(":root")
        )
        return Principal(caller, user, session, tags=user.tags if user else {})
    role = find_role(iam(account), session.role_arn)
    policies = [
        parsed(f"session policy {number + 1}", text)
        for number, text in enumerate(session.session_policies)
    ]
    return Principal(
        Caller(session.principal_arn, account, role_arn=session.role_arn),
        role,
        session,
        policies or None,
        {**(role.tags if role else {}), **session.tags},
        f"{role.unique_id if role else ''}:{session.session_name}",
    )
