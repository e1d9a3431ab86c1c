"""Rows of route tables, their routes and the subnets that use them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_unordered
from localcloud.providers.aws.spec import Op, Resource, Spec, Step, Values
from localcloud.providers.aws.specs.ec2 import HELD, arn, tagged
from localcloud.providers.aws.values import pascal

_ROUTE_NAMES = {
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
}


_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


_ROUTE_MEMBERS = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
    "carrierGatewayId": "CarrierGatewayId",
    "coreNetworkArn": "CoreNetworkArn",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "localGatewayId": "LocalGatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}


def _inline_route(route: Values) -> Values:
    for name in route:
        if name not in _ROUTE_MEMBERS:
            raise ValueError(f"routes: {name!r} is not mapped")
    return {_ROUTE_MEMBERS[name]: value for name, value in route.items() if value != ""}


def _destination(route: Values) -> Values:
    return {member: route[member] for member in _DESTINATIONS if member in route}


def _set_routes(resource: Resource, old: Values) -> None:
    """Bring the routes that the table itself lists in line, and leave those of `Route` alone."""
    listed = [_destination(_inline_route(route)) for route in old.get("routes", [])]
    table = resource.call("DescribeRouteTables", RouteTableIds=[resource.id])["RouteTables"][0]
    there = [_destination(route) for route in table["Routes"]]
    wanted = [_inline_route(route) for route in resource.inputs.get("routes", [])]
    for destination in listed:
        if destination in there and destination not in map(_destination, wanted):
            resource.call("DeleteRoute", RouteTableId=resource.id, **destination)
    for route in wanted:
        operation = "ReplaceRoute" if _destination(route) in there else "CreateRoute"
        resource.call(operation, RouteTableId=resource.id, **route)


def _inline_routes(resource: Resource, found: Values) -> Values:
    if "routes" not in resource.inputs:
        return {}
    backwards = {member: name for name, member in _ROUTE_MEMBERS.items()}
    return {
        "routes": [
            {backwards[member]: value for member, value in route.items() if member in backwards}
            for route in found["Routes"]
            if route.get("GatewayId") != "local" and route.get("Origin") != "CreateRouteTable"
        ]
    }


ROUTE_TABLE = Spec(
    "aws:ec2/routeTable:RouteTable",
    "ec2",
    create=Op("CreateRouteTable"),
    read=Op("DescribeRouteTables", {"RouteTableIds": "[id]"}),
    delete=Op("DeleteRouteTable", {"RouteTableId": "id"}),
    id="RouteTable.RouteTableId",
    found="RouteTables[0]",
    update=(Step(_set_routes, properties=("routes",)),),
    equal={"routes": same_unordered},
    sticky=frozenset({"routes"}),
    present=_inline_routes,
    outputs=pascal("ownerId"),
    formats=arn("route-table"),
    tags=tagged("route-table"),
    absent=frozenset({"InvalidRouteTableID.NotFound"}),
    retried=HELD,
)


_DESTINATION_INPUTS = (
    "destinationCidrBlock",
    "destinationIpv6CidrBlock",
    "destinationPrefixListId",
)


_ROUTE_IDENTITY = {
    "RouteTableId": "inputs.routeTableId",
    "DestinationCidrBlock": "inputs.destinationCidrBlock",
    "DestinationIpv6CidrBlock": "inputs.destinationIpv6CidrBlock",
    "DestinationPrefixListId": "inputs.destinationPrefixListId",
}


def _find_route(resource: Resource) -> Values | None:
    table = resource.inputs["routeTableId"]
    answer = resource.call("DescribeRouteTables", RouteTableIds=[table])
    wanted = [resource.inputs[name] for name in _DESTINATION_INPUTS if resource.inputs.get(name)]
    for route in answer["RouteTables"][0]["Routes"]:
        if [route[member] for member in _DESTINATIONS if member in route] == wanted:
            return dict(route)
    return None


ROUTE = Spec(
    "aws:ec2/route:Route",
    "ec2",
    create=Op("CreateRoute"),
    read=_find_route,
    delete=Op("DeleteRoute", _ROUTE_IDENTITY),
    id=(
        "join('_', [inputs.routeTableId, inputs.destinationCidrBlock || "
        "inputs.destinationIpv6CidrBlock || inputs.destinationPrefixListId])"
    ),
    names=_ROUTE_NAMES,
    update=(Step(Op("ReplaceRoute", _ROUTE_IDENTITY)),),
    replaces=frozenset({"routeTableId", *_DESTINATION_INPUTS}),
    outputs=pascal("instanceId instanceOwnerId origin state"),
    sticky=frozenset({"networkInterfaceId"}),
    absent=frozenset({"InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"}),
    imports=r"(?P<routeTableId>rtb-[^_]+)_(?P<destinationCidrBlock>.+)",
)


def _find_association(resource: Resource) -> Values | None:
    by_id = [{"Name": "association.route-table-association-id", "Values": [resource.id]}]
    for table in resource.call("DescribeRouteTables", Filters=by_id)["RouteTables"]:
        for association in table["Associations"]:
            if association["RouteTableAssociationId"] == resource.id:
                return dict(association)
    return None


ROUTE_TABLE_ASSOCIATION = Spec(
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "ec2",
    create=Op("AssociateRouteTable"),
    read=_find_association,
    delete=Op("DisassociateRouteTable", {"AssociationId": "id"}),
    id="AssociationId",
    absent=frozenset({"InvalidAssociationID.NotFound"}),
)

ROWS = (ROUTE_TABLE, ROUTE, ROUTE_TABLE_ASSOCIATION)
