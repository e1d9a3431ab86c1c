"""What AWS's IAM refuses and the emulator accepts, ahead of the emulator.

Errors: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localcloud.iam.directory import emulated_iam
from localcloud.iam.policy import Kind, Policy, PolicyError, parse
from localcloud.shared.service import Call, ServiceError

INLINE_QUOTAS = {"role": 10_240, "user": 2_048, "group": 5_120}
"""Characters of all inline policies together, without white space."""
MANAGED_POLICY_QUOTA = 6_144
TRUST_QUOTA = 2_048
ATTACHED_QUOTA = 10
ACCESS_KEY_QUOTA = 2
SERVICE_PRINCIPAL = re.compile(
    r"^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com|internal)$"
)
ENTITY_ARN = re.compile(r"^arn:aws:iam::(?P<account>\d{12}):(?P<kind>role|user)/(?P<path>.+)$")
ACCOUNT_PRINCIPAL = re.compile(r"^(\d{12}|arn:aws:iam::\d{12}:root)$")


def _refuse(code: str, message: str, status: int) -> ServiceError:
    return ServiceError(code, message, status)


def _limit(message: str) -> ServiceError:
    return _refuse("LimitExceeded", message, 409)


def _missing(message: str) -> ServiceError:
    return _refuse("NoSuchEntity", message, 404)


def _conflict(message: str) -> ServiceError:
    return _refuse("DeleteConflict", message, 409)


def _size(text: str) -> int:
    return len("".join(text.split()))


def _parsed(text: str, kind: Kind = "identity") -> Policy:
    try:
        return parse(text, kind)
    except PolicyError as error:
        raise _refuse("MalformedPolicyDocument", str(error), 400) from error


def _holders(account: str, kind: str) -> Mapping[str, Any]:
    """Roles, users or groups by name."""
    backend = emulated_iam(account)
    if kind == "role":
        return {role.name: role for role in list(backend.roles.values())}
    holders: Mapping[str, Any] = backend.users if kind == "user" else backend.groups
    return holders


def check_trust(call: Call) -> None:
    """A trust policy is well formed, small enough, and names principals that exist."""
    text = call.input.get("AssumeRolePolicyDocument") or call.input.get("PolicyDocument") or ""
    policy = _parsed(text, "trust")
    if _size(text) > TRUST_QUOTA:
        raise _limit(f"Cannot exceed quota for ACLSizePerRole: {TRUST_QUOTA}")
    for statement in policy.statements:
        for kind, name in (*statement.principals, *statement.not_principals):
            if not _principal_exists(kind, name, call.account):
                label = "SERVICE" if kind == "Service" else kind
                raise _refuse(
                    "MalformedPolicyDocument",
                    f'Invalid principal in policy: "{label}":"{name}"',
                    400,
                )


def _principal_exists(kind: str, name: str, account: str) -> bool:
    if kind == "Service":
        return SERVICE_PRINCIPAL.match(name) is not None
    if kind != "AWS" or name == "*" or ACCOUNT_PRINCIPAL.match(name):
        return True
    if name.startswith("arn:aws:sts::"):
        return True
    entity = ENTITY_ARN.match(name)
    if entity is None:
        return False
    if entity["account"] != account:
        return True
    holders = _holders(account, entity["kind"])
    return any(holder.arn == name for holder in holders.values())


def check_boundary(call: Call) -> None:
    """A permissions boundary is a managed policy that exists."""
    arn = call.input.get("PermissionsBoundary")
    if arn and load_managed_policy(arn, call.account) is None:
        raise _missing(f"Scope ARN: {arn} does not exist or is not attachable.")


def check_new_role(call: Call) -> None:
    """A role's name, trust policy and boundary; names differ by more than the case of letters.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    """
    name = call.input["RoleName"]
    roles = list(emulated_iam(call.account).roles.values())
    if any(role.name.lower() == name.lower() for role in roles):
        raise _refuse("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
    check_trust(call)
    check_boundary(call)


def refuse_user_boundary(call: Call) -> None:
    """The emulator drops the boundary of a user; said rather than dropped."""
    if call.operation == "CreateUser" and not call.input.get("PermissionsBoundary"):
        return
    raise _refuse(
        "NotImplemented",
        f"The local cloud keeps permissions boundaries of roles only; {call.operation} changed "
        "nothing. Use a role, or try it on AWS.",
        501,
    )


def _inline_check(kind: str) -> Callable[[Call], None]:
    name_member = f"{kind.capitalize()}Name"
    quota = INLINE_QUOTAS[kind]

    def check(call: Call) -> None:
        _parsed(call.input["PolicyDocument"])
        holder = _holders(call.account, kind).get(call.input[name_member])
        others = dict(holder.policies) if holder else {}
        others[call.input["PolicyName"]] = call.input["PolicyDocument"]
        if sum(_size(text) for text in others.values()) > quota:
            raise _limit(
                f"Maximum policy size of {quota} bytes exceeded for {kind} "
                f"{call.input[name_member]}"
            )

    return check


def check_managed_document(call: Call) -> None:
    """A managed policy is well formed and small enough."""
    text = call.input["PolicyDocument"]
    _parsed(text)
    if _size(text) > MANAGED_POLICY_QUOTA:
        raise _limit(f"Cannot exceed quota for PolicySize: {MANAGED_POLICY_QUOTA}")


def load_managed_policy(arn: str, account: str) -> Any:
    """A managed policy; one of AWS's own is taken from the emulator's catalogue at first use.
    None when there is no such policy."""
    backend = emulated_iam(account)
    if arn not in backend.managed_policies and arn.startswith("arn:aws:iam::aws:policy/"):
        from moto.iam.models import AWSManagedPolicy

        name = arn.rsplit("/", 1)[-1]
        data = _aws_catalogue().get(name)
        if data is not None:
            policy = AWSManagedPolicy.from_data(name, account, "us-east-1", data)
            if policy.arn == arn:
                backend.managed_policies[arn] = policy
    return backend.managed_policies.get(arn)


def _aws_catalogue() -> dict[str, Any]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    catalogue: dict[str, Any] = json.loads(aws_managed_policies_data)
    return catalogue


def _attach_check(kind: str) -> Callable[[Call], None]:
    quota_name = f"PoliciesPer{kind.capitalize()}"

    def check(call: Call) -> None:
        arn = call.input["PolicyArn"]
        if load_managed_policy(arn, call.account) is None:
            raise _missing(f"Policy {arn} does not exist or is not attachable.")
        holder = _holders(call.account, kind).get(call.input[f"{kind.capitalize()}Name"])
        if holder is None or arn in holder.managed_policies:
            return
        if len(holder.managed_policies) >= ATTACHED_QUOTA:
            raise _limit(f"Cannot exceed quota for {quota_name}: {ATTACHED_QUOTA}")

    return check


def load_named_policy(call: Call) -> None:
    """Makes one of AWS's own policies known to the emulator before it is read."""
    load_managed_policy(call.input["PolicyArn"], call.account)


def _uses(account: str, arn: str) -> Iterator[str]:
    for kind in ("role", "user", "group"):
        for holder in list(_holders(account, kind).values()):
            if arn in holder.managed_policies:
                yield "Cannot delete a policy attached to entities."
            if getattr(holder, "permissions_boundary_arn", None) == arn:
                yield "Cannot delete a policy that is used as a permissions boundary."


def check_policy_unused(call: Call) -> None:
    """A managed policy in use, or with further versions, can't be deleted."""
    arn = call.input["PolicyArn"]
    for words in _uses(call.account, arn):
        raise _conflict(words)
    policy = emulated_iam(call.account).managed_policies.get(arn)
    if policy is not None and len(policy.versions) > 1:
        raise _conflict(
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy."
        )


def check_user_empty(call: Call) -> None:
    """A user with keys or in a group can't be deleted."""
    name = call.input["UserName"]
    user = _holders(call.account, "user").get(name)
    if user is None:
        return
    if user.access_keys:
        raise _conflict("Cannot delete entity, must delete access keys first.")
    if user.password:
        raise _conflict("Cannot delete entity, must delete login profile first.")
    groups = _holders(call.account, "group").values()
    if any(member.name == name for group in groups for member in group.users):
        raise _conflict("Cannot delete entity, must remove users from group first.")


def check_group_empty(call: Call) -> None:
    """A group with users or policies can't be deleted."""
    group = _holders(call.account, "group").get(call.input["GroupName"])
    if group is None:
        return
    if group.users:
        raise _conflict("Cannot delete entity, must remove users from group first.")
    if group.managed_policies:
        raise _conflict("Cannot delete entity, must detach all policies first.")
    if group.policies:
        raise _conflict("Cannot delete entity, must delete policies first.")


def check_key_quota(call: Call) -> None:
    """A user has two access keys at most."""
    user = _holders(call.account, "user").get(call.input.get("UserName", ""))
    if user is not None and len(user.access_keys) >= ACCESS_KEY_QUOTA:
        raise _limit(f"Cannot exceed quota for AccessKeysPerUser: {ACCESS_KEY_QUOTA}")


CHECKS: dict[str, Callable[[Call], None]] = {
    "AttachGroupPolicy": _attach_check("group"),
    "AttachRolePolicy": _attach_check("role"),
    "AttachUserPolicy": _attach_check("user"),
    "CreateAccessKey": check_key_quota,
    "CreatePolicy": check_managed_document,
    "CreatePolicyVersion": check_managed_document,
    "CreateRole": check_new_role,
    "CreateUser": refuse_user_boundary,
    "DeleteGroup": check_group_empty,
    "DeletePolicy": check_policy_unused,
    "DeleteUser": check_user_empty,
    "GetPolicy": load_named_policy,
    "GetPolicyVersion": load_named_policy,
    "PutGroupPolicy": _inline_check("group"),
    "PutRolePermissionsBoundary": check_boundary,
    "PutRolePolicy": _inline_check("role"),
    "PutUserPermissionsBoundary": refuse_user_boundary,
    "PutUserPolicy": _inline_check("user"),
    "UpdateAssumeRolePolicy": check_trust,
}
"""Operation → what must hold ahead of the emulator."""
