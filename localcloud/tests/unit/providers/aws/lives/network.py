"""Lives of what a network consists of."""

# ruff: noqa: ARG005 -- every life is asked with a world, whether it needs one or not

from __future__ import annotations

from typing import Any

from localcloud.tests.unit.providers.aws.cases import RETAGGED, TAGGED, Case, World

ANYWHERE = "0.0.0.0/0"


def rule(port: int) -> dict[str, Any]:
    return {
        "protocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "cidrBlocks": [ANYWHERE],
        "description": f"port {port}",
    }


def single_rule(world: World) -> dict[str, Any]:
    return {
        "securityGroupId": world.group(),
        "cidrIpv4": "10.0.0.0/8",
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "description": "calls",
        **TAGGED,
    }


NETWORK = (
    Case(
        "aws:ec2/vpc:Vpc",
        lambda world: {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": True, **TAGGED},
        lambda world: {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": False, **RETAGGED},
        outputs=("arn", "ownerId", "defaultSecurityGroupId", "mainRouteTableId", "tagsAll"),
    ),
    Case(
        "aws:ec2/vpc:Vpc",
        lambda world: {"cidrBlock": "10.2.0.0/16"},
        lambda world: {"cidrBlock": "10.3.0.0/16"},
        replaces=True,
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        lambda world: {
            "vpcId": world.vpc,
            "cidrBlock": "10.0.100.0/24",
            "availabilityZone": "us-east-1a",
            "mapPublicIpOnLaunch": True,
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "cidrBlock": "10.0.100.0/24",
            "availabilityZone": "us-east-1a",
            "mapPublicIpOnLaunch": False,
            **RETAGGED,
        },
        outputs=("arn", "availabilityZoneId", "ownerId"),
    ),
    Case(
        "aws:ec2/internetGateway:InternetGateway",
        lambda world: {"vpcId": world.vpc, **TAGGED},
        lambda world: RETAGGED,
        outputs=("arn", "ownerId"),
    ),
    Case(
        "aws:ec2/routeTable:RouteTable",
        lambda world: {
            "vpcId": world.vpc,
            "routes": [{"cidrBlock": ANYWHERE, "gatewayId": world.gateway}],
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "routes": [{"cidrBlock": "192.168.0.0/16", "gatewayId": world.gateway}],
            **TAGGED,
        },
        outputs=("arn", "ownerId"),
    ),
    Case(
        "aws:ec2/route:Route",
        lambda world: {
            "routeTableId": world.route_table,
            "destinationCidrBlock": ANYWHERE,
            "gatewayId": world.gateway,
        },
        lambda world: {
            "routeTableId": world.route_table,
            "destinationCidrBlock": "192.168.0.0/16",
            "gatewayId": world.gateway,
        },
        replaces=True,
        outputs=("state", "origin"),
    ),
    Case(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        lambda world: {"routeTableId": world.route_table, "subnetId": world.subnet(0)},
        lambda world: {"routeTableId": world.route_table, "subnetId": world.subnet(1)},
        replaces=True,
    ),
    Case(
        "aws:ec2/eip:Eip",
        lambda world: {"domain": "vpc", **TAGGED},
        lambda world: {"domain": "vpc", **RETAGGED},
        outputs=("allocationId", "publicIp", "arn"),
    ),
    Case(
        "aws:ec2/natGateway:NatGateway",
        lambda world: {"subnetId": world.subnet(0), "allocationId": world.address, **TAGGED},
        lambda world: {"subnetId": world.subnet(0), "allocationId": world.address, **RETAGGED},
        outputs=("publicIp", "privateIp", "networkInterfaceId"),
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda world: {
            "vpcId": world.vpc,
            "serviceName": "com.amazonaws.us-east-1.s3",
            "routeTableIds": [world.route_table],
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "serviceName": "com.amazonaws.us-east-1.s3",
            "routeTableIds": [],
            **TAGGED,
        },
        outputs=("arn", "state", "prefixListId"),
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda world: {
            "vpcId": world.vpc,
            "serviceName": "com.amazonaws.us-east-1.ecr.api",
            "vpcEndpointType": "Interface",
            "subnetIds": [world.subnet(0), world.subnet(1)],
            "securityGroupIds": [world.group("one")],
            "privateDnsEnabled": True,
        },
        lambda world: {
            "vpcId": world.vpc,
            "serviceName": "com.amazonaws.us-east-1.ecr.api",
            "vpcEndpointType": "Interface",
            "subnetIds": [world.subnet(0), world.subnet(1)],
            "securityGroupIds": [world.group("two")],
            "privateDnsEnabled": True,
        },
    ),
    Case(
        "aws:ec2/flowLog:FlowLog",
        lambda world: {
            "vpcId": world.vpc,
            "trafficType": "ALL",
            "logDestination": world.log_group,
            "iamRoleArn": world.role("vpc-flow-logs.amazonaws.com"),
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "trafficType": "REJECT",
            "logDestination": world.log_group,
            "iamRoleArn": world.role("vpc-flow-logs.amazonaws.com"),
            **TAGGED,
        },
        replaces=True,
        outputs=("arn",),
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda world: {
            "vpcId": world.vpc,
            "description": "web",
            "ingress": [rule(80)],
            "egress": [rule(443)],
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "description": "web",
            "ingress": [rule(80), {**rule(9292), "cidrBlocks": [], "self": True}],
            "egress": [],
            **RETAGGED,
        },
        outputs=("arn", "ownerId", "name"),
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda world: {"vpcId": world.vpc, "description": "web"},
        lambda world: {"vpcId": world.vpc, "description": "other"},
        replaces=True,
    ),
    Case(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        lambda world: {"vpcId": world.vpc, "ingress": [], "egress": [], **TAGGED},
        lambda world: {"vpcId": world.vpc, "ingress": [rule(80)], "egress": [], **RETAGGED},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        single_rule,
        lambda world: {**single_rule(world), "description": "more calls", **RETAGGED},
        outputs=("arn", "securityGroupRuleId"),
    ),
    Case(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        lambda world: {
            "securityGroupId": world.group(),
            "referencedSecurityGroupId": world.group("two"),
            "ipProtocol": "tcp",
            "fromPort": 9292,
            "toPort": 9292,
        },
        lambda world: {
            "securityGroupId": world.group("two"),
            "referencedSecurityGroupId": world.group("two"),
            "ipProtocol": "tcp",
            "fromPort": 9292,
            "toPort": 9292,
        },
        replaces=True,
    ),
)
