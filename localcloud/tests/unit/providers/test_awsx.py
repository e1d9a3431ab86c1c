"""The VPC component: its layout, its children, its outputs, its refusals."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata

import grpc
import pulumi_awsx
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from localcloud.providers import awsx
from localcloud.providers.awsx.layout import (
    lay_out,
    parse_specs,
    refuse_gaps,
    resolved_layout,
)
from localcloud.providers.handler import UNKNOWN, ProviderError
from localcloud.tests.unit.providers.attached import attached, serving, struct, values

RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
TYPES = "aws:ec2/{0}:{1}"
PUBLIC_AND_PRIVATE = [{"type": "Public"}, {"type": "Private"}]


@dataclass
class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """An engine that takes every resource, and remembers it."""

    preview: bool = False
    refuse: str = ""
    zones: tuple[str, ...] = ("us-east-1a", "us-east-1b", "us-east-1c")
    requests: list = field(default_factory=list)
    outputs: dict = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def RegisterResource(self, request, context):  # noqa: N802
        if self.refuse and request.type.endswith(self.refuse):
            context.abort(grpc.StatusCode.UNKNOWN, "the provider refused it")
        with self.lock:
            self.requests.append(request)
        parent = request.parent.split("::")[2] + "$" if request.parent else ""
        urn = f"urn:pulumi:dev::p::{parent}{request.type}::{request.name}"
        identifier = f"{request.type.rsplit(':')[-1]}/{request.name}"
        outputs = {**values(request.object)}
        if request.type.endswith(":Eip") and not self.preview:
            outputs["allocationId"] = f"allocation/{request.name}"
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id="" if self.preview or not request.custom else identifier,
            object=struct(outputs),
        )

    def RegisterResourceOutputs(self, request, context):  # noqa: N802
        self.outputs[request.urn] = values(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request, context):  # noqa: N802
        assert request.tok == "aws:index/getAvailabilityZones:getAvailabilityZones"
        answer = provider_pb2.InvokeResponse()
        getattr(answer, "return").CopyFrom(struct({"names": list(self.zones)}))
        return answer

    def made(self, kind):
        """Name → inputs of the resources of a type."""
        return {
            request.name: values(request.object)
            for request in self.requests
            if request.type.endswith(f":{kind}")
        }


def construct(inputs, monitor=None, name="net", **options):
    """Construct a VPC: the monitor that saw it, and the answer."""
    monitor = monitor or Monitor()
    with (
        serving(
            monitor, resource_pb2_grpc.add_ResourceMonitorServicer_to_server
        ) as monitor_address,
        attached(awsx.servicer(None)) as client,  # type: ignore[arg-type]
    ):
        request = provider_pb2.ConstructRequest(
            type="awsx:ec2:Vpc",
            name=name,
            monitorEndpoint=monitor_address,
            inputs=struct({"subnetStrategy": "Auto", **inputs}),
            **options,
        )
        return monitor, client.stub.Construct(request)


def refusal(inputs, monitor=None):
    with pytest.raises(grpc.RpcError) as caught:
        construct(inputs, monitor)
    return caught.value.details()


def ranges(vpc, zones, specs, **more):
    subnets = lay_out("v", vpc, [f"z{n}" for n in range(zones)], parse_specs(specs), **more)
    return [f"{subnet.name} {subnet.range}" for subnet in subnets]


LAYOUTS = [
    # Ranges as awsx's documentation and its own tests give them for "Auto".
    (
        "10.0.0.0/16",
        2,
        None,
        [
            "v-private-1 10.0.0.0/18",
            "v-public-1 10.0.64.0/19",
            "v-private-2 10.0.128.0/18",
            "v-public-2 10.0.192.0/19",
        ],
    ),
    (
        "10.0.0.0/16",
        2,
        PUBLIC_AND_PRIVATE,
        [
            "v-public-1 10.0.0.0/18",
            "v-private-1 10.0.64.0/18",
            "v-public-2 10.0.128.0/18",
            "v-private-2 10.0.192.0/18",
        ],
    ),
    (
        "10.0.0.0/16",
        3,
        [{"type": "Public", "cidrMask": 24}, {"type": "Private", "cidrMask": 20}],
        [
            "v-public-1 10.0.0.0/24",
            "v-private-1 10.0.16.0/20",
            "v-public-2 10.0.64.0/24",
            "v-private-2 10.0.80.0/20",
            "v-public-3 10.0.128.0/24",
            "v-private-3 10.0.144.0/20",
        ],
    ),
    (
        "10.0.0.0/24",
        1,
        [{"type": "Public", "size": 64}, {"type": "Isolated", "name": "data", "cidrMask": 26}],
        ["v-public-1 10.0.0.0/26", "v-data-1 10.0.0.64/26"],
    ),
    (
        "10.0.0.0/16",
        2,
        [{"type": "Public", "cidrBlocks": ["10.0.1.0/24", "10.0.2.0/24"]}],
        ["v-public-1 10.0.1.0/24", "v-public-2 10.0.2.0/24"],
    ),
]


@pytest.mark.parametrize(("vpc", "zones", "specs", "expected"), LAYOUTS)
def test_layout(vpc, zones, specs, expected):
    assert ranges(vpc, zones, specs) == expected


def test_a_zone_may_be_aligned_to_a_prefix_of_its_own():
    assert ranges("10.0.0.0/16", 2, [{"type": "Public"}], zone_prefix_length=20) == [
        "v-public-1 10.0.0.0/20",
        "v-public-2 10.0.16.0/20",
    ]


LAYOUT_REFUSALS = [
    ("10.0.0.0/16", 2, [], "empty"),
    ("10.0.0.0/24", 2, [{"type": "Public", "cidrMask": 24}], "smaller subnets"),
    ("10.0.0.0/26", 2, None, "at least a /26"),
    ("10.0.0.1/16", 2, None, "cidrBlock is no address range"),
    ("fd00::/56", 2, None, "only IPv4"),
    ("10.0.0.0/16", 2, [{"type": "Public", "cidrBlocks": ["10.0.1.0/24"]}], "each of the 2"),
    ("10.0.0.0/16", 1, [{"type": "Public", "size": 100}], "power of two"),
    ("10.0.0.0/16", 1, [{"type": "Public", "size": 256, "cidrMask": 25}], "is a /24"),
    ("10.0.0.0/16", 1, [{"type": "Secret"}], "use Public, Private"),
    ("10.0.0.0/16", 1, [{"type": "Public"}, {"type": "Public"}], "its own name"),
    (
        "10.0.0.0/16",
        1,
        [{"type": "Public", "assignIpv6AddressOnCreation": True}],
        "assignIpv6AddressOnCreation is not supported",
    ),
    (
        "10.0.0.0/16",
        2,
        [{"type": "Public", "cidrBlocks": ["10.0.1.0/24", "10.0.1.128/25"]}],
        "overlap",
    ),
]


@pytest.mark.parametrize(("vpc", "zones", "specs", "words"), LAYOUT_REFUSALS)
def test_layout_refusals(vpc, zones, specs, words):
    with pytest.raises(ProviderError, match=words):
        ranges(vpc, zones, specs)


def test_exact_refuses_gaps_that_are_not_named():
    spec = [{"type": "Public", "cidrMask": 24}]
    with pytest.raises(ProviderError, match="gap between v-public-1 and the end"):
        refuse_gaps("10.0.0.0/23", lay_out("v", "10.0.0.0/23", ["z"], parse_specs(spec)))
    named = parse_specs([*spec, {"type": "Unused", "cidrMask": 24}])
    refuse_gaps("10.0.0.0/23", lay_out("v", "10.0.0.0/23", ["z"], named))


def test_resolved_layout_names_what_was_decided():
    subnets = lay_out("v", "10.0.0.0/16", ["a", "b"], None)
    assert resolved_layout(None, subnets, 2) == [
        {"type": "Private", "cidrMask": 18},
        {"type": "Public", "cidrMask": 19},
    ]


def test_children_have_awsx_names_parents_and_types():
    monitor, answer = construct(
        {
            "cidrBlock": "10.0.0.0/16",
            "numberOfAvailabilityZones": 2,
            "subnetSpecs": PUBLIC_AND_PRIVATE,
            "natGateways": {"strategy": "OnePerAz"},
        }
    )
    vpc = "awsx:ec2:Vpc$aws:ec2/vpc:Vpc"
    subnet = f"{vpc}$aws:ec2/subnet:Subnet"
    table = f"{subnet}$aws:ec2/routeTable:RouteTable"
    kinds = {
        f"{request.parent.split('::')[2]}${request.type}" if request.parent else request.type
        for request in monitor.requests
    }
    assert kinds == {
        "awsx:ec2:Vpc",
        vpc,
        f"{vpc}$aws:ec2/internetGateway:InternetGateway",
        subnet,
        table,
        f"{table}$aws:ec2/routeTableAssociation:RouteTableAssociation",
        f"{table}$aws:ec2/route:Route",
        f"{subnet}$aws:ec2/eip:Eip",
        f"{subnet}$aws:ec2/natGateway:NatGateway",
    }
    assert sorted(monitor.made("Subnet")) == [
        "net-private-1",
        "net-private-2",
        "net-public-1",
        "net-public-2",
    ]
    assert sorted(monitor.made("NatGateway")) == ["net-1", "net-2"]
    assert answer.urn == "urn:pulumi:dev::p::awsx:ec2:Vpc::net"


def test_children_share_the_default_provider_of_the_program():
    monitor, _ = construct(
        {"natGateways": {"strategy": "None"}, "subnetSpecs": [{"type": "Public"}]}
    )
    children = [request for request in monitor.requests if request.custom]
    assert {request.version for request in children} == {metadata.version("pulumi_aws")}


def test_an_explicit_provider_and_protection_reach_the_children():
    reference = "urn:pulumi:dev::p::pulumi:providers:aws::mine::id"
    monitor, _ = construct(
        {"natGateways": {"strategy": "None"}}, providers={"aws": reference}, protect=True
    )
    children = [request for request in monitor.requests if request.custom]
    assert {request.provider for request in children} == {reference}
    assert all(request.protect for request in monitor.requests)


def test_subnets_of_each_kind():
    monitor, _ = construct(
        {
            "numberOfAvailabilityZones": 1,
            "natGateways": {"strategy": "None"},
            "subnetSpecs": [
                {"type": "Public", "tags": {"team": "web"}},
                {"type": "Private"},
                {"type": "Isolated"},
                {"type": "Unused"},
            ],
            "tags": {"stack": "dev", "Name": "mine"},
        }
    )
    subnets = monitor.made("Subnet")
    assert sorted(subnets) == ["net-isolated-1", "net-private-1", "net-public-1"]
    public = subnets["net-public-1"]
    assert public["mapPublicIpOnLaunch"] is True
    assert public["availabilityZone"] == "us-east-1a"
    assert public["vpcId"] == "Vpc/net"
    assert public["tags"] == {
        "Name": "net-public-1",
        "SubnetType": "Public",
        "stack": "dev",
        "team": "web",
    }
    assert subnets["net-private-1"]["mapPublicIpOnLaunch"] is False
    assert monitor.made("Vpc")["net"]["tags"] == {"Name": "mine", "stack": "dev"}
    routes = monitor.made("Route")
    assert list(routes) == ["net-public-1"]
    assert routes["net-public-1"]["gatewayId"] == "InternetGateway/net"


@pytest.mark.parametrize(
    ("strategy", "gateways", "targets"),
    [
        ("None", [], {}),
        ("Single", ["net-1"], {"net-private-1": "net-1", "net-private-2": "net-1"}),
        ("OnePerAz", ["net-1", "net-2"], {"net-private-1": "net-1", "net-private-2": "net-2"}),
    ],
)
def test_nat_strategies(strategy, gateways, targets):
    monitor, _ = construct(
        {
            "numberOfAvailabilityZones": 2,
            "natGateways": {"strategy": strategy},
            "subnetSpecs": PUBLIC_AND_PRIVATE,
        }
    )
    assert sorted(monitor.made("NatGateway")) == gateways
    assert sorted(monitor.made("Eip")) == gateways
    routes = monitor.made("Route")
    private = {name: route for name, route in routes.items() if "private" in name}
    assert {name: route["natGatewayId"] for name, route in private.items()} == {
        name: f"NatGateway/{gateway}" for name, gateway in targets.items()
    }
    for name, gateway in monitor.made("NatGateway").items():
        assert gateway["allocationId"] == f"allocation/{name}"


def test_given_addresses_make_no_others():
    monitor, _ = construct(
        {
            "numberOfAvailabilityZones": 2,
            "natGateways": {"elasticIpAllocationIds": ["eipalloc-a", "eipalloc-b"]},
            "subnetSpecs": PUBLIC_AND_PRIVATE,
        }
    )
    assert not monitor.made("Eip")
    gateways = monitor.made("NatGateway")
    assert gateways["net-2"]["allocationId"] == "eipalloc-b"


def test_endpoints_belong_to_the_vpc():
    monitor, answer = construct(
        {
            "natGateways": {"strategy": "None"},
            "vpcEndpointSpecs": [
                {"serviceName": "com.amazonaws.us-east-1.s3", "tags": {"for": "layers"}}
            ],
            "tags": {"stack": "dev"},
        }
    )
    [(name, endpoint)] = monitor.made("VpcEndpoint").items()
    assert name == "com.amazonaws.us-east-1.s3"
    assert endpoint["vpcId"] == "Vpc/net"
    assert endpoint["tags"] == {"Name": "net", "stack": "dev", "for": "layers"}
    assert len(values(answer.state)["vpcEndpoints"]) == 1


def test_outputs_are_all_those_of_the_sdk():
    _, answer = construct({"numberOfAvailabilityZones": 2, "subnetSpecs": PUBLIC_AND_PRIVATE})
    state = values(answer.state)
    declared = {
        value.fget.__dict__.get("_pulumi_name") or name
        for name, value in vars(pulumi_awsx.ec2.Vpc).items()
        if isinstance(value, property)
    }
    assert set(state) == declared - {"id", "urn"}
    assert state["vpcId"] == "Vpc/net"
    assert state["publicSubnetIds"] == ["Subnet/net-public-1", "Subnet/net-public-2"]
    assert state["privateSubnetIds"] == ["Subnet/net-private-1", "Subnet/net-private-2"]
    assert state["isolatedSubnetIds"] == []
    assert [subnet["id"] for subnet in state["subnets"]] == [
        "Subnet/net-public-1",
        "Subnet/net-private-1",
        "Subnet/net-public-2",
        "Subnet/net-private-2",
    ]
    assert RESOURCE in state["vpc"].values()
    assert state["subnetLayout"] == [{"type": "Public"}, {"type": "Private"}]


def test_outputs_name_the_resources_they_come_from():
    _, answer = construct({"numberOfAvailabilityZones": 2, "subnetSpecs": PUBLIC_AND_PRIVATE})
    urns = answer.stateDependencies["publicSubnetIds"].urns
    assert {urn.split("::")[-1] for urn in urns} == {"net-public-1", "net-public-2"}


def test_inputs_name_the_resources_they_come_from():
    monitor, _ = construct({"natGateways": {"strategy": "None"}})
    [gateway] = [r for r in monitor.requests if r.type.endswith(":InternetGateway")]
    [vpc_urn] = gateway.propertyDependencies["vpcId"].urns
    assert vpc_urn.endswith("aws:ec2/vpc:Vpc::net")
    assert vpc_urn in gateway.dependencies


def test_a_preview_knows_what_it_does_not_know():
    monitor, answer = construct(
        {"numberOfAvailabilityZones": 2, "subnetSpecs": PUBLIC_AND_PRIVATE}, Monitor(preview=True)
    )
    assert monitor.made("Subnet")["net-public-1"]["vpcId"] == UNKNOWN
    assert monitor.made("NatGateway")["net-1"]["allocationId"] == UNKNOWN
    assert values(answer.state)["vpcId"] == UNKNOWN
    assert values(answer.state)["vpc"]["id"] == ""


REFUSALS = [
    ({"ipv4IpamPoolId": "pool"}, "'ipv4IpamPoolId'"),
    ({"subnetStrategy": "Legacy"}, "Legacy is not supported"),
    ({"subnetStrategy": "AutoMerge"}, "AutoMerge is not supported"),
    ({"availabilityZoneNames": ["a"], "numberOfAvailabilityZones": 1}, "not both"),
    ({"numberOfAvailabilityZones": 4}, "has 3 availability zones, not 4"),
    ({"natGateways": {"strategy": "Some"}}, "use None, Single, OnePerAz"),
    ({"subnetSpecs": [{"type": "Public"}]}, "use None"),
    ({"natGateways": {"elasticIpAllocationIds": ["a"]}}, "takes 0 or 3"),
    ({"vpcEndpointStrategy": "Auto"}, "use Legacy"),
    ({"vpcEndpointSpecs": [{"serviceName": "s", "region": "r"}]}, "vpcEndpointSpecs[0].region"),
    ({"vpcEndpointSpecs": [{}]}, "serviceName is missing"),
    ({"cidrBlock": "10.0.0.0/33"}, "cidrBlock"),
]


@pytest.mark.parametrize(("inputs", "words"), REFUSALS, ids=[words for _, words in REFUSALS])
def test_refusals_make_nothing(inputs, words):
    monitor = Monitor()
    assert words in refusal(inputs, monitor)
    assert monitor.requests == []


def test_an_unset_strategy_is_refused_because_its_default_is_legacy():
    with attached(awsx.servicer(None)) as client, pytest.raises(grpc.RpcError, match="Legacy"):  # type: ignore[arg-type]
        client.stub.Construct(provider_pb2.ConstructRequest(type="awsx:ec2:Vpc", name="n"))


def test_a_child_that_fails_ends_the_construction():
    monitor = Monitor(refuse=":NatGateway")
    words = refusal({"subnetSpecs": PUBLIC_AND_PRIVATE}, monitor)
    assert words.startswith("net-")
    assert "could not be made" in words
    assert not monitor.made("Route").get("net-private-1")


def test_another_component_is_refused_by_name():
    with attached(awsx.servicer(None)) as client, pytest.raises(grpc.RpcError, match="awsx:ecs:X"):  # type: ignore[arg-type]
        client.stub.Construct(provider_pb2.ConstructRequest(type="awsx:ecs:X", name="n"))


def test_stacks_construct_side_by_side():
    monitors = [Monitor() for _ in range(4)]

    def one(number):
        return construct({"natGateways": {"strategy": "None"}}, monitors[number], f"net{number}")

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(one, range(4)))
    for number, (monitor, answer) in enumerate(answers):
        assert {request.name.split("-")[0] for request in monitor.requests} == {f"net{number}"}
        assert values(answer.state)["vpcId"] == f"Vpc/net{number}"
