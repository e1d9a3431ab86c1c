"""Rows of EC2's network: VPC, subnets, gateways, routes, endpoints, flow logs.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from typing import Any

from localcloud.providers.aws.comparing import same_policy
from localcloud.providers.aws.spec import Op, Resource, Spec, Step, Tagging, Values, Wait
from localcloud.providers.aws.values import pascal

# What another deletion, still under way, holds back for a moment.
HELD = frozenset({"DependencyViolation"})


def tagged(resource_type: str) -> Tagging:
    """EC2's way of tagging, the same for all of its resources but for the type's name."""
    return Tagging(
        at_create=f"{{TagSpecifications: [{{ResourceType: '{resource_type}', Tags: pairs}}]}}",
        add=Op("CreateTags", {"Resources": "[id]", "Tags": "pairs"}),
        remove=Op("DeleteTags", {"Resources": "[id]", "Tags": "keys[].{Key: @}"}),
    )


def arn(kind: str) -> dict[str, str]:
    """The ARN, which EC2's descriptions leave out."""
    return {"arn": f"arn:aws:ec2:{{region}}:{{account}}:{kind}/{{id}}"}


def _attributes(operation: str, target: str, names: dict[str, str]) -> tuple[Step, ...]:
    """Steps for attributes that EC2 changes one a call."""

    def step(name: str, member: str) -> Step:
        def run(resource: Resource, old: Values) -> None:
            value = bool(resource.inputs.get(name))
            if name in old or value != bool(resource.outputs.get(name)):
                resource.call(operation, **{target: resource.id, member: {"Value": value}})

        return Step(run, properties=(name,))

    return tuple(step(name, member) for name, member in names.items())


# --- VPC ------------------------------------------------------------------------------------------

_VPC_ATTRIBUTES = {
    "enableDnsSupport": "EnableDnsSupport",
    "enableDnsHostnames": "EnableDnsHostnames",
    "enableNetworkAddressUsageMetrics": "EnableNetworkAddressUsageMetrics",
}


def _vpc_companions(resource: Resource, _found: Values) -> Values:
    """The VPC's attributes and what EC2 makes together with it."""
    of_vpc = [{"Name": "vpc-id", "Values": [resource.id]}]
    live: Values = {}
    for name, member in _VPC_ATTRIBUTES.items():
        told = resource.call("DescribeVpcAttribute", VpcId=resource.id, Attribute=name)
        live[name] = told[member]["Value"]
    named_default = [*of_vpc, {"Name": "group-name", "Values": ["default"]}]
    for group in resource.call("DescribeSecurityGroups", Filters=named_default)["SecurityGroups"]:
        live["defaultSecurityGroupId"] = group["GroupId"]
    main = [*of_vpc, {"Name": "association.main", "Values": ["true"]}]
    for table in resource.call("DescribeRouteTables", Filters=main)["RouteTables"]:
        live["mainRouteTableId"] = live["defaultRouteTableId"] = table["RouteTableId"]
    default_acl = [*of_vpc, {"Name": "default", "Values": ["true"]}]
    for acl in resource.call("DescribeNetworkAcls", Filters=default_acl)["NetworkAcls"]:
        live["defaultNetworkAclId"] = acl["NetworkAclId"]
    return live


VPC = Spec(
    "aws:ec2/vpc:Vpc",
    "ec2",
    create=Op("CreateVpc"),
    read=Op("DescribeVpcs", {"VpcIds": "[id]"}),
    delete=Op("DeleteVpc", {"VpcId": "id"}),
    id="Vpc.VpcId",
    found="Vpcs[0]",
    names={"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock"},
    update=_attributes("ModifyVpcAttribute", "VpcId", _VPC_ATTRIBUTES),
    defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
    outputs=pascal("dhcpOptionsId ownerId"),
    formats=arn("vpc"),
    present=_vpc_companions,
    sticky=frozenset(
        {
            "cidrBlock",
            "enableDnsHostnames",
            "enableNetworkAddressUsageMetrics",
            "mainRouteTableId",
            "defaultRouteTableId",
            "defaultSecurityGroupId",
            "defaultNetworkAclId",
        }
    ),
    tags=tagged("vpc"),
    ready=Wait("State", frozenset({"available"})),
    absent=frozenset({"InvalidVpcID.NotFound"}),
    retried=HELD,
)

# --- subnets --------------------------------------------------------------------------------------

_SUBNET_ATTRIBUTES = {
    "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
    "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
    "enableDns64": "EnableDns64",
    "enableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecordOnLaunch",
    "enableResourceNameDnsAaaaRecordOnLaunch": "EnableResourceNameDnsAAAARecordOnLaunch",
}


def _subnet_attributes(_resource: Resource, found: Values) -> Values:
    options = found.get("PrivateDnsNameOptionsOnLaunch", {})
    return {
        "mapPublicIpOnLaunch": found.get("MapPublicIpOnLaunch"),
        "assignIpv6AddressOnCreation": found.get("AssignIpv6AddressOnCreation"),
        "enableDns64": found.get("EnableDns64"),
        "enableResourceNameDnsARecordOnLaunch": options.get("EnableResourceNameDnsARecord"),
        "enableResourceNameDnsAaaaRecordOnLaunch": options.get("EnableResourceNameDnsAAAARecord"),
    }


SUBNET = Spec(
    "aws:ec2/subnet:Subnet",
    "ec2",
    create=Op("CreateSubnet"),
    read=Op("DescribeSubnets", {"SubnetIds": "[id]"}),
    delete=Op("DeleteSubnet", {"SubnetId": "id"}),
    id="Subnet.SubnetId",
    found="Subnets[0]",
    update=_attributes("ModifySubnetAttribute", "SubnetId", _SUBNET_ATTRIBUTES),
    defaults=dict.fromkeys(_SUBNET_ATTRIBUTES, False),
    outputs=pascal("ownerId availabilityZone availabilityZoneId"),
    formats=arn("subnet"),
    present=_subnet_attributes,
    sticky=frozenset({"availabilityZone", "availabilityZoneId", "cidrBlock", "ipv6CidrBlock"}),
    tags=tagged("subnet"),
    ready=Wait("State", frozenset({"available"})),
    absent=frozenset({"InvalidSubnetID.NotFound"}),
    retried=HELD,
)

# --- internet gateway -----------------------------------------------------------------------------


def _attach_gateway(resource: Resource, _old: Values) -> None:
    answer = resource.call("DescribeInternetGateways", InternetGatewayIds=[resource.id])
    attached = [entry["VpcId"] for entry in answer["InternetGateways"][0].get("Attachments", [])]
    wanted = resource.inputs.get("vpcId")
    for vpc in attached:
        if vpc != wanted:
            _detach_gateway(resource, vpc)
    if wanted and wanted not in attached:
        resource.call("AttachInternetGateway", InternetGatewayId=resource.id, VpcId=wanted)


def _detach_gateway(resource: Resource, vpc: str) -> None:
    resource.call("DetachInternetGateway", InternetGatewayId=resource.id, VpcId=vpc)


def _delete_gateway(resource: Resource) -> None:
    answer = resource.call("DescribeInternetGateways", InternetGatewayIds=[resource.id])
    for gateway in answer["InternetGateways"]:
        for attachment in gateway["Attachments"]:
            _detach_gateway(resource, attachment["VpcId"])
    resource.call("DeleteInternetGateway", InternetGatewayId=resource.id)


INTERNET_GATEWAY = Spec(
    "aws:ec2/internetGateway:InternetGateway",
    "ec2",
    create=Op("CreateInternetGateway"),
    read=Op("DescribeInternetGateways", {"InternetGatewayIds": "[id]"}),
    delete=_delete_gateway,
    id="InternetGateway.InternetGatewayId",
    found="InternetGateways[0]",
    update=(Step(_attach_gateway, properties=("vpcId",)),),
    outputs={"ownerId": "OwnerId", "vpcId": "Attachments[0].VpcId"},
    formats=arn("internet-gateway"),
    sticky=frozenset({"vpcId"}),
    tags=tagged("internet-gateway"),
    absent=frozenset({"InvalidInternetGatewayID.NotFound"}),
    retried=HELD,
)

# --- addresses and NAT ----------------------------------------------------------------------------

EIP = Spec(
    "aws:ec2/eip:Eip",
    "ec2",
    create=Op("AllocateAddress"),
    read=Op("DescribeAddresses", {"AllocationIds": "[id]"}),
    delete=Op("ReleaseAddress", {"AllocationId": "id"}),
    id="AllocationId",
    found="Addresses[0]",
    omit=frozenset({"InstanceId"}),
    defaults={"domain": "vpc"},
    outputs={
        **pascal("allocationId associationId publicIp publicIpv4Pool networkBorderGroup"),
        "privateIp": "PrivateIpAddress",
    },
    formats=arn("elastic-ip"),
    sticky=frozenset({"networkBorderGroup", "publicIpv4Pool"}),
    tags=tagged("elastic-ip"),
    absent=frozenset({"InvalidAllocationID.NotFound"}),
    retried=frozenset({"InvalidIPAddress.InUse"}),
)

NAT_GATEWAY = Spec(
    "aws:ec2/natGateway:NatGateway",
    "ec2",
    create=Op("CreateNatGateway"),
    read=Op("DescribeNatGateways", {"NatGatewayIds": "[id]"}),
    delete=Op("DeleteNatGateway", {"NatGatewayId": "id"}),
    id="NatGateway.NatGatewayId",
    found="NatGateways[?State!='deleted'] | [0]",
    names={"privateIp": "PrivateIpAddress"},
    defaults={"connectivityType": "public"},
    outputs={
        "allocationId": "NatGatewayAddresses[0].AllocationId",
        "associationId": "NatGatewayAddresses[0].AssociationId",
        "networkInterfaceId": "NatGatewayAddresses[0].NetworkInterfaceId",
        "privateIp": "NatGatewayAddresses[0].PrivateIp",
        "publicIp": "NatGatewayAddresses[0].PublicIp",
    },
    sticky=frozenset({"privateIp", "secondaryPrivateIpAddresses", "vpcId"}),
    tags=tagged("natgateway"),
    ready=Wait("State", frozenset({"available"}), frozenset({"failed"}), "FailureMessage"),
    gone=900,
    absent=frozenset({"NatGatewayNotFound"}),
)

# --- endpoints ------------------------------------------------------------------------------------

_ENDPOINT_SETS = {
    "routeTableIds": ("AddRouteTableIds", "RemoveRouteTableIds"),
    "securityGroupIds": ("AddSecurityGroupIds", "RemoveSecurityGroupIds"),
    "subnetIds": ("AddSubnetIds", "RemoveSubnetIds"),
}


def _modify_endpoint(resource: Resource, old: Values) -> None:
    if not old:
        return
    changes: dict[str, Any] = {}
    for name, (add, remove) in _ENDPOINT_SETS.items():
        before, after = set(old.get(name, [])), set(resource.inputs.get(name, []))
        changes[add], changes[remove] = sorted(after - before), sorted(before - after)
    for name, member in (("privateDnsEnabled", "PrivateDnsEnabled"), ("policy", "PolicyDocument")):
        if name in resource.inputs and resource.inputs[name] != old.get(name):
            changes[member] = resource.inputs[name]
    if "policy" in old and "policy" not in resource.inputs:
        changes["ResetPolicy"] = True
    given = {member: value for member, value in changes.items() if value not in ([], None)}
    if given:
        resource.call("ModifyVpcEndpoint", VpcEndpointId=resource.id, **given)


def _endpoint_details(resource: Resource, found: Values) -> Values:
    details: Values = {
        "securityGroupIds": [group["GroupId"] for group in found.get("Groups", [])],
        "dnsEntries": [
            {"dnsName": entry.get("DnsName"), "hostedZoneId": entry.get("HostedZoneId")}
            for entry in found.get("DnsEntries", [])
        ],
    }
    if found["VpcEndpointType"] == "Gateway":
        named = [{"Name": "prefix-list-name", "Values": [found["ServiceName"]]}]
        for listed in resource.call("DescribePrefixLists", Filters=named)["PrefixLists"]:
            details["prefixListId"] = listed["PrefixListId"]
    return details


VPC_ENDPOINT = Spec(
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "ec2",
    create=Op("CreateVpcEndpoint"),
    read=Op("DescribeVpcEndpoints", {"VpcEndpointIds": "[id]"}),
    delete=Op("DeleteVpcEndpoints", {"VpcEndpointIds": "[id]"}),
    id="VpcEndpoint.VpcEndpointId",
    found="VpcEndpoints[?State!='deleted'] | [0]",
    names={"policy": "PolicyDocument"},
    update=(Step(_modify_endpoint, properties=("privateDnsEnabled", "policy", *_ENDPOINT_SETS)),),
    defaults={"vpcEndpointType": "Gateway"},
    equal={"policy": same_policy},
    outputs=pascal("ownerId requesterManaged state networkInterfaceIds"),
    formats=arn("vpc-endpoint"),
    present=_endpoint_details,
    sticky=frozenset(
        {"policy", "securityGroupIds", "subnetIds", "routeTableIds", "ipAddressType", "dnsOptions"}
        | {"prefixListId", "dnsEntries", "privateDnsEnabled", "serviceRegion"}
        | {"subnetConfigurations"}
    ),
    tags=tagged("vpc-endpoint"),
    ready=Wait("State", frozenset({"available", "Available"}), frozenset({"failed", "Failed"})),
    gone=600,
    absent=frozenset({"InvalidVpcEndpointId.NotFound"}),
)

# --- flow logs ------------------------------------------------------------------------------------

_FLOW_LOG_SOURCES = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}


def _flow_log_source(inputs: Values) -> Values:
    """EC2 names the kind of the watched resource beside its id."""
    values = {name: value for name, value in inputs.items() if name not in _FLOW_LOG_SOURCES}
    for name, kind in _FLOW_LOG_SOURCES.items():
        if name in inputs:
            values |= {"ResourceIds": [inputs[name]], "ResourceType": kind}
    return values


def _flow_log_watched(_resource: Resource, found: Values) -> Values:
    prefixes = {"vpc-": "vpcId", "subnet-": "subnetId", "eni-": "eniId"}
    watched = found["ResourceId"]
    return {name: watched for prefix, name in prefixes.items() if watched.startswith(prefix)}


FLOW_LOG = Spec(
    "aws:ec2/flowLog:FlowLog",
    "ec2",
    create=Op("CreateFlowLogs"),
    read=Op("DescribeFlowLogs", {"FlowLogIds": "[id]"}),
    delete=Op("DeleteFlowLogs", {"FlowLogIds": "[id]"}),
    id="FlowLogIds[0]",
    found="FlowLogs[0]",
    names={"iamRoleArn": "DeliverLogsPermissionArn"},
    inputs=frozenset(_FLOW_LOG_SOURCES),
    prepare=_flow_log_source,
    present=_flow_log_watched,
    defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
    nested={
        "destinationOptions": {
            "fileFormat": "plain-text",
            "hiveCompatiblePartitions": False,
            "perHourPartition": False,
        }
    },
    sticky=frozenset({"logFormat", "logDestination"}),
    formats=arn("vpc-flow-log"),
    tags=tagged("vpc-flow-log"),
    absent=frozenset({"InvalidFlowLogId.NotFound"}),
)

ROWS = (
    VPC,
    SUBNET,
    INTERNET_GATEWAY,
    EIP,
    NAT_GATEWAY,
    VPC_ENDPOINT,
    FLOW_LOG,
)
