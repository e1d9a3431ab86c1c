"""Fields that must come back as they were sent: one row a resource, with the page's address.

No Docker: the emulator behind the gateway.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.tests.conformance.table import Row, Table
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, Served, served

API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"


@dataclass
class Network:
    """A VPC with a subnet and a security group."""

    ec2: Any
    vpc: str
    subnet: str
    group: str


TABLE: Table[Network] = Table()
row = TABLE.row


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with served() as cloud:
        yield made(cloud)


def made(cloud: Served) -> Network:
    """Makes the network."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    return Network(ec2, vpc, subnet, group)


@row("an endpoint keeps its policy, groups and private DNS", API + "API_CreateVpcEndpoint.html")
def endpoint(net: Network) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "*"},
        ],
    }
    identifier = net.ec2.create_vpc_endpoint(
        VpcId=net.vpc,
        ServiceName=f"com.amazonaws.{REGION}.ecr.api",
        VpcEndpointType="Interface",
        PolicyDocument=json.dumps(policy),
        SubnetIds=[net.subnet],
        SecurityGroupIds=[net.group],
        PrivateDnsEnabled=True,
    )["VpcEndpoint"]["VpcEndpointId"]
    found = net.ec2.describe_vpc_endpoints(VpcEndpointIds=[identifier])["VpcEndpoints"][0]
    assert json.loads(found["PolicyDocument"]) == policy
    assert [group["GroupId"] for group in found["Groups"]] == [net.group]
    assert found["PrivateDnsEnabled"] is True
    assert found["SubnetIds"] == [net.subnet]


@row("a flow log keeps its group, role, interval and tags", API + "API_CreateFlowLogs.html")
def flow_log(net: Network) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/flow"
    identifier = net.ec2.create_flow_logs(
        ResourceIds=[net.vpc],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogGroupName="/flow",
        DeliverLogsPermissionArn=role,
        MaxAggregationInterval=60,
        TagSpecifications=[
            {"ResourceType": "vpc-flow-log", "Tags": [{"Key": "team", "Value": "a"}]}
        ],
    )["FlowLogIds"][0]
    found = net.ec2.describe_flow_logs(FlowLogIds=[identifier])["FlowLogs"][0]
    assert (found["LogGroupName"], found["DeliverLogsPermissionArn"]) == ("/flow", role)
    assert (found["MaxAggregationInterval"], found["TrafficType"]) == (60, "REJECT")
    assert found["Tags"] == [{"Key": "team", "Value": "a"}]


@row("a NAT gateway holds its address, which is in use", API + "API_CreateNatGateway.html")
def nat_gateway(net: Network) -> None:
    allocation = net.ec2.allocate_address(Domain="vpc")["AllocationId"]
    identifier = net.ec2.create_nat_gateway(SubnetId=net.subnet, AllocationId=allocation)[
        "NatGateway"
    ]["NatGatewayId"]
    found = net.ec2.describe_nat_gateways(NatGatewayIds=[identifier])["NatGateways"][0]
    assert [a["AllocationId"] for a in found["NatGatewayAddresses"]] == [allocation]
    address = net.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
    assert address["AssociationId"]


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_comes_back_as_documented(network: Network, row: Row[Network]) -> None:
    row.play(network)
