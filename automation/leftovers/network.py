"""What of a destroyed stack still exists in its network, its load balancer and its zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from automation.aws.clients import Cloud
from automation.leftovers.search import Finder, Leftover, Search, carries
from infra.names import Names

TAGGED_AT_ONCE = 20
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html"""


@dataclass(frozen=True)
class Ec2Kind:
    """A kind of EC2 resource that carries tags.

    Attributes:
        operation: lists them.
        key: the member of the answer.
        identity: the member of a row that tells which it is.
        resource: the part of an ARN.
        removal: the command, with members of the row in it.
        gone: states of those that are listed for a while after their deletion.
        of_previews: whether previews have some.
    """

    operation: str
    key: str
    identity: str
    resource: str
    removal: str
    gone: frozenset[str] = frozenset()
    of_previews: bool = False


EC2_KINDS = (
    Ec2Kind("describe_vpcs", "Vpcs", "VpcId", "vpc", "delete-vpc --vpc-id {VpcId}"),
    Ec2Kind(
        "describe_subnets", "Subnets", "SubnetId", "subnet", "delete-subnet --subnet-id {SubnetId}"
    ),
    Ec2Kind(
        "describe_security_groups",
        "SecurityGroups",
        "GroupId",
        "security-group",
        "delete-security-group --group-id {GroupId}",
    ),
    # Those of a preview are in its environment's group, which stays.
    Ec2Kind(
        "describe_security_group_rules",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
        "security-group-rule",
        "revoke-security-group-ingress --group-id {GroupId} "
        "--security-group-rule-ids {SecurityGroupRuleId}",
        of_previews=True,
    ),
    Ec2Kind(
        "describe_route_tables",
        "RouteTables",
        "RouteTableId",
        "route-table",
        "delete-route-table --route-table-id {RouteTableId}",
    ),
    Ec2Kind(
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
        "internet-gateway",
        "delete-internet-gateway --internet-gateway-id {InternetGatewayId}",
    ),
    Ec2Kind(
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        "natgateway",
        "delete-nat-gateway --nat-gateway-id {NatGatewayId}",
        frozenset({"deleted", "deleting"}),
    ),
    Ec2Kind(
        "describe_addresses",
        "Addresses",
        "AllocationId",
        "elastic-ip",
        "release-address --allocation-id {AllocationId}",
    ),
    Ec2Kind(
        "describe_vpc_endpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        "vpc-endpoint",
        "delete-vpc-endpoints --vpc-endpoint-ids {VpcEndpointId}",
        frozenset({"deleted", "deleting"}),
    ),
    Ec2Kind(
        "describe_flow_logs",
        "FlowLogs",
        "FlowLogId",
        "vpc-flow-log",
        "delete-flow-logs --flow-log-ids {FlowLogId}",
    ),
)


def _ec2(where: Search) -> Iterator[Leftover]:
    kinds = [kind for kind in EC2_KINDS if kind.of_previews or not where.names.is_preview]
    for kind in kinds:
        # Two operations spell the parameter in another way than all others.
        odd = kind.operation in {"describe_nat_gateways", "describe_flow_logs"}
        arguments = {"Filter" if odd else "Filters": where.filters}
        for row in where.cloud.pages("ec2", kind.operation, kind.key, **arguments):
            if str(row.get("State", "")).lower() in kind.gone or not where.owns(
                row.get("Tags", ())
            ):
                continue
            yield Leftover(
                where.arn("ec2", f"{kind.resource}/{row[kind.identity]}"),
                f"It still exists: aws ec2 {kind.removal.format(**row)}",
            )


def _elbv2(operation: str, key: str, arn_key: str, delete: str) -> Finder:
    def find(where: Search) -> Iterator[Leftover]:
        rows = where.cloud.pages("elbv2", operation, key)
        for arn in _tagged(where.cloud, [row[arn_key] for row in rows], where.names):
            yield Leftover(arn, f"It still exists: aws elbv2 {delete} {arn}")

    return find


def _tagged(cloud: Cloud, arns: list[str], names: Names) -> list[str]:
    """Those of these load balancers, target groups, listeners or rules that a stack's tags mark."""
    found = []
    for start in range(0, len(arns), TAGGED_AT_ONCE):
        some = arns[start : start + TAGGED_AT_ONCE]
        rows = cloud.client("elbv2").describe_tags(ResourceArns=some)["TagDescriptions"]
        found += [row["ResourceArn"] for row in rows if carries(row["Tags"], names)]
    return found


def _ways_to_previews(where: Search) -> Iterator[Leftover]:
    """A preview's listener or rule: it is its environment's load balancer's, which stays."""
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
            yield Leftover(arn, f"It still exists: aws elbv2 delete-listener --listener-arn {arn}")
        for arn in _tagged(cloud, rules, where.names):
            yield Leftover(arn, f"It still exists: aws elbv2 delete-rule --rule-arn {arn}")


def _records(where: Search) -> Iterator[Leftover]:
    """The host name that points at the load balancer; records carry no tags."""
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


_load_balancers = _elbv2(
    "describe_load_balancers",
    "LoadBalancers",
    "LoadBalancerArn",
    "delete-load-balancer --load-balancer-arn",
)
_target_groups = _elbv2(
    "describe_target_groups",
    "TargetGroups",
    "TargetGroupArn",
    "delete-target-group --target-group-arn",
)

FINDERS: tuple[Finder, ...] = (_ec2, _load_balancers, _target_groups, _records)

PREVIEW_FINDERS: tuple[Finder, ...] = (_ec2, _target_groups, _ways_to_previews)
