"""Searches the network, the load balancer and the DNS zone for leftovers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from automation.aws.clients import Cloud
from automation.aws.resource_table import TYPES
from automation.aws.resource_types import described
from automation.leftovers.search import Finder, Leftover, Search, carries
from infra.names import Names

TAGGED_AT_ONCE = 20
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html"""


OF_PREVIEWS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
"""The one part of a network that previews have: rules of their environment's group, which stays."""

LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"


def _ec2(where: Search) -> Iterator[Leftover]:
    for pulumi_type, kind in TYPES.items():
        if not kind.part or (where.names.is_preview and pulumi_type != OF_PREVIEWS):
            continue
        for row in described(where.cloud, replace(kind, arguments={}), {"tags": where.tags}):
            if where.owns(row.get("Tags", ())):
                arn = where.arn("ec2", f"{kind.part}/{kind.identity.format_map(row)}")
                yield where.leftover(pulumi_type, arn, row)


def _elbv2(where: Search, pulumi_type: str) -> Iterator[Leftover]:
    kind = TYPES[pulumi_type]
    rows = described(where.cloud, replace(kind, arguments={}), {})
    for arn in _tagged(where.cloud, [kind.identity.format_map(row) for row in rows], where.names):
        yield where.leftover(pulumi_type, arn)


def _load_balancers(where: Search) -> Iterator[Leftover]:
    return _elbv2(where, LOAD_BALANCER)


def _target_groups(where: Search) -> Iterator[Leftover]:
    return _elbv2(where, TARGET_GROUP)


def _tagged(cloud: Cloud, arns: list[str], names: Names) -> list[str]:
    """Return those of these Elastic Load Balancing resources that carry a stack's tags."""
    found = []
    for start in range(0, len(arns), TAGGED_AT_ONCE):
        some = arns[start : start + TAGGED_AT_ONCE]
        rows = cloud.client("elbv2").describe_tags(ResourceArns=some)["TagDescriptions"]
        found += [row["ResourceArn"] for row in rows if carries(row["Tags"], names)]
    return found


def _ways_to_previews(where: Search) -> Iterator[Leftover]:
    """Find a preview's listener and rule on its environment's load balancer."""
    cloud = where.cloud
    rows = cloud.pages("elbv2", "describe_load_balancers", "LoadBalancers")
    arns = [row["LoadBalancerArn"] for row in rows]
    for balancer in _tagged(cloud, arns, where.names.environment):
        listeners = [
            row["ListenerArn"]
            for row in cloud.pages(
                "elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer
            )
        ]
        rules = [
            row["RuleArn"]
            for listener in listeners
            for row in cloud.pages("elbv2", "describe_rules", "Rules", ListenerArn=listener)
            if not row["IsDefault"]
        ]
        for arn in _tagged(cloud, listeners, where.names):
            yield where.leftover("aws:lb/listener:Listener", arn)
        for arn in _tagged(cloud, rules, where.names):
            yield where.leftover("aws:lb/listenerRule:ListenerRule", arn)


def _records(where: Search) -> Iterator[Leftover]:
    """Find the DNS record that points at the load balancer; records carry no tags."""
    domain, zone = where.settings.domain, where.settings.hosted_zone
    if not (domain and zone):
        return
    zones = where.cloud.client("route53").list_hosted_zones_by_name(DNSName=zone)["HostedZones"]
    for row in zones:
        if row["Name"].rstrip(".") != zone.rstrip(".") or row["Config"].get("PrivateZone"):
            continue
        identity = row["Id"].rpartition("/")[2]
        answer = where.cloud.client("route53").list_resource_record_sets(
            HostedZoneId=identity, StartRecordName=domain, StartRecordType="A", MaxItems="1"
        )
        for record in answer["ResourceRecordSets"]:
            own = record["Name"].rstrip(".") == domain.rstrip(".") and record["Type"] == "A"
            if own and "AliasTarget" in record:
                yield Leftover(
                    f"arn:{where.partition}:route53:::hostedzone/{identity}#{domain}",
                    f"The record {domain} still points at {record['AliasTarget']['DNSName']}: "
                    "delete it with `aws route53 change-resource-record-sets`.",
                )


FINDERS: tuple[Finder, ...] = (_ec2, _load_balancers, _target_groups, _records)

PREVIEW_FINDERS: tuple[Finder, ...] = (_ec2, _target_groups, _ways_to_previews)
