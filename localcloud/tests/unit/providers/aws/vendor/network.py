"""The vendor's provider: what a network consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
GATEWAY, TABLE = "aws:ec2/internetGateway:InternetGateway", "aws:ec2/routeTable:RouteTable"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

VENDOR: Mapping[str, Vendor] = {
    VPC: Vendor(
        "ec2/vpc_.go",
        reads=frozenset(
            {
                "DescribeVpcs",
                "DescribeVpcAttribute",
                "DescribeNetworkAcls",
                "DescribeRouteTables",
                "DescribeSecurityGroups",
            }
        ),
        kept=frozenset({"cidrBlock", "enableDnsHostnames", "enableNetworkAddressUsageMetrics"}),
        defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
        waits="available; repeats a delete while something is in it",
        least=("cidrBlock",),
    ),
    SUBNET: Vendor(
        "ec2/vpc_subnet.go",
        reads=frozenset({"DescribeSubnets"}),
        kept=frozenset({"availabilityZone", "availabilityZoneId", "cidrBlock", "ipv6CidrBlock"}),
        defaults={
            "assignIpv6AddressOnCreation": False,
            "enableDns64": False,
            "enableResourceNameDnsARecordOnLaunch": False,
            "enableResourceNameDnsAaaaRecordOnLaunch": False,
            "mapPublicIpOnLaunch": False,
        },
        waits="available; repeats a delete while something is in it",
        least=("vpcId", "cidrBlock"),
    ),
    GATEWAY: Vendor(
        "ec2/vpc_internet_gateway.go",
        reads=frozenset({"DescribeInternetGateways"}),
        kept=frozenset({"vpcId"}),
        waits="attached, detached; repeats a delete while addresses use it",
    ),
    TABLE: Vendor(
        "ec2/vpc_route_table.go",
        reads=frozenset({"DescribeRouteTables"}),
        kept=frozenset({"routes"}),
        waits="until each route is found, and a deleted table is not",
    ),
    "aws:ec2/route:Route": Vendor(
        "ec2/vpc_route.go",
        reads=frozenset({"DescribeRouteTables"}),
        kept=frozenset({"networkInterfaceId"}),
        waits="until the route is found, and a deleted one is not",
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Vendor(
        "ec2/vpc_route_table_association.go",
        reads=frozenset({"DescribeRouteTables"}),
        waits="associated; disassociated",
    ),
    "aws:ec2/eip:Eip": Vendor(
        "ec2/ec2_eip.go",
        reads=frozenset({"DescribeAddresses", "DescribeAddressesAttribute"}),
        kept=frozenset({"networkBorderGroup", "publicIpv4Pool"}),
        waits="until the address is found",
    ),
    "aws:ec2/natGateway:NatGateway": Vendor(
        "ec2/vpc_nat_gateway.go",
        reads=frozenset({"DescribeNatGateways"}),
        kept=frozenset({"privateIp", "secondaryPrivateIpAddresses", "vpcId"}),
        defaults={"connectivityType": "public"},
        waits="available; deleted",
    ),
    ENDPOINT: Vendor(
        "ec2/vpc_endpoint.go",
        reads=frozenset(
            {"DescribeVpcEndpoints", "DescribePrefixLists", "DescribeNetworkInterfaces"}
        ),
        kept=frozenset(
            {
                "dnsOptions",
                "ipAddressType",
                "policy",
                "privateDnsEnabled",
                "routeTableIds",
                "securityGroupIds",
                "serviceRegion",
                "subnetConfigurations",
                "subnetIds",
            }
        ),
        defaults={"vpcEndpointType": "Gateway"},
        waits="available, after a create and an update; deleted",
    ),
    "aws:ec2/flowLog:FlowLog": Vendor(
        "ec2/vpc_flow_log.go",
        reads=frozenset({"DescribeFlowLogs"}),
        kept=frozenset({"logDestination", "logFormat"}),
        defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
        nested={
            "destinationOptions": {
                "fileFormat": "plain-text",
                "hiveCompatiblePartitions": False,
                "perHourPartition": False,
            }
        },
        waits="repeats a create while its role can't be assumed",
    ),
    GROUP: Vendor(
        "ec2/vpc_security_group.go",
        reads=frozenset({"DescribeSecurityGroups"}),
        kept=frozenset({"egress", "ingress", "vpcId"}),
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
        waits="until it is found; repeats a delete while it is in use; until it is not found",
        least=("vpcId", "description"),
    ),
    DEFAULT_GROUP: Vendor(
        "ec2/vpc_default_security_group.go",
        reads=frozenset({"DescribeSecurityGroups"}),
        kept=frozenset({"egress", "ingress", "vpcId"}),
        defaults={"revokeRulesOnDelete": False},
    ),
    INGRESS: Vendor(
        "ec2/vpc_security_group_ingress_rule.go",
        reads=frozenset({"DescribeSecurityGroupRules"}),
    ),
    EGRESS: Vendor(
        "ec2/vpc_security_group_egress_rule.go",
        reads=frozenset({"DescribeSecurityGroupRules"}),
    ),
}


def _vpc(member: str, value: bool) -> Callable[[World, Held], Any]:
    return lambda world, held: world.client("ec2").modify_vpc_attribute(
        VpcId=held.id, **{member: {"Value": value}}
    )


def _open(world: World, held: Held) -> None:
    opened = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    world.client("ec2").authorize_security_group_ingress(
        GroupId=held.id, IpPermissions=[{**opened, "IpRanges": [{"CidrIp": "10.9.0.0/16"}]}]
    )


def _rule(**changed: Any) -> Callable[[World, Held], Any]:
    def change(world: World, held: Held) -> None:
        given = {name[0].upper() + name[1:]: value for name, value in held.inputs.items()}
        source = given.pop("ReferencedSecurityGroupId", None)
        members = ("IpProtocol", "FromPort", "ToPort", "CidrIpv4", "Description")
        rule = {name: given[name] for name in members if name in given}
        referenced = {"ReferencedGroupId": source} if source else {}
        world.client("ec2").modify_security_group_rules(
            GroupId=held.inputs["securityGroupId"],
            SecurityGroupRules=[
                {
                    "SecurityGroupRuleId": held.id,
                    "SecurityGroupRule": {**rule, **referenced, **changed},
                }
            ],
        )

    return change


def _routed(world: World, table: str) -> None:
    world.client("ec2").create_route(
        RouteTableId=table, DestinationCidrBlock="172.16.0.0/12", GatewayId=world.gateway
    )


def _detached(world: World, held: Held) -> None:
    world.client("ec2").detach_internet_gateway(InternetGatewayId=held.id, VpcId=world.vpc)


def _endpoint(**changed: Any) -> Callable[[World, Held], Any]:
    return lambda world, held: world.client("ec2").modify_vpc_endpoint(
        VpcEndpointId=held.id, **changed
    )


def _unreached(world: World, held: Held) -> None:
    _endpoint(RemoveRouteTableIds=[world.route_table])(world, held)


ALLOWED = '{"Statement":[{"Effect":"%s","Principal":"*","Action":"*","Resource":"*"}]}'
BY_HAND: Mapping[str, ByHand] = {
    "a VPC's default": ByHand(VPC, _vpc("EnableDnsSupport", False), "enableDnsSupport"),
    "host names that the program leaves alone": ByHand(VPC, _vpc("EnableDnsHostnames", True)),
    "host names": ByHand(
        VPC,
        _vpc("EnableDnsHostnames", False),
        "enableDnsHostnames",
        {"enableDnsHostnames": True},
    ),
    "metrics of addresses": ByHand(
        VPC,
        _vpc("EnableNetworkAddressUsageMetrics", False),
        "enableNetworkAddressUsageMetrics",
        {"enableNetworkAddressUsageMetrics": True},
    ),
    "a subnet's default": ByHand(
        SUBNET,
        lambda world, held: world.client("ec2").modify_subnet_attribute(
            SubnetId=held.id, MapPublicIpOnLaunch={"Value": True}
        ),
        "mapPublicIpOnLaunch",
    ),
    "a gateway's VPC": ByHand(GATEWAY, _detached, "vpcId"),
    "a gateway's VPC that the program leaves alone": ByHand(
        GATEWAY,
        lambda world, held: world.client("ec2").attach_internet_gateway(
            InternetGatewayId=held.id, VpcId=world.vpc
        ),
        leaves=("vpcId",),
    ),
    "a table's routes": ByHand(TABLE, lambda world, held: _routed(world, held.id), "routes"),
    "routes that the program leaves alone": ByHand(
        TABLE, lambda world, held: _routed(world, held.id), leaves=("routes",)
    ),
    "a route that is gone": ByHand(
        "aws:ec2/route:Route",
        lambda world, held: world.client("ec2").delete_route(
            RouteTableId=world.route_table,
            DestinationCidrBlock=held.inputs["destinationCidrBlock"],
        ),
        gone=True,
    ),
    "a subnet's table": ByHand(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        lambda world, held: world.client("ec2").disassociate_route_table(AssociationId=held.id),
        gone=True,
    ),
    "an address that is gone": ByHand(
        "aws:ec2/eip:Eip",
        lambda world, held: world.client("ec2").release_address(AllocationId=held.id),
        gone=True,
    ),
    "a NAT gateway that is gone": ByHand(
        "aws:ec2/natGateway:NatGateway",
        lambda world, held: world.client("ec2").delete_nat_gateway(NatGatewayId=held.id),
        gone=True,
    ),
    "who may use an endpoint": ByHand(
        ENDPOINT,
        _endpoint(PolicyDocument=ALLOWED % "Deny"),
        "policy",
        {"policy": ALLOWED % "Allow"},
    ),
    "who may use it, left alone": ByHand(ENDPOINT, _endpoint(PolicyDocument=ALLOWED % "Deny")),
    "an endpoint's tables": ByHand(ENDPOINT, _unreached, "routeTableIds"),
    "a flow log that is gone": ByHand(
        "aws:ec2/flowLog:FlowLog",
        lambda world, held: world.client("ec2").delete_flow_logs(FlowLogIds=[held.id]),
        gone=True,
    ),
    "rules that belong to rule resources": ByHand(GROUP, _open),
    "rules that the group lists": ByHand(GROUP, _open, "ingress", {"ingress": []}),
    "rules of the default group": ByHand(DEFAULT_GROUP, _open, "ingress"),
    "rules of the default group, left alone": ByHand(DEFAULT_GROUP, _open, leaves=("ingress",)),
    "a rule's port": ByHand(INGRESS, _rule(FromPort=442), "fromPort"),
    "a rule's description": ByHand(INGRESS, _rule(Description="by hand"), "description"),
    "a rule's source": ByHand(INGRESS, _rule(CidrIpv4="10.1.0.0/16"), "cidrIpv4"),
    "a description that the program does not give": ByHand(
        EGRESS, _rule(Description="by hand"), "description"
    ),
}
