"""Rows of EC2's security groups and their rules.

EC2 keeps one rule for each source. Pulumi's inline and classic rules name several sources at
once, so all work here is on rules of one source, as `IpPermissions`.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values
from localcloud.providers.aws.specs.ec2 import HELD, arn, tagged
from localcloud.providers.aws.values import has_unknown

SIDES = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}
AUTHORIZE = {
    "ingress": "AuthorizeSecurityGroupIngress",
    "egress": "AuthorizeSecurityGroupEgress",
}
REVOKE = {"ingress": "RevokeSecurityGroupIngress", "egress": "RevokeSecurityGroupEgress"}
# Pulumi's list of sources → the member of a permission, and the member of the source in it.
_SOURCES = {
    "cidrBlocks": ("IpRanges", "CidrIp"),
    "ipv6CidrBlocks": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListIds": ("PrefixListIds", "PrefixListId"),
    "securityGroups": ("UserIdGroupPairs", "GroupId"),
}
ALL = "-1"
MISSING = frozenset({"InvalidGroup.NotFound", "InvalidGroupId.Malformed"})


def _base(rule: Values) -> Values:
    protocol = str(rule["protocol"]).lower()
    if protocol in ("all", ALL):
        return {"IpProtocol": ALL}
    return {"IpProtocol": protocol, "FromPort": rule["fromPort"], "ToPort": rule["toPort"]}


def permissions_of(rules: list[Values], group: str) -> Iterator[Values]:
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


def told_permissions(told: list[Values]) -> Iterator[Values]:
    """A description's permissions, one source each, with only the members that a call takes."""
    for permission in told:
        protocol = permission["IpProtocol"]
        ports = ("IpProtocol",) if protocol == ALL else ("IpProtocol", "FromPort", "ToPort")
        base = {member: permission[member] for member in ports if member in permission}
        for member, source in _SOURCES.values():
            for entry in permission.get(member, []):
                kept = {source: entry[source]}
                if entry.get("Description"):
                    kept["Description"] = entry["Description"]
                yield {**base, member: [kept]}


def _key(permission: Values) -> str:
    return json.dumps(permission, sort_keys=True)


def keys(permissions: Any) -> set[str]:
    return {_key(permission) for permission in permissions}


def _same_rules(one: Any, other: Any) -> bool:
    if has_unknown(one) or has_unknown(other):
        return False
    return keys(permissions_of(one, "self")) == keys(permissions_of(other, "self"))


def _set_rules(side: str) -> Callable[[Resource, Values], None]:
    """The step that leaves exactly the listed rules on one side of a group."""

    def run(resource: Resource, _old: Values) -> None:
        group = resource.call("DescribeSecurityGroups", GroupIds=[resource.id])["SecurityGroups"][0]
        there = {_key(entry): entry for entry in told_permissions(group[SIDES[side]])}
        given = resource.inputs.get(side, [])
        wanted = {_key(entry): entry for entry in permissions_of(given, resource.id)}
        stale = [entry for key, entry in there.items() if key not in wanted]
        fresh = [entry for key, entry in wanted.items() if key not in there]
        if stale:
            resource.call(REVOKE[side], GroupId=resource.id, IpPermissions=stale)
        if fresh:
            resource.call(AUTHORIZE[side], GroupId=resource.id, IpPermissions=fresh)

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
    for side, member in SIDES.items():
        given = resource.inputs.get(side)
        if given is None:
            continue
        told = list(told_permissions(found[member]))
        same = keys(told) == keys(permissions_of(given, resource.id))
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
        for side in SIDES:
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
    update=tuple(Step(_set_rules(side), properties=(side,)) for side in SIDES),
    equal=dict.fromkeys(SIDES, _same_rules),
    defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
    outputs={
        "name": "GroupName",
        "description": "Description",
        "vpcId": "VpcId",
        "ownerId": "OwnerId",
    },
    formats=arn("security-group"),
    present=_inline_rules,
    sticky=frozenset({"vpcId", *SIDES}),
    name=AutoName(255),
    tags=tagged("security-group"),
    absent=MISSING,
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
    for side in SIDES:
        _set_rules(side)(resource, {})
    return resource.id


DEFAULT_SECURITY_GROUP = replace(
    SECURITY_GROUP,
    token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",  # noqa: S106 - a type
    create=_adopt_default_group,
    delete=None,
    inputs=frozenset({"vpcId"}),
    defaults={"revokeRulesOnDelete": False},
    name=None,
    retried=frozenset(),
)

ROWS = (
    SECURITY_GROUP,
    DEFAULT_SECURITY_GROUP,
)
