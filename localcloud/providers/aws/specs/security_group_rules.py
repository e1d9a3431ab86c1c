"""Rows of single rules of security groups.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

from __future__ import annotations

from collections.abc import Callable

from localcloud.providers.aws.calls import CallError
from localcloud.providers.aws.spec import Op, Resource, Spec, Step, Values
from localcloud.providers.aws.specs.ec2 import arn, tagged
from localcloud.providers.aws.specs.security_groups import (
    ALL,
    AUTHORIZE,
    MISSING,
    REVOKE,
)

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
            AUTHORIZE[side],
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
                REVOKE[side],
                GroupId=resource.inputs["securityGroupId"],
                SecurityGroupRuleIds=[resource.id],
            )
        except CallError as error:
            if error.code not in _SINGLE_MISSING:
                raise

    return delete


_SINGLE_MISSING = MISSING | {"InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound"}


def _other_kind(old: Values, new: Values) -> frozenset[str]:
    """EC2 changes a rule's source, and not the kind of it."""
    kinds = [{name for name in _SINGLE_SOURCES if given.get(name)} for given in (old, new)]
    return frozenset(kinds[0] ^ kinds[1])


def _told_single(_resource: Resource, found: Values) -> Values:
    everything = found["IpProtocol"] == ALL
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
        forcing=_other_kind,
        tags=tagged("security-group-rule"),
        absent=_SINGLE_MISSING,
    )


SECURITY_GROUP_INGRESS_RULE = _single("ingress")


SECURITY_GROUP_EGRESS_RULE = _single("egress")

ROWS = (SECURITY_GROUP_INGRESS_RULE, SECURITY_GROUP_EGRESS_RULE)
