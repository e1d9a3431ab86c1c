"""SimulatePrincipalPolicy and SimulateCustomPolicy, by the evaluator that decides real calls.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.iam.actions import Needed
from localcloud.iam.context import Context, UndecidableKey
from localcloud.iam.directory import Identity, emulated_iam, find_role, find_user
from localcloud.iam.evaluation import Caller, Decision, NamedPolicy, Policies, Request, evaluate
from localcloud.iam.lookups import Lookups
from localcloud.iam.policy import Kind, PolicyError, parse
from localcloud.iam.principals import Principal
from localcloud.shared.service import Call, ServiceError

CALLER_KEYS = frozenset(
    {"aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:userid", "aws:username"}
)


def simulate_principal_policy(call: Call) -> Mapping[str, Any]:
    """What a user or a role may do."""
    arn = call.input["PolicySourceArn"]
    identity = _identity(arn, call.account)
    extra = _parsed(call.input.get("PolicyInputList"), "PolicyInputList")
    boundary = _boundary(call) or identity.boundary
    caller = Caller(arn, call.account, role_arn=arn if ":role/" in arn else None)
    return _simulate(call, caller, identity, [*identity.policies, *extra], boundary)


def simulate_custom_policy(call: Call) -> Mapping[str, Any]:
    """What policies allow, whoever has them."""
    policies = _parsed(call.input["PolicyInputList"], "PolicyInputList")
    caller = Caller(call.input.get("CallerArn") or "", call.account)
    return _simulate(call, caller, None, policies, _boundary(call))


def _identity(arn: str, account: str) -> Identity:
    backend = emulated_iam(account)
    name = arn.rsplit("/", 1)[-1]
    found = find_role(backend, arn) if ":role/" in arn else find_user(backend, name)
    if found is None or found.arn != arn:
        raise ServiceError("NoSuchEntity", f"The entity {arn} cannot be found.", 404)
    return found


def _parsed(texts: Sequence[str] | None, what: str, kind: Kind = "identity") -> list[NamedPolicy]:
    try:
        return [
            NamedPolicy(f"{what}.{number + 1}", parse(text, kind))
            for number, text in enumerate(texts or ())
        ]
    except PolicyError as error:
        raise ServiceError("InvalidInput", str(error)) from error


def _boundary(call: Call) -> NamedPolicy | None:
    member = "PermissionsBoundaryPolicyInputList"
    boundaries = _parsed(call.input.get(member), member)
    return boundaries[0] if boundaries else None


def _simulate(
    call: Call,
    caller: Caller,
    identity: Identity | None,
    policies: Sequence[NamedPolicy],
    boundary: NamedPolicy | None,
) -> Mapping[str, Any]:
    given = call.input.get("ResourcePolicy")
    resource = _parsed([given] if given else [], "ResourcePolicy", "resource")
    applying = Policies(
        identity=policies, boundary=boundary, resource=resource[0] if resource else None
    )
    principal = Principal(caller, identity, tags=identity.tags if identity else {})
    results = [
        _result(call, principal, applying, action, arn)
        for action in call.input["ActionNames"]
        for arn in call.input.get("ResourceArns") or ["*"]
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


def _result(
    call: Call, principal: Principal, policies: Policies, action: str, arn: str
) -> Mapping[str, Any]:
    entries = call.input.get("ContextEntries") or ()
    overrides = {entry["ContextKeyName"].lower(): entry["ContextKeyValues"] for entry in entries}
    context = Context(
        call=Call("iam", "Simulate", {}, call.region, call.account, principal.caller.arn),
        need=Needed(action, arn),
        principal=principal,
        lookups=Lookups(),
        overrides=overrides,
    )
    missing: list[str] = []

    def lookup(key: str) -> Sequence[str] | None:
        if key.lower() not in overrides and not _of_the_caller(key):
            missing.append(key)
            return None
        try:
            return context(key)
        except UndecidableKey:
            missing.append(key)
            return None

    decision = evaluate(Request(principal.caller, action, arn, lookup), policies)
    return {
        "EvalActionName": action,
        "EvalResourceName": arn,
        "EvalDecision": _word(decision),
        "MatchedStatements": _matched(decision),
        "MissingContextValues": sorted(set(missing)),
    }


def _of_the_caller(key: str) -> bool:
    """Whether a key's value follows from the simulated user or role.

    Every other key has a value only where the simulation is given one:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html
    """
    name = key.lower()
    return name in CALLER_KEYS or name.startswith("aws:principaltag/")


def _word(decision: Decision) -> str:
    if decision.allowed:
        return "allowed"
    return "explicitDeny" if decision.explicit else "implicitDeny"


def _matched(decision: Decision) -> list[Mapping[str, Any]]:
    if not decision.statement:
        return []
    return [
        {"SourcePolicyId": decision.statement.rsplit("/", 1)[0], "SourcePolicyType": "IAM Policy"}
    ]
