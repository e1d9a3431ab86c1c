"""Rows of EC2's security groups and their rules.

EC2 keeps one rule for each source. Pulumi's inline and classic rules name several sources at
once, so all work here is on rules of one source, as `IpPermissions`.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from localcloud.providers.aws.calls import CallError
from localcloud.providers.aws.resource import Resource
from localcloud.providers.aws.spec import AutoName, Op, Spec, Step, Values
from localcloud.providers.aws.specs.ec2 import HELD, arn, tagged
from localcloud.providers.aws.values import has_unknown

_SIDES = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}
_AUTHORIZE = {
    "ingress": "AuthorizeSecurityGroupIngress",
    "egress": "AuthorizeSecurityGroupEgress",
}
_REVOKE = {"ingress": "RevokeSecurityGroupIngress", "egress": "RevokeSecurityGroupEgress"}
# Pulumi's list of sources → the member of a permission, and the member of the source in it.
_SOURCES = {
    "cidrBlocks": ("IpRanges", "CidrIp"),
    "ipv6CidrBlocks": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListIds": ("PrefixListIds", "PrefixListId"),
    "securityGroups": ("UserIdGroupPairs", "GroupId"),
}
_ALL = "-1"
_MISSING = frozenset({"InvalidGroup.NotFound", "InvalidGroupId.Malformed"})


def _base(rule: Values) -> Values:
    protocol = str(rule["protocol"]).lower()
    if protocol in ("all", _ALL):
        return {"IpProtocol": _ALL}
    return {"IpProtocol": protocol, "FromPort": rule["fromPort"], "ToPort": rule["toPort"]}


def _permissions(rules: list[Values], group: str) -> Iterator[Values]:
    """Rules with any number of sources as permissions with one source each."""
    for rule in rules:
        described = {"Description": rule["description"]} if rule.get("description") else {}
        sources = {name: list(rule.get(name) or []) for name in _SOURCES}
        if rule.get("self"):
            sources["securityGroups"].append(group)
        for name, values in sources.items():
            member, source = _SOURCES[name]
            for value in values:
                yield {**_base(rule), member: [{source: value, **described}]}


def _told_permissions(told: list[Values]) -> Iterator[Values]:
    """A description's permissions, one source each, with only the members that a call takes."""
    for permission in told:
        protocol = permission["IpProtocol"]
        ports = ("IpProtocol",) if protocol == _ALL else ("IpProtocol", "FromPort", "ToPort")
        base = {member: permission[member] for member in ports if member in permission}
        for member, source in _SOURCES.values():
            for entry in permission.get(member, []):
                kept = {source: entry[source]}
                if entry.get("Description"):
                    kept["Description"] = entry["Description"]
                yield {**base, member: [kept]}


def _key(permission: Values) -> str:
    return json.dumps(permission, sort_keys=True)


def _keys(permissions: Any) -> set[str]:
    return {_key(permission) for permission in permissions}


def _same_rules(one: Any, other: Any) -> bool:
    if has_unknown(one) or has_unknown(other):
        return False
    return _keys(_permissions(one, "self")) == _keys(_permissions(other, "self"))


def _set_rules(side: str) -> Callable[[Resource, Values], None]:
    """The step that leaves exactly the listed rules on one side of a group."""

    def run(resource: Resource, _old: Values) -> None:
        group = resource.call("DescribeSecurityGroups", GroupIds=[resource.id])["SecurityGroups"][0]
        there = {_key(entry): entry for entry in _told_permissions(group[_SIDES[side]])}
        given = resource.inputs.get(side, [])
        wanted = {_key(entry): entry for entry in _permissions(given, resource.id)}
        stale = [entry for key, entry in there.items() if key not in wanted]
        fresh = [entry for key, entry in wanted.items() if key not in there]
        if stale:
            resource.call(_REVOKE[side], GroupId=resource.id, IpPermissions=stale)
        if fresh:
            resource.call(_AUTHORIZE[side], GroupId=resource.id, IpPermissions=fresh)

    return run


def _create_group(resource: Resource) -> str:
    """Make the group without the rule that lets everything out, which EC2 adds."""
    inputs = resource.inputs
    members = {"GroupName": inputs["name"], "Description": inputs["description"]}
    if "vpcId" in inputs:
        members["VpcId"] = inputs["vpcId"]
    if inputs.get("tagsAll"):
        pairs = [{"Key": key, "Value": value} for key, value in inputs["tagsAll"].items()]
        members["TagSpecifications"] = [{"ResourceType": "security-group", "Tags": pairs}]
    resource.id = resource.call("CreateSecurityGroup", **members)["GroupId"]
    if "egress" not in inputs:
        _set_rules("egress")(resource, {})
    return resource.id


def _inline_rules(resource: Resource, found: Values) -> Values:
    """The rules of the sides that the program lists itself; others may belong to rule resources."""
    rules = {}
    for side, member in _SIDES.items():
        given = resource.inputs.get(side)
        if given is None:
            continue
        told = list(_told_permissions(found[member]))
        same = _keys(told) == _keys(_permissions(given, resource.id))
        rules[side] = given if same else [_rule(entry, resource.id) for entry in told]
    return rules


def _rule(permission: Values, group: str) -> Values:
    rule: Values = {
        "protocol": permission["IpProtocol"],
        "fromPort": permission.get("FromPort", 0),
        "toPort": permission.get("ToPort", 0),
    }
    for name, (member, source) in _SOURCES.items():
        for entry in permission.get(member, []):
            if entry[source] == group:
                rule["self"] = True
            else:
                rule[name] = [entry[source]]
            rule["description"] = entry.get("Description", "")
    return rule


def _delete_group(resource: Resource) -> None:
    if resource.inputs.get("revokeRulesOnDelete"):
        resource.inputs = {**resource.inputs, "ingress": [], "egress": []}
        for side in _SIDES:
            _set_rules(side)(resource, {})
    resource.call("DeleteSecurityGroup", GroupId=resource.id)


SECURITY_GROUP = Spec(
    "aws:ec2/securityGroup:SecurityGroup",
    "ec2",
    create=_create_group,
    read=Op("DescribeSecurityGroups", {"GroupIds": "[id]"}),
    delete=_delete_group,
    found="SecurityGroups[0]",
    inputs=frozenset({"name", "description", "vpcId"}),
    local=frozenset({"revokeRulesOnDelete"}),
    update=tuple(Step(_set_rules(side), properties=(side,)) for side in _SIDES),
    equal=dict.fromkeys(_SIDES, _same_rules),
    defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
    outputs={
        "name": "GroupName",
        "description": "Description",
        "vpcId": "VpcId",
        "ownerId": "OwnerId",
    },
    formats=arn("security-group"),
    present=_inline_rules,
    sticky=frozenset({"vpcId", *_SIDES}),
    name=AutoName(255),
    tags=tagged("security-group"),
    absent=_MISSING,
    retried=HELD,
)

# --- the group that every VPC has -----------------------------------------------------------------


def _adopt_default_group(resource: Resource) -> str:
    filters = [
        {"Name": "vpc-id", "Values": [resource.inputs["vpcId"]]},
        {"Name": "group-name", "Values": ["default"]},
    ]
    groups = resource.call("DescribeSecurityGroups", Filters=filters)["SecurityGroups"]
    if not groups:
        raise ValueError(f"the VPC {resource.inputs['vpcId']} has no default security group")
    resource.id = groups[0]["GroupId"]
    for side in _SIDES:
        _set_rules(side)(resource, {})
    return resource.id


DEFAULT_SECURITY_GROUP = Spec(
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "ec2",
    create=_adopt_default_group,
    read=Op("DescribeSecurityGroups", {"GroupIds": "[id]"}),
    delete=None,
    found="SecurityGroups[0]",
    inputs=frozenset({"vpcId"}),
    local=frozenset({"revokeRulesOnDelete"}),
    update=tuple(Step(_set_rules(side), properties=(side,)) for side in _SIDES),
    equal=dict.fromkeys(_SIDES, _same_rules),
    outputs={
        "name": "GroupName",
        "description": "Description",
        "vpcId": "VpcId",
        "ownerId": "OwnerId",
    },
    formats=arn("security-group"),
    present=_inline_rules,
    sticky=frozenset({"vpcId"}),
    tags=tagged("security-group"),
    absent=_MISSING,
)

# --- classic rules --------------------------------------------------------------------------------

_RULE_INPUTS = (
    "type",
    "fromPort",
    "toPort",
    "protocol",
    "securityGroupId",
    "cidrBlocks",
    "ipv6CidrBlocks",
    "prefixListIds",
    "self",
    "sourceSecurityGroupId",
)


def _classic_permissions(inputs: Values) -> list[Values]:
    rule = dict(inputs)
    if inputs.get("sourceSecurityGroupId"):
        rule["securityGroups"] = [inputs["sourceSecurityGroupId"]]
    return list(_permissions([rule], inputs["securityGroupId"]))


def _create_classic_rule(resource: Resource) -> str:
    permissions = _classic_permissions(resource.inputs)
    if not permissions:
        raise ValueError("a rule needs a source: cidrBlocks, sourceSecurityGroupId, self, ...")
    group = resource.inputs["securityGroupId"]
    operation = _AUTHORIZE[resource.inputs["type"]]
    resource.call(operation, GroupId=group, IpPermissions=permissions)
    digest = hashlib.sha256(f"{group}{resource.inputs['type']}{permissions}".encode()).hexdigest()
    return f"sgrule-{int(digest[:8], 16)}"


def _find_classic_rule(resource: Resource) -> Values | None:
    group = resource.call("DescribeSecurityGroups", GroupIds=[resource.inputs["securityGroupId"]])[
        "SecurityGroups"
    ][0]
    there = _keys(_told_permissions(group[_SIDES[resource.inputs["type"]]]))
    wanted = _keys(_classic_permissions(resource.inputs))
    return {"GroupId": group["GroupId"]} if wanted <= there else None


def _delete_classic_rule(resource: Resource) -> None:
    resource.call(
        _REVOKE[resource.inputs["type"]],
        GroupId=resource.inputs["securityGroupId"],
        IpPermissions=_classic_permissions(resource.inputs),
    )


def _describe_classic_rule(resource: Resource, old: Values) -> None:
    if not old:
        return
    side = resource.inputs["type"].capitalize()
    resource.call(
        f"UpdateSecurityGroupRuleDescriptions{side}",
        GroupId=resource.inputs["securityGroupId"],
        IpPermissions=_classic_permissions(resource.inputs),
    )


SECURITY_GROUP_RULE = Spec(
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    "ec2",
    create=_create_classic_rule,
    read=_find_classic_rule,
    delete=_delete_classic_rule,
    inputs=frozenset(_RULE_INPUTS),
    update=(Step(_describe_classic_rule, properties=("description",)),),
    imports="",
    absent=_MISSING | {"InvalidPermission.NotFound"},
)

# --- rules of one source --------------------------------------------------------------------------

_SINGLE_SOURCES = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}


def _single_permission(inputs: Values) -> Values:
    base = {"IpProtocol": str(inputs["ipProtocol"])}
    for name, member in (("fromPort", "FromPort"), ("toPort", "ToPort")):
        if name in inputs:
            base[member] = inputs[name]
    described = {"Description": inputs["description"]} if inputs.get("description") else {}
    for name, (member, source) in _SINGLE_SOURCES.items():
        if inputs.get(name):
            return {**base, member: [{source: inputs[name], **described}]}
    raise ValueError(f"a rule needs one of {', '.join(_SINGLE_SOURCES)}")


def _create_single(side: str) -> Callable[[Resource], str]:
    def create(resource: Resource) -> str:
        answer = resource.call(
            _AUTHORIZE[side],
            GroupId=resource.inputs["securityGroupId"],
            IpPermissions=[_single_permission(resource.inputs)],
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    return create


def _modify_single(resource: Resource, old: Values) -> None:
    if not old:
        return
    inputs = resource.inputs
    rule = {
        "IpProtocol": str(inputs["ipProtocol"]),
        "FromPort": inputs.get("fromPort", -1),
        "ToPort": inputs.get("toPort", -1),
        "CidrIpv4": inputs.get("cidrIpv4"),
        "CidrIpv6": inputs.get("cidrIpv6"),
        "PrefixListId": inputs.get("prefixListId"),
        "ReferencedGroupId": inputs.get("referencedSecurityGroupId"),
        "Description": inputs.get("description", ""),
    }
    given = {member: value for member, value in rule.items() if value is not None}
    resource.call(
        "ModifySecurityGroupRules",
        GroupId=inputs["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": resource.id, "SecurityGroupRule": given}],
    )


def _revoke_single(side: str) -> Callable[[Resource], None]:
    def delete(resource: Resource) -> None:
        try:
            resource.call(
                _REVOKE[side],
                GroupId=resource.inputs["securityGroupId"],
                SecurityGroupRuleIds=[resource.id],
            )
        except CallError as error:
            if error.code not in _SINGLE_MISSING:
                raise

    return delete


_SINGLE_MISSING = _MISSING | {"InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound"}


def _told_single(_resource: Resource, found: Values) -> Values:
    everything = found["IpProtocol"] == _ALL
    return {
        "fromPort": None if everything else found.get("FromPort"),
        "toPort": None if everything else found.get("ToPort"),
        "referencedSecurityGroupId": found.get("ReferencedGroupInfo", {}).get("GroupId"),
    }


def _single(side: str) -> Spec:
    title = side.capitalize()
    return Spec(
        f"aws:vpc/securityGroup{title}Rule:SecurityGroup{title}Rule",
        "ec2",
        create=_create_single(side),
        read=Op("DescribeSecurityGroupRules", {"SecurityGroupRuleIds": "[id]"}),
        delete=_revoke_single(side),
        found="SecurityGroupRules[0]",
        inputs=frozenset({"securityGroupId"}),
        update=(
            Step(
                _modify_single,
                properties=("ipProtocol", "fromPort", "toPort", "description", *_SINGLE_SOURCES),
            ),
        ),
        outputs={
            "securityGroupRuleId": "SecurityGroupRuleId",
            "securityGroupId": "GroupId",
            "ipProtocol": "IpProtocol",
            "cidrIpv4": "CidrIpv4",
            "cidrIpv6": "CidrIpv6",
            "prefixListId": "PrefixListId",
            "description": "Description",
        },
        formats=arn("security-group-rule"),
        present=_told_single,
        tags=tagged("security-group-rule"),
        absent=_SINGLE_MISSING,
    )


SECURITY_GROUP_INGRESS_RULE = _single("ingress")
SECURITY_GROUP_EGRESS_RULE = _single("egress")

ROWS = (
    SECURITY_GROUP,
    DEFAULT_SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    SECURITY_GROUP_INGRESS_RULE,
    SECURITY_GROUP_EGRESS_RULE,
)
