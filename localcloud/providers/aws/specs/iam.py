"""Rows of IAM: roles and policies.

https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from localcloud.providers.aws.comparing import same_policy
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values
from localcloud.providers.aws.values import pascal

_MISSING = frozenset({"NoSuchEntity"})


def _document(text: Any) -> Any:
    """A policy as IAM tells it: a text in URL encoding, which botocore parses already."""
    return json.dumps(text) if isinstance(text, dict) else unquote(text)


# --- roles ----------------------------------------------------------------------------------------


def _attach_policies(resource: Resource, _old: Values) -> None:
    """Leave exactly the listed managed policies attached."""
    answer = resource.call("ListAttachedRolePolicies", RoleName=resource.id)
    there = {entry["PolicyArn"] for entry in answer["AttachedPolicies"]}
    wanted = set(resource.inputs.get("managedPolicyArns", []))
    for arn in sorted(there - wanted):
        resource.call("DetachRolePolicy", RoleName=resource.id, PolicyArn=arn)
    for arn in sorted(wanted - there):
        resource.call("AttachRolePolicy", RoleName=resource.id, PolicyArn=arn)


def _write_inline(resource: Resource, _old: Values) -> None:
    """Leave exactly the listed policies inside the role."""
    there = set(resource.call("ListRolePolicies", RoleName=resource.id)["PolicyNames"])
    wanted = {
        policy["name"]: policy["policy"] for policy in resource.inputs.get("inlinePolicies", [])
    }
    for name in sorted(there - set(wanted)):
        resource.call("DeleteRolePolicy", RoleName=resource.id, PolicyName=name)
    for name, text in wanted.items():
        resource.call("PutRolePolicy", RoleName=resource.id, PolicyName=name, PolicyDocument=text)


def _set_trust(resource: Resource, _old: Values) -> None:
    document = resource.inputs["assumeRolePolicy"]
    resource.call("UpdateAssumeRolePolicy", RoleName=resource.id, PolicyDocument=document)


def _set_boundary(resource: Resource, old: Values) -> None:
    boundary = resource.inputs.get("permissionsBoundary")
    if boundary:
        resource.call(
            "PutRolePermissionsBoundary", RoleName=resource.id, PermissionsBoundary=boundary
        )
    elif old:
        resource.call("DeleteRolePermissionsBoundary", RoleName=resource.id)


def _delete_role(resource: Resource) -> None:
    """Delete the role, and first what the row itself put into it, or all if it is forced."""
    everything = resource.outputs.get("forceDetachPolicies")
    resource.inputs = {**resource.inputs, "managedPolicyArns": [], "inlinePolicies": []}
    if everything or resource.outputs.get("managedPolicyArns"):
        _attach_policies(resource, {})
    if everything or resource.outputs.get("inlinePolicies"):
        _write_inline(resource, {})
    resource.call("DeleteRole", RoleName=resource.id)


def _told_role(resource: Resource, found: Values) -> Values:
    boundary = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    told: Values = {
        "assumeRolePolicy": _document(found["AssumeRolePolicyDocument"]),
        "permissionsBoundary": boundary,
    }
    if "managedPolicyArns" in resource.inputs:
        answer = resource.call("ListAttachedRolePolicies", RoleName=resource.id)
        told["managedPolicyArns"] = [entry["PolicyArn"] for entry in answer["AttachedPolicies"]]
    return told


ROLE = Spec(
    "aws:iam/role:Role",
    "iam",
    create=Op("CreateRole"),
    read=Op("GetRole", {"RoleName": "id"}),
    delete=_delete_role,
    id="Role.RoleName",
    found="Role",
    names={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
    local=frozenset({"forceDetachPolicies"}),
    update=(
        Step(_set_trust, properties=("assumeRolePolicy",)),
        Step(
            Op("UpdateRole", {"RoleName": "id"}), properties=("description", "maxSessionDuration")
        ),
        Step(_set_boundary, properties=("permissionsBoundary",)),
        Step(_attach_policies, properties=("managedPolicyArns",)),
        Step(_write_inline, properties=("inlinePolicies",)),
    ),
    equal={"assumeRolePolicy": same_policy},
    defaults={"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False},
    outputs={"arn": "Arn", "createDate": "CreateDate", "uniqueId": "RoleId"},
    present=_told_role,
    sticky=frozenset({"managedPolicyArns", "inlinePolicies"}),
    name=AutoName(64),
    tags=Tagging(
        at_create="{Tags: pairs}",
        add=Op("TagRole", {"RoleName": "id", "Tags": "pairs"}),
        remove=Op("UntagRole", {"RoleName": "id", "TagKeys": "keys"}),
    ),
    absent=_MISSING,
    regional=False,
)

# --- policies in a role ---------------------------------------------------------------------------


def _told_document(_resource: Resource, found: Values) -> Values:
    return {"policy": _document(found["PolicyDocument"])}


_ROLE_POLICY = {"RoleName": "inputs.role", "PolicyName": "inputs.name"}

ROLE_POLICY = Spec(
    "aws:iam/rolePolicy:RolePolicy",
    "iam",
    create=Op("PutRolePolicy"),
    read=Op("GetRolePolicy", _ROLE_POLICY),
    delete=Op("DeleteRolePolicy", _ROLE_POLICY),
    id="join(':', [inputs.role, inputs.name])",
    names={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
    replaces=frozenset({"role", "name"}),
    update=(Step(Op("PutRolePolicy", _ROLE_POLICY), properties=("policy",)),),
    equal={"policy": same_policy},
    present=_told_document,
    name=AutoName(128),
    imports=r"(?P<role>[^:]+):(?P<name>.+)",
    absent=_MISSING,
    regional=False,
)


def _find_attachment(resource: Resource) -> Values | None:
    answer = resource.call("ListAttachedRolePolicies", RoleName=resource.inputs["role"])
    for entry in answer["AttachedPolicies"]:
        if entry["PolicyArn"] == resource.inputs["policyArn"]:
            return dict(entry)
    return None


ROLE_POLICY_ATTACHMENT = Spec(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "iam",
    create=Op("AttachRolePolicy"),
    read=_find_attachment,
    delete=Op("DetachRolePolicy", {"RoleName": "inputs.role", "PolicyArn": "inputs.policyArn"}),
    id="join('/', [inputs.role, inputs.policyArn])",
    names={"role": "RoleName"},
    imports=r"(?P<role>[^/]+)/(?P<policyArn>.+)",
    absent=_MISSING,
    regional=False,
)

# --- managed policies -----------------------------------------------------------------------------


def _write_version(resource: Resource, old: Values) -> None:
    """Make a new default version; IAM keeps five at most, so the oldest goes first."""
    if not old:
        return
    versions = resource.call("ListPolicyVersions", PolicyArn=resource.id)["Versions"]
    others = sorted(
        (entry for entry in versions if not entry["IsDefaultVersion"]),
        key=lambda entry: str(entry["CreateDate"]),
    )
    if len(versions) >= 5:
        resource.call(
            "DeletePolicyVersion", PolicyArn=resource.id, VersionId=others[0]["VersionId"]
        )
    resource.call(
        "CreatePolicyVersion",
        PolicyArn=resource.id,
        PolicyDocument=resource.inputs["policy"],
        SetAsDefault=True,
    )


def _delete_policy(resource: Resource) -> None:
    for entry in resource.call("ListPolicyVersions", PolicyArn=resource.id)["Versions"]:
        if not entry["IsDefaultVersion"]:
            resource.call(
                "DeletePolicyVersion", PolicyArn=resource.id, VersionId=entry["VersionId"]
            )
    resource.call("DeletePolicy", PolicyArn=resource.id)


def _told_policy(resource: Resource, found: Values) -> Values:
    version = resource.call(
        "GetPolicyVersion", PolicyArn=resource.id, VersionId=found["DefaultVersionId"]
    )
    return {"policy": _document(version["PolicyVersion"]["Document"])}


POLICY = Spec(
    "aws:iam/policy:Policy",
    "iam",
    create=Op("CreatePolicy"),
    read=Op("GetPolicy", {"PolicyArn": "id"}),
    delete=_delete_policy,
    id="Policy.Arn",
    found="Policy",
    names={"name": "PolicyName", "policy": "PolicyDocument"},
    update=(Step(_write_version, properties=("policy",)),),
    equal={"policy": same_policy},
    defaults={"path": "/"},
    outputs=pascal("arn attachmentCount policyId"),
    present=_told_policy,
    name=AutoName(128),
    tags=Tagging(
        at_create="{Tags: pairs}",
        add=Op("TagPolicy", {"PolicyArn": "id", "Tags": "pairs"}),
        remove=Op("UntagPolicy", {"PolicyArn": "id", "TagKeys": "keys"}),
        read=Op("ListPolicyTags", {"PolicyArn": "id"}),
    ),
    absent=_MISSING,
    regional=False,
)

# --- issuers of OpenID Connect --------------------------------------------------------------------


def _set_clients(resource: Resource, old: Values) -> None:
    """Leave exactly the listed clients; they are there already when the issuer is new."""
    if not old:
        return
    there, wanted = set(old.get("clientIdLists", [])), set(resource.inputs["clientIdLists"])
    arn = resource.id
    for client in sorted(wanted - there):
        resource.call(
            "AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID=client
        )
    for client in sorted(there - wanted):
        resource.call(
            "RemoveClientIDFromOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID=client
        )


def _find_issuer(resource: Resource) -> Values:
    """The answer, with the name that the call was made by, which it does not repeat."""
    answer = resource.call("GetOpenIDConnectProvider", OpenIDConnectProviderArn=resource.id)
    return {**answer, "OpenIDConnectProviderArn": resource.id}


def _told_issuer(_resource: Resource, found: Values) -> Values:
    return {
        "url": "https://" + found["Url"].removeprefix("https://"),
        "clientIdLists": found["ClientIDList"],
        "thumbprintLists": found["ThumbprintList"],
    }


_ISSUER = {"OpenIDConnectProviderArn": "id"}

OPEN_ID_CONNECT_PROVIDER = Spec(
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "iam",
    create=Op("CreateOpenIDConnectProvider"),
    read=_find_issuer,
    delete=Op("DeleteOpenIDConnectProvider", _ISSUER),
    id="OpenIDConnectProviderArn",
    names={"clientIdLists": "ClientIDList", "thumbprintLists": "ThumbprintList"},
    replaces=frozenset({"url"}),
    update=(
        Step(_set_clients, properties=("clientIdLists",)),
        Step(Op("UpdateOpenIDConnectProviderThumbprint", _ISSUER), properties=("thumbprintLists",)),
    ),
    outputs={"arn": "OpenIDConnectProviderArn"},
    present=_told_issuer,
    sticky=frozenset({"thumbprintLists"}),
    tags=Tagging(
        at_create="{Tags: pairs}",
        add=Op("TagOpenIDConnectProvider", {**_ISSUER, "Tags": "pairs"}),
        remove=Op("UntagOpenIDConnectProvider", {**_ISSUER, "TagKeys": "keys"}),
    ),
    absent=_MISSING,
    regional=False,
)

ROWS = (ROLE, ROLE_POLICY, ROLE_POLICY_ATTACHMENT, POLICY, OPEN_ID_CONNECT_PROVIDER)
