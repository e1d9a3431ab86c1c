"""The network: a VPC with subnets in several zones, and one of four ways out of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from infra.context import Context
from infra.settings.model import NAMESPACE, Settings, SettingsError

Egress = Literal["public", "nat", "nat_per_zone", "endpoints"]


@dataclass(frozen=True)
class Layout:
    """The subnets and NAT gateways that a value of `egress` asks for.

    Attributes:
        tasks: the kind of the tasks' subnets.
        nat: how many NAT gateways there are.
        public_tasks: whether tasks get public addresses.
    """

    tasks: awsx.ec2.SubnetType
    nat: awsx.ec2.NatGatewayStrategy
    public_tasks: bool = False


LAYOUTS: Mapping[Egress, Layout] = {
    "public": Layout(
        awsx.ec2.SubnetType.PUBLIC, awsx.ec2.NatGatewayStrategy.NONE, public_tasks=True
    ),
    "nat": Layout(awsx.ec2.SubnetType.PRIVATE, awsx.ec2.NatGatewayStrategy.SINGLE),
    "nat_per_zone": Layout(awsx.ec2.SubnetType.PRIVATE, awsx.ec2.NatGatewayStrategy.ONE_PER_AZ),
    "endpoints": Layout(awsx.ec2.SubnetType.ISOLATED, awsx.ec2.NatGatewayStrategy.NONE),
}


USABLE_ZONES = {"opt-in-status": "opt-in-not-required", "zone-type": "availability-zone"}
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html"""

WITHOUT_FARGATE = ("apne1-az3", "cnn1-az3", "cnn1-az4", "usw1-az2")
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html"""

KINDS = (awsx.ec2.SubnetType.PUBLIC, awsx.ec2.SubnetType.PRIVATE, awsx.ec2.SubnetType.ISOLATED)


def subnet_ranges(cidr: str, kind: awsx.ec2.SubnetType, zones: int) -> list[str]:
    """The ranges of one kind of subnets, one a zone.

    Each kind has a quarter of the network, and each zone an eighth of that, whatever else there
    is: another zone, or another way out of a network in use, then overlaps nothing.

    Args:
        cidr: the network's range.
        kind: the kind of subnets.
        zones: how many ranges, 8 at most.
    """
    quarters = list(ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=2))
    eighths = quarters[KINDS.index(kind)].subnets(prefixlen_diff=3)
    return [str(eighth) for eighth in eighths][:zones]


def zone_names(settings: Settings) -> list[str]:
    """The zones of a network: those that the settings name, or else the first usable ones.

    Local and Wavelength Zones that the account has opted in to are left out: they have neither
    Fargate nor, most of them, application load balancers.

    Raises:
        SettingsError: the region has fewer.
    """
    if settings.zones:
        return list(settings.zones)
    found = aws.get_availability_zones(
        state="available",
        filters=[
            aws.GetAvailabilityZonesFilterArgs(name=name, values=[value])
            for name, value in USABLE_ZONES.items()
        ],
        exclude_zone_ids=list(WITHOUT_FARGATE),
    ).names
    if len(found) < settings.availability_zones:
        raise SettingsError(
            [
                f"{NAMESPACE}:availability_zones = {settings.availability_zones}: the region has "
                f"{len(found)} with Fargate ({', '.join(found)})"
            ]
        )
    return list(found)[: settings.availability_zones]


@dataclass(frozen=True)
class ExistingNetwork:
    """A network that somebody else made: the same as `Network`, without a resource of its own.

    How tasks get out is up to its routes; with `egress: endpoints` its endpoints must be there.
    """

    vpc_id: pulumi.Input[str]
    load_balancer_subnet_ids: pulumi.Input[Sequence[str]]
    task_subnet_ids: pulumi.Input[Sequence[str]]
    public_tasks: bool
    internet: bool = True
    route_table_ids: pulumi.Input[Sequence[str]] = ()

    @classmethod
    def of(cls, settings: Settings) -> ExistingNetwork:
        """The network that the settings name."""
        return cls(
            vpc_id=settings.vpc_id,
            load_balancer_subnet_ids=settings.load_balancer_subnet_ids or settings.subnet_ids,
            task_subnet_ids=settings.subnet_ids,
            public_tasks=LAYOUTS[settings.egress].public_tasks,
        )


class Network(pulumi.ComponentResource):
    """A VPC whose load balancer's subnets are public; where the tasks are depends on `egress`.

    Attributes:
        vpc_id: the VPC.
        load_balancer_subnet_ids: for the load balancer; those of the tasks where it is internal.
        task_subnet_ids: for the tasks.
        public_tasks: whether tasks need public addresses to reach anything.
        internet: whether tasks reach the internet at all.
        route_table_ids: every route table.
    """

    vpc_id: pulumi.Output[str]
    load_balancer_subnet_ids: pulumi.Output[Sequence[str]]
    task_subnet_ids: pulumi.Output[Sequence[str]]
    public_tasks: bool
    internet: bool
    route_table_ids: pulumi.Output[list[str]]

    def __init__(
        self, name: str, context: Context, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Network", name, None, opts)
        layout = LAYOUTS[context.settings.egress]
        vpc = self._vpc(name, context, layout)
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default",
            vpc_id=vpc.vpc_id,
            ingress=[],
            egress=[],
            tags={**context.tags, "Name": f"{context.names.named()}-unused"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.vpc_id = vpc.vpc_id
        self.task_subnet_ids = {
            awsx.ec2.SubnetType.PUBLIC: vpc.public_subnet_ids,
            awsx.ec2.SubnetType.PRIVATE: vpc.private_subnet_ids,
            awsx.ec2.SubnetType.ISOLATED: vpc.isolated_subnet_ids,
        }[layout.tasks]
        self.load_balancer_subnet_ids = (
            self.task_subnet_ids if context.settings.internal else vpc.public_subnet_ids
        )
        self.public_tasks = layout.public_tasks
        self.internet = layout.tasks is not awsx.ec2.SubnetType.ISOLATED
        self.route_table_ids = vpc.route_tables.apply(
            lambda tables: pulumi.Output.all(*(table.id for table in tables))
        )
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "load_balancer_subnet_ids": self.load_balancer_subnet_ids,
                "task_subnet_ids": self.task_subnet_ids,
            }
        )

    def _vpc(self, name: str, context: Context, layout: Layout) -> awsx.ec2.Vpc:
        settings = context.settings
        kinds = dict.fromkeys((awsx.ec2.SubnetType.PUBLIC, layout.tasks))
        return awsx.ec2.Vpc(
            f"{name}-vpc",
            awsx.ec2.VpcArgs(
                cidr_block=settings.vpc_cidr,
                availability_zone_names=zone_names(settings),
                enable_dns_hostnames=True,
                enable_dns_support=True,
                nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(strategy=layout.nat),
                subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
                subnet_specs=[
                    awsx.ec2.SubnetSpecArgs(
                        type=kind,
                        cidr_blocks=subnet_ranges(settings.vpc_cidr, kind, settings.zone_count),
                    )
                    for kind in kinds
                ],
                tags=dict(context.tags),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


AnyNetwork = Network | ExistingNetwork
