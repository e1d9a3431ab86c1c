"""May this principal do this? Pure functions from a request and policies to a decision.

The logic, for one account without organizations:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
An explicit deny anywhere wins. A resource policy that names the user or the session is enough by
itself; one that names the role is limited by boundary and session policies; one that names the
account leaves it to the identity's policies. A role's trust and a key's policy must take part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from localcloud.iam.conditions import holds
from localcloud.iam.matching import Lookup, matches_arn, matches_wildcards, substitute
from localcloud.iam.policy import Policy, Statement


@dataclass(frozen=True)
class Caller:
    """Who asks, by all the names that a policy may use.

    Attributes:
        arn: the user's, session's or root's ARN; empty for an anonymous caller.
        account: the twelve digits; empty for a service or an anonymous caller.
        role_arn: the role of a session.
        service: a service principal such as `ecs-tasks.amazonaws.com`.
        provider: the ARN of the identity provider that answers for the caller's token.
        root: whether it is the account's root user, who needs no identity policy.
    """

    arn: str = ""
    account: str = ""
    role_arn: str | None = None
    service: str | None = None
    provider: str | None = None
    root: bool = False


@dataclass(frozen=True)
class NamedPolicy:
    """A parsed policy and the name by which a log line calls it."""

    name: str
    policy: Policy


@dataclass(frozen=True)
class Policies:
    """The policies that apply to a request.

    Attributes:
        identity: of the user, its groups, or the role.
        boundary: the permissions boundary; None when there is none.
        session: the session policies; None when there are none.
        resource: of the resource; None when it has none.
        resource_decides: whether the resource's policy must allow, as for roles and keys.
    """

    identity: Sequence[NamedPolicy] = ()
    boundary: NamedPolicy | None = None
    session: Sequence[NamedPolicy] | None = None
    resource: NamedPolicy | None = None
    resource_decides: bool = False


@dataclass(frozen=True)
class Request:
    """One action on one resource.

    Attributes:
        caller: who asks.
        action: such as `ecs:UpdateService`.
        resource: an ARN, or `*` where the action has no resource.
        lookup: the values of condition keys.
    """

    caller: Caller
    action: str
    resource: str
    lookup: Lookup = field(repr=False)


class Kind(Enum):
    """The kinds of policy, in the words of AWS's messages."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    RESOURCE = "resource-based policy"


@dataclass(frozen=True)
class Decision:
    """The outcome.

    Attributes:
        allowed: whether the request may go on.
        kind: which kind of policy allowed, denied, or failed to allow.
        explicit: whether a Deny statement decided.
        statement: `policy/statement` that decided, for an Allow or an explicit Deny.
        nearest: for an implicit deny, the Allow statement that came nearest, and why it missed.
    """

    allowed: bool
    kind: Kind
    explicit: bool = False
    statement: str = ""
    nearest: str = ""


class Naming(Enum):
    """How exactly a resource policy names the caller."""

    NO = 0
    ACCOUNT = 1
    ROLE = 2
    CALLER = 3


def evaluate(request: Request, policies: Policies) -> Decision:
    """The decision over a request by all its policies."""
    denied = _explicit_deny(request, policies)
    if denied:
        return denied
    naming, statement = _resource_allows(request, policies.resource)
    if policies.resource_decides and naming is Naming.NO:
        return _refused(request, Kind.RESOURCE, [policies.resource] if policies.resource else [])
    if naming is Naming.CALLER:
        return Decision(True, Kind.RESOURCE, statement=statement)
    if request.caller.root:
        return Decision(True, Kind.IDENTITY, statement="the account's root user")
    if naming is not Naming.ROLE:
        statement = _first_match(request, policies.identity, "Allow")
        if not statement:
            return _refused(request, Kind.IDENTITY, policies.identity)
    limits = ((Kind.BOUNDARY, _list(policies.boundary)), (Kind.SESSION, policies.session))
    for kind, limit in limits:
        if limit is not None and not _first_match(request, limit, "Allow"):
            return _refused(request, kind, limit)
    kind = Kind.RESOURCE if naming is Naming.ROLE else Kind.IDENTITY
    return Decision(True, kind, statement=statement)


def _list(policy: NamedPolicy | None) -> Sequence[NamedPolicy] | None:
    return None if policy is None else (policy,)


def _explicit_deny(request: Request, policies: Policies) -> Decision | None:
    groups: tuple[tuple[Kind, Iterable[NamedPolicy]], ...] = (
        (Kind.IDENTITY, policies.identity),
        (Kind.RESOURCE, _list(policies.resource) or ()),
        (Kind.BOUNDARY, _list(policies.boundary) or ()),
        (Kind.SESSION, policies.session or ()),
    )
    for kind, group in groups:
        statement = _first_match(request, group, "Deny", is_resource=kind is Kind.RESOURCE)
        if statement:
            return Decision(False, kind, explicit=True, statement=statement)
    return None


def _resource_allows(request: Request, resource: NamedPolicy | None) -> tuple[Naming, str]:
    best, found = Naming.NO, ""
    for statement in resource.policy.statements if resource else ():
        if statement.effect == "Allow" and not mismatch(request, statement):
            naming = names_caller(statement, request.caller)
            if naming.value > best.value:
                best, found = naming, f"{resource.name}/{statement.label}" if resource else ""
    return best, found


def _first_match(
    request: Request, policies: Iterable[NamedPolicy], effect: str, *, is_resource: bool = False
) -> str:
    for named in policies:
        for statement in named.policy.statements:
            if statement.effect != effect or mismatch(request, statement):
                continue
            if not is_resource or names_caller(statement, request.caller) is not Naming.NO:
                return f"{named.name}/{statement.label}"
    return ""


def mismatch(request: Request, statement: Statement) -> str:
    """Why a statement doesn't match, as words; empty when it does. Principals aside."""
    if not _action_matches(statement, request.action):
        return "action"
    if not _resource_matches(statement, request.resource, request.lookup):
        return "resource: it names " + ", ".join(statement.resources or statement.not_resources)
    for condition in statement.conditions:
        if not holds(condition, request.lookup, variables=statement.variables):
            return (
                f"condition {condition.operator} {condition.key}: it wants "
                f"{' or '.join(condition.values)}, the request has "
                f"{_said(request.lookup(condition.key))}"
            )
    return ""


def _said(values: Sequence[str] | None) -> str:
    return ", ".join(values) if values else "none"


def _action_matches(statement: Statement, action: str) -> bool:
    if statement.not_actions:
        return not any(
            matches_wildcards(p, action, ignore_case=True) for p in statement.not_actions
        )
    return any(matches_wildcards(p, action, ignore_case=True) for p in statement.actions)


def _resource_matches(statement: Statement, resource: str, lookup: Lookup) -> bool:
    def fits(pattern: str) -> bool:
        replaced = substitute(pattern, lookup) if statement.variables else pattern
        return replaced is not None and matches_arn(replaced, resource)

    if statement.not_resources:
        return not any(fits(pattern) for pattern in statement.not_resources)
    if statement.resources:
        return any(fits(pattern) for pattern in statement.resources)
    return True


def names_caller(statement: Statement, caller: Caller) -> Naming:
    """How a resource policy's statement names the caller, by Principal or NotPrincipal."""
    if statement.not_principals:
        spared = any(_naming(k, n, caller).value for k, n in statement.not_principals)
        return Naming.NO if spared else Naming.CALLER
    namings = [_naming(kind, name, caller) for kind, name in statement.principals]
    return max(namings, key=lambda naming: naming.value, default=Naming.NO)


def _naming(kind: str, name: str, caller: Caller) -> Naming:
    if kind == "Service":
        return Naming.CALLER if caller.service == name else Naming.NO
    if kind == "Federated":
        return Naming.CALLER if caller.provider == name else Naming.NO
    if kind != "AWS":
        return Naming.NO
    if name == "*":
        if caller.service or caller.provider:
            return Naming.NO
        return Naming.CALLER if caller.role_arn is None else Naming.ROLE
    if name == caller.arn and caller.arn:
        # Naming the root user by its ARN names the account.
        return Naming.ACCOUNT if caller.root else Naming.CALLER
    if name == caller.role_arn:
        return Naming.ROLE
    if caller.account and name in (caller.account, f"arn:aws:iam::{caller.account}:root"):
        return Naming.ACCOUNT
    return Naming.NO


def _refused(request: Request, kind: Kind, policies: Iterable[NamedPolicy]) -> Decision:
    return Decision(False, kind, nearest=nearest(request, policies, kind is Kind.RESOURCE))


def nearest(request: Request, policies: Iterable[NamedPolicy], is_resource: bool = False) -> str:
    """The Allow statement of the same action that came nearest, and the reason why it missed."""
    best, words = 0, ""
    for named in policies:
        for statement in named.policy.statements:
            if statement.effect != "Allow":
                continue
            why = mismatch(request, statement)
            if not why and is_resource:
                why = "principal: it names " + ", ".join(n for _, n in statement.principals)
            score = {"action": 0, "resource": 1}.get(why.split(":")[0], 2)
            if score > best:
                best, words = score, f"{named.name}/{statement.label} misses by its {why}"
    return words or "no statement allows the action at all"
