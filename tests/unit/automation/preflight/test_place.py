"""A place that exists is looked at before anything is touched, and each fault names its setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from automation.aws.clients import Cloud
from automation.preflight.place import place
from automation.preflight.quotas import QUOTAS
from infra.names import Names
from infra.settings.model import Settings

REGION = "us-east-1"


@dataclass
class Made:
    """A network with an internet gateway, two public and two private subnets."""

    cloud: Cloud
    vpc: str
    public: list[str]
    private: list[str]
    group: str
    balancer: str
    listener: str

    @property
    def settings(self) -> dict[str, Any]:
        return {"vpc_id": self.vpc, "subnet_ids": self.public}

    @property
    def routed(self) -> dict[str, Any]:
        return self.settings | {"listener_arn": self.listener, "route_paths": ["/api/*"]}

    def faults(self, **settings: Any) -> list[str]:
        """The settings that are at fault, and why."""
        session = SimpleNamespace(names=Names("shop", "api"))
        planned: Any = SimpleNamespace(
            settings=Settings.parse(settings), cloud=self.cloud, session=session, new=True
        )
        found = list(place(planned))
        assert all((each.setting or "").startswith("fargate-cd:") for each in found)
        return [f"{(each.setting or '').split(':')[1]}: {each.cause}" for each in found]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield _network(Cloud(REGION))


def _network(cloud: Cloud) -> Made:
    ec2, elb = cloud.client("ec2"), cloud.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("abab")
    ]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    for subnet in subnets[:2]:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    group = ec2.create_security_group(GroupName="lb", Description="lb", VpcId=vpc)["GroupId"]
    balancer = elb.create_load_balancer(Name="theirs", Subnets=subnets[:2], SecurityGroups=[group])[
        "LoadBalancers"
    ][0]["LoadBalancerArn"]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = elb.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[answer]
    )["Listeners"][0]["ListenerArn"]
    return Made(cloud, vpc, subnets[:2], subnets[2:], group, balancer, listener)


def test_a_sound_place_has_no_faults(made: Made) -> None:
    assert made.faults(**made.settings) == []
    assert made.faults(**made.routed) == []
    assert made.faults() == []


def test_a_network_and_subnets_must_be_there(made: Made) -> None:
    (found,) = made.faults(**made.settings | {"vpc_id": "vpc-01234567"})
    assert found == "vpc_id: There is no VPC vpc-01234567."
    other = ["subnet-01234567", *made.public]
    (found,) = made.faults(**made.settings | {"subnet_ids": other})
    assert found == f"subnet_ids: subnet-01234567: no subnet of {made.vpc}."


@pytest.mark.parametrize("egress", ["nat", "nat_per_zone", "endpoints"])
def test_routes_must_lead_where_egress_says(made: Made, egress: str) -> None:
    private = made.settings | {
        "subnet_ids": made.private,
        "load_balancer_subnet_ids": made.public,
    }
    (found,) = made.faults(**private)
    assert found.startswith("egress: public: ")
    (found,) = made.faults(**private, egress=egress)
    assert found.startswith(f"egress: {egress}: ")
    _open(made, egress)
    assert made.faults(**private, egress=egress) == []


def _open(made: Made, egress: str) -> None:
    ec2 = made.cloud.client("ec2")
    if egress == "endpoints":
        for service in ("ecr.api", "ecr.dkr", "logs", "s3"):
            ec2.create_vpc_endpoint(
                VpcId=made.vpc,
                ServiceName=f"com.amazonaws.{REGION}.{service}",
                VpcEndpointType="Interface",
            )
        return
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=made.public[0], AllocationId=address)
    (main,) = ec2.describe_route_tables(
        Filters=[
            {"Name": "vpc-id", "Values": [made.vpc]},
            {"Name": "association.main", "Values": ["true"]},
        ]
    )["RouteTables"]
    ec2.create_route(
        RouteTableId=main["RouteTableId"],
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=gateway["NatGateway"]["NatGatewayId"],
    )


def test_a_load_balancer_needs_two_zones_and_the_internet(made: Made) -> None:
    (found,) = made.faults(**made.settings | {"subnet_ids": made.public[:1]})
    assert found.startswith("subnet_ids: They are in us-east-1a; a load balancer needs")
    (found,) = made.faults(**made.settings, load_balancer_subnet_ids=made.private)
    assert found.startswith("load_balancer_subnet_ids: ")
    assert "has no route to an internet gateway" in found
    inside = {"load_balancer_subnet_ids": made.private, "internal": True}
    assert made.faults(**made.settings, **inside) == []


def test_a_release_must_find_free_addresses(made: Made) -> None:
    (found,) = made.faults(**made.settings, max_count=400)
    assert found.startswith("subnet_ids: They have 502 free addresses; a release of 400 tasks")


def test_a_cluster_must_be_active_and_have_the_capacity(made: Made) -> None:
    ecs = made.cloud.client("ecs")
    arn = ecs.create_cluster(clusterName="theirs", capacityProviders=["FARGATE"])["cluster"][
        "clusterArn"
    ]
    assert made.faults(cluster_arn=arn) == []
    (found,) = made.faults(cluster_arn=arn, spot=True)
    assert found.endswith("lacks the capacity providers FARGATE_SPOT.")
    (found,) = made.faults(cluster_arn=arn.replace("theirs", "nobodys"))
    assert found.endswith("is missing.")


def test_a_listener_must_be_in_the_network_and_reach_the_tasks(made: Made) -> None:
    gone = made.listener[:-4] + "0000"
    (found,) = made.faults(**made.routed | {"listener_arn": gone})
    assert found.startswith("listener_arn: There is no listener")
    ec2 = made.cloud.client("ec2")
    ec2.revoke_security_group_egress(
        GroupId=made.group,
        IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    (found,) = made.faults(**made.routed)
    assert "let nothing out to port 9292" in found
    tasks = {"IpProtocol": "tcp", "FromPort": 9000, "ToPort": 9999}
    ec2.authorize_security_group_egress(
        GroupId=made.group, IpPermissions=[{**tasks, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}]
    )
    assert made.faults(**made.routed) == []


def test_a_listener_of_another_network_is_refused(made: Made) -> None:
    ec2 = made.cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    faults = made.faults(**made.routed | {"vpc_id": vpc, "subnet_ids": [subnet]})
    assert f"listener_arn: Its load balancer is in {made.vpc}, not in {vpc}." in faults


@pytest.mark.parametrize(("stack", "found"), [("api", []), ("other", ["route_priority"])])
def test_a_priority_of_somebody_else_is_refused(made: Made, stack: str, found: list[str]) -> None:
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    made.cloud.client("elbv2").create_rule(
        ListenerArn=made.listener,
        Priority=77,
        Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
        Actions=[answer],
        Tags=[{"Key": "project", "Value": "shop"}, {"Key": "stack", "Value": stack}],
    )
    faults = made.faults(**made.routed, route_priority=77)
    assert [each.split(":")[0] for each in faults] == found
    assert [each.split(":")[0] for each in made.faults(**made.routed, route_priority=78)] == found


def test_an_environment_that_is_not_up_is_named(made: Made) -> None:
    (found,) = made.faults(in_environment="dev", route_paths=["/api/*"])
    assert found.startswith("in_environment: There is no environment dev that shares its place; ")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, {"VPCs in the region": 1, "application load balancers in the region": 1}),
        ({"in_environment": "dev", "route_paths": ["/a"]}, {}),
        (
            {"vpc_id": "vpc-01234567", "subnet_ids": ["subnet-01234567"], "egress": "nat"},
            {"application load balancers in the region": 1},
        ),
    ],
)
def test_what_is_not_made_needs_no_quota(settings: Any, wanted: dict[str, int]) -> None:
    planned: Any = SimpleNamespace(settings=Settings.parse(settings), new=True)
    found = {each.name: each.wanted(planned) for each in QUOTAS if each.service != "fargate"}
    assert {name: number for name, number in found.items() if number} == wanted
