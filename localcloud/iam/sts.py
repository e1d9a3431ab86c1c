"""AWS STS: roles assumed under their trust policies, with session policies, tags and identity.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcloud.iam.directory import Identity, emulated_iam, find_role, managed_policy_text
from localcloud.iam.policy import PolicyError, parse
from localcloud.iam.principals import resolve
from localcloud.iam.sessions import SESSIONS, Session
from localcloud.iam.tags import as_mapping
from localcloud.iam.web_identity import Issuer, trusted_role
from localcloud.shared.service import Call, Service, ServiceError, Surroundings

CHAINED_SECONDS = 3600
"""The longest session of a role that was assumed by a role."""
LONGEST_INLINE_POLICY = 2048
MOST_MANAGED_POLICIES = 10
USER_TOKEN_SECONDS = 43200
ROOT_TOKEN_SECONDS = 3600


class Sts(Service):
    """Roles for users, services and tokens; who calls; sessions are on disk."""

    name = "sts"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        state_dir = Path(surroundings.state_dir)
        SESSIONS.keep_in(state_dir / "sessions.json")
        self._issuer = Issuer(state_dir)
        self.handlers = {
            "AssumeRole": assume_role,
            "AssumeRoleWithWebIdentity": self._assume_role_with_web_identity,
            "GetAccessKeyInfo": get_access_key_info,
            "GetCallerIdentity": get_caller_identity,
            "GetSessionToken": get_session_token,
        }

    def _assume_role_with_web_identity(self, call: Call) -> Mapping[str, Any]:
        """Session keys of a role for the bearer of a token that the role trusts."""
        if "ProviderId" in call.input:
            raise ServiceError("NotImplemented", "The local cloud reads OpenID tokens only.", 501)
        identity = self._issuer.read(call.input["WebIdentityToken"])
        role, provider = trusted_role(call.account, call.input["RoleArn"], identity)
        return {
            **_assumed(call, role),
            "Provider": provider,
            "Audience": identity.audience,
            "SubjectFromWebIdentityToken": identity.subject,
        }


def assume_role(call: Call) -> Mapping[str, Any]:
    """Session keys of a role; the authorizer has evaluated its trust policy already."""
    given = call.input
    role = find_role(emulated_iam(call.account), given["RoleArn"])
    if role is None:
        raise ServiceError(
            "AccessDenied",
            f"User: {call.principal} is not authorized to perform: sts:AssumeRole on resource: "
            f"{given['RoleArn']}",
            403,
        )
    return _assumed(call, role)


def _assumed(call: Call, role: Identity) -> dict[str, Any]:
    given = call.input
    caller = SESSIONS.find(call.access_key_id)
    policies = _session_policies(call)
    session = SESSIONS.issue(
        principal_arn=f"arn:aws:sts::{call.account}:assumed-role/{role.name}/"
        f"{given['RoleSessionName']}",
        duration_seconds=_duration(call, role, caller),
        role_arn=role.arn,
        session_name=given["RoleSessionName"],
        session_policies=policies,
        tags=_tags(given, caller),
        transitive_tag_keys=tuple(given.get("TransitiveTagKeys") or ()),
        source_identity=_source_identity(given, caller),
    )
    answer: dict[str, Any] = {
        "Credentials": _credentials(session),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.unique_id}:{session.session_name}",
            "Arn": session.principal_arn,
        },
        "PackedPolicySize": min(100, sum(map(len, policies)) * 100 // LONGEST_INLINE_POLICY),
    }
    if session.source_identity:
        answer["SourceIdentity"] = session.source_identity
    return answer


def _duration(call: Call, role: Identity, caller: Session | None) -> int:
    seconds = int(call.input.get("DurationSeconds") or 3600)
    if caller is not None and caller.role_arn and seconds > CHAINED_SECONDS:
        raise ServiceError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
            "by role chaining.",
        )
    if seconds > role.max_session_duration:
        raise ServiceError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    return seconds


def _session_policies(call: Call) -> tuple[str, ...]:
    texts = []
    inline = call.input.get("Policy")
    if inline:
        if len(inline) > LONGEST_INLINE_POLICY:
            raise ServiceError(
                "PackedPolicyTooLarge",
                f"The session policy has {len(inline)} characters; the limit is "
                f"{LONGEST_INLINE_POLICY}.",
            )
        _refuse_malformed(inline)
        texts.append(inline)
    arns = call.input.get("PolicyArns") or ()
    if len(arns) > MOST_MANAGED_POLICIES:
        raise ServiceError("ValidationError", "At most 10 managed session policies are allowed.")
    for row in arns:
        text = managed_policy_text(emulated_iam(call.account), row["arn"])
        if text is None:
            raise ServiceError(
                "MalformedPolicyDocument", f"The managed policy {row['arn']} does not exist."
            )
        texts.append(text)
    return tuple(texts)


def _refuse_malformed(text: str) -> None:
    try:
        parse(text)
    except PolicyError as error:
        raise ServiceError("MalformedPolicyDocument", str(error)) from error


def _tags(given: Mapping[str, Any], caller: Session | None) -> dict[str, str]:
    inherited = {}
    if caller is not None:
        inherited = {k: v for k, v in caller.tags.items() if k in caller.transitive_tag_keys}
    passed = as_mapping(given.get("Tags"))
    clash = sorted(set(inherited) & set(passed))
    if clash:
        raise ServiceError(
            "InvalidParameterValue",
            f"One of the specified transitive tag keys can't be set because it conflicts with a "
            f"transitive tag key from the calling session: {', '.join(clash)}",
        )
    return {**inherited, **passed}


def _source_identity(given: Mapping[str, Any], caller: Session | None) -> str | None:
    inherited = caller.source_identity if caller else None
    wanted = given.get("SourceIdentity")
    if inherited and wanted and wanted != inherited:
        raise ServiceError(
            "AccessDenied", f"The source identity {inherited} of the session can't be changed.", 403
        )
    return inherited or wanted


def _credentials(session: Session) -> Mapping[str, Any]:
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": session.expires_at,
    }


def get_caller_identity(call: Call) -> Mapping[str, Any]:
    """Who signed; needs no permission."""
    principal = resolve(call)
    return {"Account": call.account, "Arn": call.principal, "UserId": principal.user_id}


def get_session_token(call: Call) -> Mapping[str, Any]:
    """Temporary keys of the same user."""
    if SESSIONS.find(call.access_key_id) is not None:
        raise ServiceError(
            "AccessDenied", "Cannot call GetSessionToken with session credentials", 403
        )
    longest = ROOT_TOKEN_SECONDS if call.principal.endswith(":root") else USER_TOKEN_SECONDS
    seconds = min(int(call.input.get("DurationSeconds") or longest), longest)
    session = SESSIONS.issue(principal_arn=call.principal, duration_seconds=seconds)
    return {"Credentials": _credentials(session)}


def get_access_key_info(call: Call) -> Mapping[str, Any]:
    """The account of a key; the local cloud has one account."""
    return {"Account": call.account}
