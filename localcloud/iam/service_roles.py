"""How the local cloud's own services get a role's credentials, as AWS's services do.

`assume_service_role` evaluates the role's trust policy for the service principal, with
`aws:SourceArn` and `aws:SourceAccount`
(https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html), and hands out real
session keys. What is signed with them is evaluated under the role.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from localcloud.iam.directory import BackendLookup, Identity, emulated_iam, find_role, parsed
from localcloud.iam.evaluation import Caller, Decision, Policies, Request, evaluate
from localcloud.iam.sessions import SESSIONS, SessionCredentials, SessionStore, credentials_of
from localcloud.shared.service import ServiceError

log = logging.getLogger(__name__)


def assume_service_role(
    role_arn: str,
    service_principal: str,
    *,
    source_arn: str | None,
    source_account: str | None,
    session_name: str,
    duration_seconds: int = 3600,
    iam: BackendLookup = emulated_iam,
    sessions: SessionStore = SESSIONS,
) -> SessionCredentials:
    """Temporary credentials of a role for a service, if the role trusts it.

    Args:
        role_arn: the role, path included.
        service_principal: such as `ecs-tasks.amazonaws.com`.
        source_arn: `aws:SourceArn`, the resource on whose behalf the service acts, such as the
            cluster's tasks `arn:aws:ecs:REGION:ACCOUNT:*` for ECS; None where the service
            supplies none.
        source_account: `aws:SourceAccount`, the account of that resource.
        session_name: the session's name, such as the task's id.
        duration_seconds: validity.

    Raises:
        ServiceError: `AccessDenied`: no such role, or its trust policy does not allow it; the
            log says which statement came nearest.
    """
    account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""
    role = find_role(iam(account), role_arn) if account else None
    keys = {
        "aws:sourcearn": [source_arn] if source_arn else None,
        "aws:sourceaccount": [source_account] if source_account else None,
        "aws:principalisawsservice": ["true"],
        "aws:principalservicename": [service_principal],
        "sts:rolesessionname": [session_name],
    }
    decision = None if role is None else _trusts(role, service_principal, keys)
    if role is None or decision is None or not decision.allowed:
        _note(role_arn, service_principal, source_arn, decision)
        raise ServiceError(
            "AccessDenied",
            f"{service_principal} is not authorized to perform: sts:AssumeRole "
            f"on resource: {role_arn}",
            403,
        )
    session = sessions.issue(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role.name}/{session_name}",
        duration_seconds=duration_seconds,
        role_arn=role_arn,
        session_name=session_name,
        service=service_principal,
    )
    return credentials_of(session)


def _note(
    role_arn: str, service_principal: str, source_arn: str | None, decision: Decision | None
) -> None:
    if decision is None:
        why = "the role does not exist"
    else:
        why = decision.nearest or f"explicit deny in {decision.statement}"
    text = "denied: %s may not do sts:AssumeRole on %s (aws:SourceArn %s): %s"
    log.warning(text, service_principal, role_arn, source_arn, why)


def _trusts(
    role: Identity, service_principal: str, keys: Mapping[str, Sequence[str] | None]
) -> Decision:
    request = Request(
        caller=Caller(service=service_principal),
        action="sts:AssumeRole",
        resource=role.arn,
        lookup=lambda key: keys.get(key.lower()),
    )
    trust = parsed("trust policy", role.trust, "trust")
    return evaluate(request, Policies(resource=trust, resource_decides=True))
