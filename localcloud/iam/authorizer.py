"""The gateway's question, answered: may this call go on?

Every action that a call needs is evaluated on every resource that it touches. The first refusal
is raised in the words of AWS (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)
with the service's own code, and one line of the log says what was missing: principal, action,
resource, and the statement that came nearest.
"""

from __future__ import annotations

import logging
from functools import cache

import botocore.session

from localcloud.iam.actions import Needed, UnknownResource, needed
from localcloud.iam.context import Context, UndecidableKey
from localcloud.iam.dependent_actions import EXEMPT_CALLERS
from localcloud.iam.directory import BackendLookup, emulated_iam
from localcloud.iam.evaluation import Decision, Kind, Policies, Request, evaluate
from localcloud.iam.lookups import Lookups
from localcloud.iam.principals import Principal, resolve
from localcloud.iam.resource_policies import Attached, policy_of
from localcloud.iam.sessions import SESSIONS, SessionStore
from localcloud.shared.service import Call, ServiceError, Surroundings

log = logging.getLogger(__name__)

DENIED_BY_SERVICE = {
    "ec2": ("UnauthorizedOperation", 403),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDeniedException", 403),
}
"""Codes that differ from those of the service's protocol."""

DENIED_BY_PROTOCOL = {
    "query": ("AccessDenied", 403),
    "rest-xml": ("AccessDenied", 403),
    "rest-json": ("AccessDeniedException", 403),
}
"""All other protocols answer `AccessDeniedException` with 400."""


class Authorizer:
    """Evaluates every call.

    Args:
        surroundings: the local cloud around; its client reads tags and repository policies.
        iam_backend_lookup: account → the emulator's IAM backend.
        sessions: the sessions that STS has handed out.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        iam_backend_lookup: BackendLookup = emulated_iam,
        sessions: SessionStore = SESSIONS,
    ) -> None:
        self._lookups = Lookups(client=surroundings.client, iam=iam_backend_lookup)
        self._iam = iam_backend_lookup
        self._sessions = sessions
        self._used: set[tuple[str, str]] = set()

    def authorize(self, call: Call) -> None:
        """Lets an allowed call pass.

        Raises:
            ServiceError: it isn't allowed; in the service's code and AWS's words.
        """
        principal = resolve(call, self._iam, self._sessions)
        try:
            needs = needed(call, self._lookups)
        except UnknownResource as gap:
            if principal.caller.root:
                return
            log.warning("denied: %s, %s: %s", call.principal, call.operation, gap)
            raise _gap(call, str(gap)) from gap
        exempt = principal.session is not None and principal.session.service in EXEMPT_CALLERS
        for need in needs:
            if not (need.dependent and exempt):
                self._check(call, need, principal)

    def require(self, call: Call, action: str, resource: str) -> None:
        """Demand one permission of a caller, where no API operation has that name.

        Raises:
            ServiceError: it isn't allowed.
        """
        principal = resolve(call, self._iam, self._sessions)
        self._check(call, Needed(action, resource), principal)

    def _check(self, call: Call, need: Needed, principal: Principal) -> None:
        if principal.caller.root and need.action == "sts:AssumeRole":
            raise ServiceError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
        try:
            decision = self.decide(call, need, principal)
        except UndecidableKey as gap:
            log.warning("denied: %s, %s: %s", call.principal, need.action, gap)
            raise _gap(call, str(gap)) from gap
        if decision.allowed:
            self._note_use(principal, need.action)
            return
        what = decision.nearest or f"explicit deny in {decision.statement}"
        log.warning(
            "denied: %s may not do %s on %s: %s",
            principal.caller.arn or call.principal,
            need.action,
            need.resource,
            what,
        )
        raise refusal(call, need, principal, decision)

    def _note_use(self, principal: Principal, action: str) -> None:
        """Says once in the log that a role used an action: what its policies must allow."""
        role = principal.caller.arn.partition(":assumed-role/")[2].partition("/")[0]
        if role and (role, action) not in self._used:
            self._used.add((role, action))
            log.info("used: %s %s", role, action)

    def decide(self, call: Call, need: Needed, principal: Principal) -> Decision:
        """The decision over one check, by all policies that apply.

        Raises:
            UndecidableKey: a policy asks for a condition key that the local cloud lacks.
        """
        attached = policy_of(need.action, need.resource, self._lookups)
        context = Context(call, need, principal, self._lookups)
        request = Request(principal.caller, need.action, need.resource, context)
        return evaluate(request, policies_of(principal, attached))


def policies_of(principal: Principal, attached: Attached) -> Policies:
    """Everything that applies to a principal at a resource."""
    identity = principal.identity
    return Policies(
        identity=identity.policies if identity else (),
        boundary=identity.boundary if identity else None,
        session=principal.session_policies,
        resource=attached.policy,
        resource_decides=attached.decides,
    )


@cache
def denied_code(service: str) -> tuple[str, int]:
    """A service's code and HTTP status of a refused call."""
    if service in DENIED_BY_SERVICE:
        return DENIED_BY_SERVICE[service]
    model = botocore.session.get_session().get_service_model(service)
    protocols = model.metadata.get("protocols", [model.metadata["protocol"]])
    for protocol in ("query", "rest-xml", "rest-json"):
        if protocol in protocols:
            return DENIED_BY_PROTOCOL[protocol]
    return ("AccessDeniedException", 400)


def refusal(call: Call, need: Needed, principal: Principal, decision: Decision) -> ServiceError:
    """The refusal in AWS's words."""
    code, status = denied_code(call.service)
    resource = f'"{need.resource}"' if call.service == "s3" else need.resource
    text = (
        f"User: {principal.caller.arn or 'anonymous'} is not authorized to perform: "
        f"{need.action} on resource: {resource}"
    )
    if need.action == "sts:AssumeRole" and decision.kind is Kind.RESOURCE:
        return ServiceError(code, text, status)
    if decision.explicit:
        text += f" with an explicit deny in {_article(decision.kind)}"
    else:
        text += f" because no {decision.kind.value} allows the {need.action} action"
    if call.service == "ec2":
        text = f"You are not authorized to perform this operation. {text}"
    return ServiceError(code, text, status)


def _article(kind: Kind) -> str:
    return f"{'an' if kind is Kind.IDENTITY else 'a'} {kind.value}"


def _gap(call: Call, words: str) -> ServiceError:
    code, status = denied_code(call.service)
    return ServiceError(
        code,
        f"The local cloud can't evaluate {call.service} {call.operation} for {call.principal}: "
        f"{words}. Call it as the account's root, or try it on AWS.",
        status,
    )
