"""`awsx:ec2:Vpc`: a VPC with subnets of every kind in every zone, and their ways out.

Names, parents and tags of the children are those of awsx 3, so that a stack moved to AWS has
the same URNs: https://www.pulumi.com/registry/packages/awsx/api-docs/ec2/vpc/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from localcloud.providers.awsx.layout import (
    Subnet,
    SubnetSpec,
    lay_out,
    parse_specs,
    refuse_gaps,
    resolved_layout,
)
from localcloud.providers.awsx.monitor import Component, Monitor, Output, Resource
from localcloud.providers.handler import ProviderError, plain

_PASSED_ON = (
    "enableDnsHostnames",
    "enableDnsSupport",
    "enableNetworkAddressUsageMetrics",
    "instanceTenancy",
)
_INPUTS = {
    *_PASSED_ON,
    "availabilityZoneCidrMask",
    "availabilityZoneNames",
    "cidrBlock",
    "natGateways",
    "numberOfAvailabilityZones",
    "subnetSpecs",
    "subnetStrategy",
    "tags",
    "vpcEndpointSpecs",
    "vpcEndpointStrategy",
}
_ENDPOINT_INPUTS = {
    "autoAccept",
    "dnsOptions",
    "ipAddressType",
    "policy",
    "privateDnsEnabled",
    "routeTableIds",
    "securityGroupIds",
    "serviceName",
    "subnetIds",
    "tags",
    "vpcEndpointType",
}
_NAT_STRATEGIES = {"none": "None", "single": "Single", "oneperaz": "OnePerAz"}
_DEFAULT_ZONES = 3
_ANYWHERE = "0.0.0.0/0"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class VpcArguments:
    """The component's inputs, read and checked."""

    cidr_block: str
    passed_on: Mapping[str, Any]
    zone_names: Sequence[str] | None
    zone_count: int
    zone_prefix_length: int | None
    nat_strategy: str
    allocation_ids: Sequence[Any]
    specs: list[SubnetSpec] | None
    exact: bool
    tags: Mapping[str, Any]
    endpoints: Sequence[Mapping[str, Any]]


@dataclass
class SubnetChildren:
    """A subnet and everything that is made for it."""

    layout: Subnet
    subnet: Resource
    route_table: Resource
    association: Resource
    routes: list[Resource] = field(default_factory=list)
    eips: list[Resource] = field(default_factory=list)
    nat_gateways: list[Resource] = field(default_factory=list)


def parse_arguments(inputs: Mapping[str, Any]) -> VpcArguments:
    """Read the component's inputs.

    Raises:
        ProviderError: names an input that isn't supported, or whose value is wrong.
    """
    foreign = sorted(set(inputs) - _INPUTS)
    if foreign:
        raise ProviderError(f"awsx.ec2.Vpc: the local cloud does not support {foreign[0]!r}")
    if inputs.get("availabilityZoneNames") and inputs.get("numberOfAvailabilityZones"):
        raise ProviderError("set availabilityZoneNames or numberOfAvailabilityZones, not both")
    nat = inputs.get("natGateways") or {}
    return VpcArguments(
        cidr_block=inputs.get("cidrBlock", "10.0.0.0/16"),
        passed_on={name: inputs[name] for name in _PASSED_ON if name in inputs},
        zone_names=inputs.get("availabilityZoneNames"),
        zone_count=int(inputs.get("numberOfAvailabilityZones", _DEFAULT_ZONES)),
        zone_prefix_length=inputs.get("availabilityZoneCidrMask"),
        nat_strategy=_choice("natGateways.strategy", nat.get("strategy"), _NAT_STRATEGIES),
        allocation_ids=nat.get("elasticIpAllocationIds") or [],
        specs=parse_specs(inputs.get("subnetSpecs")),
        exact=_is_exact(inputs.get("subnetStrategy")),
        tags=inputs.get("tags") or {},
        endpoints=_endpoints(inputs),
    )


def _choice(name: str, value: str | None, choices: Mapping[str, str]) -> str:
    chosen = choices.get((value or "OnePerAz").lower())
    if chosen is None:
        raise ProviderError(f"{name} is {value!r}; use {', '.join(choices.values())}")
    return chosen


def _is_exact(strategy: str | None) -> bool:
    if strategy in ("Auto", "Exact"):
        return strategy == "Exact"
    shown = "the default, Legacy," if strategy is None else strategy
    raise ProviderError(f'subnetStrategy: {shown} is not supported here; set it to "Auto"')


def _endpoints(inputs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if inputs.get("vpcEndpointStrategy", "Legacy") != "Legacy":
        raise ProviderError("vpcEndpointStrategy Auto is not supported here; use Legacy")
    specs: Sequence[Mapping[str, Any]] = inputs.get("vpcEndpointSpecs") or []
    for index, spec in enumerate(specs):
        foreign = sorted(set(spec) - _ENDPOINT_INPUTS)
        if foreign:
            raise ProviderError(f"vpcEndpointSpecs[{index}].{foreign[0]} is not supported here")
        if "serviceName" not in spec:
            raise ProviderError(f"vpcEndpointSpecs[{index}].serviceName is missing")
    return specs


def construct_vpc(monitor: Monitor, request: Any) -> Component:
    """Make the component and its children.

    Raises:
        ProviderError: an input is wrong, before anything is made; or a child could not be made.
    """
    arguments = parse_arguments(plain(request.inputs))
    zones = arguments.zone_names or _default_zones(monitor, arguments.zone_count)
    _check_nat(arguments, len(zones))
    subnets = lay_out(
        request.name, arguments.cidr_block, zones, arguments.specs, arguments.zone_prefix_length
    )
    if arguments.exact and arguments.specs is not None:
        refuse_gaps(arguments.cidr_block, subnets)
    _check_nat_subnets(arguments, subnets)
    layout = resolved_layout(arguments.specs, subnets, len(zones))
    return _Builder(monitor, request.name, arguments, layout).build(subnets)


def _default_zones(monitor: Monitor, count: int) -> list[str]:
    names: list[str] = monitor.invoke(
        "aws:index/getAvailabilityZones:getAvailabilityZones", {}
    ).get("names", [])
    if len(names) < count:
        raise ProviderError(
            f"the region has {len(names)} availability zones, not {count}; name zones in "
            "availabilityZoneNames or choose another region"
        )
    return names[:count]


def _check_nat(arguments: VpcArguments, zones: int) -> None:
    given = len(arguments.allocation_ids)
    allowed = {"None": (0,), "Single": (0, 1), "OnePerAz": (0, zones)}[arguments.nat_strategy]
    if given not in allowed:
        raise ProviderError(
            f"natGateways.elasticIpAllocationIds has {given} addresses; the strategy "
            f"{arguments.nat_strategy} in {zones} zones takes {' or '.join(map(str, allowed))}"
        )


def _check_nat_subnets(arguments: VpcArguments, subnets: Sequence[Subnet]) -> None:
    types = {subnet.type for subnet in subnets}
    if arguments.nat_strategy == "None" or ("Public" in types and types - {"Public", "Unused"}):
        return
    raise ProviderError(
        f"natGateways.strategy {arguments.nat_strategy} needs public subnets for the gateways and "
        "private or isolated ones behind them; add them to subnetSpecs or use None"
    )


class _Builder:
    """Makes the children; zones side by side, in the order in which they need one another."""

    def __init__(
        self,
        monitor: Monitor,
        name: str,
        arguments: VpcArguments,
        layout: list[dict[str, Any]],
    ) -> None:
        self._monitor = monitor
        self._name = name
        self._arguments = arguments
        self._layout = layout
        self._tags = {"Name": name, **arguments.tags}

    def build(self, subnets: Sequence[Subnet]) -> Component:
        urn = self._monitor.component()
        vpc = self._monitor.resource(
            "aws:ec2/vpc:Vpc",
            self._name,
            {
                "cidrBlock": self._arguments.cidr_block,
                **self._arguments.passed_on,
                "tags": self._tags,
            },
            urn,
        )
        gateway = self._monitor.resource(
            "aws:ec2/internetGateway:InternetGateway",
            self._name,
            {"vpcId": vpc["id"], "tags": self._tags},
            vpc.urn,
        )
        made = [subnet for subnet in subnets if subnet.type != "Unused"]
        public = _at_once(
            lambda subnet: self._public(subnet, vpc, gateway),
            [subnet for subnet in made if subnet.type == "Public"],
        )
        nat_gateways = {
            child.layout.zone_index: nat for child in public for nat in child.nat_gateways
        }
        others = _at_once(
            lambda subnet: self._inner(subnet, vpc, nat_gateways),
            [subnet for subnet in made if subnet.type != "Public"],
        )
        endpoints = _at_once(lambda spec: self._endpoint(spec, vpc), self._arguments.endpoints)
        outputs = self._outputs(vpc, gateway, [*public, *others], endpoints)
        return self._monitor.outputs(urn, outputs)

    def _subnet(self, subnet: Subnet, vpc: Resource) -> SubnetChildren:
        named = {"Name": subnet.name, "SubnetType": subnet.type}
        made = self._monitor.resource(
            "aws:ec2/subnet:Subnet",
            subnet.name,
            {
                "vpcId": vpc["id"],
                "availabilityZone": subnet.zone,
                "mapPublicIpOnLaunch": subnet.type == "Public",
                "cidrBlock": str(subnet.range),
                "assignIpv6AddressOnCreation": False,
                "tags": {**self._tags, **subnet.tags, **named},
            },
            vpc.urn,
        )
        table = self._monitor.resource(
            "aws:ec2/routeTable:RouteTable",
            subnet.name,
            {"vpcId": vpc["id"], "tags": {**self._tags, **named}},
            made.urn,
            [made],
        )
        association = self._monitor.resource(
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            subnet.name,
            {"routeTableId": table["id"], "subnetId": made["id"]},
            table.urn,
        )
        return SubnetChildren(subnet, made, table, association)

    def _public(self, subnet: Subnet, vpc: Resource, gateway: Resource) -> SubnetChildren:
        children = self._subnet(subnet, vpc)
        if self._hosts_nat(subnet):
            self._add_nat(children)
        self._add_route(children, {"gatewayId": gateway["id"]})
        return children

    def _inner(
        self, subnet: Subnet, vpc: Resource, nat_gateways: Mapping[int, Resource]
    ) -> SubnetChildren:
        children = self._subnet(subnet, vpc)
        if subnet.type == "Private" and nat_gateways:
            zone = 0 if self._arguments.nat_strategy == "Single" else subnet.zone_index
            self._add_route(children, {"natGatewayId": nat_gateways[zone]["id"]})
        return children

    def _hosts_nat(self, subnet: Subnet) -> bool:
        """The first public subnet of a zone holds its gateway."""
        specs = self._arguments.specs or [SubnetSpec("Public")]
        first = next(spec for spec in specs if spec.type == "Public")
        is_first = subnet.name == (f"{self._name}-{first.name or 'public'}-{subnet.zone_index + 1}")
        wanted = {"None": False, "Single": subnet.zone_index == 0, "OnePerAz": True}
        return is_first and wanted[self._arguments.nat_strategy]

    def _add_nat(self, children: SubnetChildren) -> None:
        index = children.layout.zone_index
        name = f"{self._name}-{index + 1}"
        tags = {**self._arguments.tags, "Name": name}
        parent = children.subnet
        if self._arguments.allocation_ids:
            allocation: Any = self._arguments.allocation_ids[index]
        else:
            eip = self._monitor.resource(
                "aws:ec2/eip:Eip", name, {"tags": tags}, parent.urn, [parent]
            )
            children.eips.append(eip)
            allocation = eip["allocationId"]
        children.nat_gateways.append(
            self._monitor.resource(
                "aws:ec2/natGateway:NatGateway",
                name,
                {"subnetId": parent["id"], "allocationId": allocation, "tags": tags},
                parent.urn,
            )
        )

    def _add_route(self, children: SubnetChildren, target: Mapping[str, Output]) -> None:
        table = children.route_table
        inputs = {"routeTableId": table["id"], "destinationCidrBlock": _ANYWHERE, **target}
        children.routes.append(
            self._monitor.resource("aws:ec2/route:Route", children.layout.name, inputs, table.urn)
        )

    def _endpoint(self, spec: Mapping[str, Any], vpc: Resource) -> Resource:
        inputs = {
            **spec,
            "vpcId": vpc["id"],
            "tags": {**self._tags, **(spec.get("tags") or {})},
        }
        return self._monitor.resource(
            "aws:ec2/vpcEndpoint:VpcEndpoint", spec["serviceName"], inputs, vpc.urn
        )

    def _outputs(
        self,
        vpc: Resource,
        gateway: Resource,
        children: Iterable[SubnetChildren],
        endpoints: Iterable[Resource],
    ) -> dict[str, Any]:
        order = {"Public": 0, "Private": 1, "Isolated": 2}
        ordered = sorted(children, key=lambda c: (c.layout.zone_index, order[c.layout.type]))
        outputs: dict[str, Any] = {
            "vpc": vpc.reference,
            "vpcId": vpc["id"],
            "internetGateway": gateway.reference,
            "subnets": [c.subnet.reference for c in ordered],
            "routeTables": [c.route_table.reference for c in ordered],
            "routeTableAssociations": [c.association.reference for c in ordered],
            "routes": [route.reference for c in ordered for route in c.routes],
            "natGateways": [nat.reference for c in ordered for nat in c.nat_gateways],
            "eips": [eip.reference for c in ordered for eip in c.eips],
            "vpcEndpoints": [endpoint.reference for endpoint in endpoints],
            "subnetLayout": self._layout,
        }
        for kind in order:
            of_kind = [c.subnet for c in ordered if c.layout.type == kind]
            outputs[f"{kind.lower()}Subnets"] = [subnet.reference for subnet in of_kind]
            outputs[f"{kind.lower()}SubnetIds"] = [subnet["id"] for subnet in of_kind]
        return outputs


def _at_once(make: Callable[[T], R], items: Sequence[T]) -> list[R]:
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=len(items)) as threads:
        return list(threads.map(make, items))
