"""Checks that the service can run in the network, cluster and listener that the settings name.

Nothing here changes anything: every call describes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import DENIED, error_code
from automation.diagnosis.diagnosis import Diagnosis
from automation.preflight.plan import Plan
from automation.stack.shared_place import shared_place
from infra.ingress.route import PRIORITY_TAG, numbers, priority
from infra.service.cluster import ON_DEMAND, SPOT
from infra.settings.host import host_names

BALANCER_ADDRESSES = 8
"""Of each subnet, free ones that a load balancer needs:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#subnets-load-balancer
"""

TASKS_AT_ONCE = 2
"""During a release the tasks before it run beside the new ones."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with one setting.

    Attributes:
        setting: its name.
        said: what is wrong.
        change: what to do.
    """

    setting: str
    said: str
    change: str


Rows = dict[str, dict[str, Any]]


def place(planned: Plan) -> Iterator[Diagnosis]:
    """Return what is missing, wrong or full in the named network, cluster and listener."""
    for ask in (_network, _cluster, _listener):
        try:
            faults = list(ask(planned))
        except ClientError as error:
            if error_code(error) not in DENIED:
                raise
            planned.session.screen.note(f"The place can't be looked at: {error}")
            continue
        for fault in faults:
            yield Diagnosis(
                fault.said, [], f"fargate-cd:{fault.setting}: {fault.change}", name="place"
            )


def _network(planned: Plan) -> Iterator[Fault]:
    settings = planned.settings
    if not settings.vpc_id or settings.preview_of:
        return
    pages, within = planned.cloud.pages, [{"Name": "vpc-id", "Values": [settings.vpc_id]}]
    if not _described(lambda: pages("ec2", "describe_vpcs", "Vpcs", VpcIds=[settings.vpc_id])):
        yield Fault("vpc_id", f"There is no VPC {settings.vpc_id}.", "a VPC of this region")
        return
    found = pages("ec2", "describe_subnets", "Subnets", Filters=within)
    subnets: Rows = {row["SubnetId"]: row for row in found}
    tables = pages("ec2", "describe_route_tables", "RouteTables", Filters=within)
    for name, ids in (
        ("subnet_ids", settings.subnet_ids),
        ("load_balancer_subnet_ids", settings.load_balancer_subnet_ids),
    ):
        missing = [each for each in ids if each not in subnets]
        if missing:
            said = f"{', '.join(missing)}: no subnet of {settings.vpc_id}."
            yield Fault(name, said, f"subnets of {settings.vpc_id}: {', '.join(sorted(subnets))}")
    known = [each for each in settings.subnet_ids if each in subnets]
    yield from _way_out(planned, known, tables)
    yield from _room(planned, subnets)
    yield from _of_balancer(planned, subnets, tables)


def _described(call: Callable[[], Sequence[Any]]) -> Sequence[Any]:
    """Return what a call describes; nothing if the resource does not exist."""
    try:
        return call()
    except ClientError as error:
        if "NotFound" not in error_code(error):
            raise
        return []


def _default_route(subnet: str, tables: Sequence[dict[str, Any]]) -> str:
    """Return the gateway of a subnet's default route; empty if it has none."""
    main: dict[str, Any] = {}
    for table in tables:
        for association in table.get("Associations", []):
            if association.get("SubnetId") == subnet:
                return _target(table)
            if association.get("Main"):
                main = table
    return _target(main)


def _target(table: dict[str, Any]) -> str:
    for route in table.get("Routes", []):
        if route.get("DestinationCidrBlock") == "0.0.0.0/0":
            keys = ("GatewayId", "NatGatewayId", "TransitGatewayId", "NetworkInterfaceId")
            return str(next((route[key] for key in keys if route.get(key)), ""))
    return ""


def _way_out(
    planned: Plan, subnets: Sequence[str], tables: Sequence[dict[str, Any]]
) -> Iterator[Fault]:
    """Check that the default routes of the tasks' subnets agree with `egress`."""
    egress, vpc = planned.settings.egress, planned.settings.vpc_id
    routes = {subnet: _default_route(subnet, tables) for subnet in subnets}
    public = [subnet for subnet, target in routes.items() if target.startswith("igw-")]
    if egress == "public":
        wrong, said = sorted(set(subnets) - set(public)), "has no route to an internet gateway"
        change = "nat where a NAT gateway serves them, or endpoints"
    elif egress == "endpoints":
        within = [{"Name": "vpc-id", "Values": [vpc]}]
        services = planned.cloud.pages(
            "ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=within
        )
        have = {row["ServiceName"].split(".", 3)[-1] for row in services}
        wrong = sorted({"ecr.api", "ecr.dkr", "logs", "s3"} - have)
        said, change = f"is no endpoint of {vpc}", "nat, or make the endpoints"
    else:
        wrong = sorted(subnet for subnet, target in routes.items() if not target)
        wrong += sorted(public)
        said, change = (
            "has no route to a NAT gateway",
            "public for subnets with a gateway",
        )
    if wrong:
        yield Fault("egress", f"{egress}: {', '.join(wrong)} {said}.", change)


def _room(planned: Plan, subnets: Rows) -> Iterator[Fault]:
    """Check that the subnets have free addresses for a release and the load balancer."""
    settings = planned.settings
    free = sum(
        subnets[each]["AvailableIpAddressCount"] for each in settings.subnet_ids if each in subnets
    )
    wanted = TASKS_AT_ONCE * settings.highest_count
    if planned.new and free < wanted:
        yield Fault(
            "subnet_ids",
            f"They have {free} free addresses; a release of {settings.highest_count} tasks "
            f"(max_count) needs {wanted}.",
            "larger subnets, or a lower max_count",
        )


def _of_balancer(planned: Plan, subnets: Rows, tables: Sequence[dict[str, Any]]) -> Iterator[Fault]:
    """Whether a load balancer of the stack's own finds zones, room and the internet."""
    settings = planned.settings
    if settings.listener_arn:
        return
    own = bool(settings.load_balancer_subnet_ids)
    name = "load_balancer_subnet_ids" if own else "subnet_ids"
    ids = [each for each in getattr(settings, name) if each in subnets]
    zones = [subnets[each]["AvailabilityZone"] for each in ids]
    if len(set(zones)) < 2 or len(set(zones)) < len(zones):
        said = f"They are in {', '.join(zones) or 'no zone'}; a load balancer needs one in each of "
        yield Fault(name, f"{said}two zones or more.", "one subnet in each of two zones or more")
    full = [each for each in ids if subnets[each]["AvailableIpAddressCount"] < BALANCER_ADDRESSES]
    if planned.new and full:
        said = f"{', '.join(full)} has fewer than {BALANCER_ADDRESSES} free addresses, which a "
        yield Fault(name, f"{said}load balancer needs.", "larger subnets")
    inside = [each for each in ids if not _default_route(each, tables).startswith("igw-")]
    if inside and not settings.internal:
        said = f"{', '.join(inside)} has no route to an internet gateway, by which the load "
        change = "public subnets; or set fargate-cd:internal: true"
        yield Fault(name, f"{said}balancer is reached.", change)


def _cluster(planned: Plan) -> Iterator[Fault]:
    arn = planned.settings.cluster_arn
    if not arn or planned.settings.preview_of:
        return
    found = planned.cloud.client("ecs").describe_clusters(clusters=[arn])["clusters"]
    if not found or found[0]["status"] != "ACTIVE":
        status = found[0]["status"] if found else "missing"
        yield Fault("cluster_arn", f"{arn} is {status}.", "a cluster that is ACTIVE")
        return
    wanted = {ON_DEMAND, SPOT} if planned.settings.spot else {ON_DEMAND}
    missing = sorted(wanted - set(found[0].get("capacityProviders", [])))
    if missing:
        yield Fault(
            "cluster_arn",
            f"{arn} lacks the capacity providers {', '.join(missing)}.",
            "a cluster with them, or add them: aws ecs put-cluster-capacity-providers",
        )


def _listener(planned: Plan) -> Iterator[Fault]:
    """Whether the listener is one of the network, reaches the tasks, and has a free priority."""
    settings = planned.settings
    if not settings.has_route or settings.preview_of:
        return
    arn = settings.listener_arn
    if arn:
        faults = list(_of_foreign(planned, arn))
        yield from faults
        if faults:
            return
    else:
        names = planned.session.names
        host = host_names(names, settings)
        shared = shared_place(planned.cloud, host) if host else None
        if shared is None:
            said = (
                f"There is no environment {settings.in_environment} that shares its place; one "
                "behind a `listener_arn` does not."
            )
            stack = settings.in_environment.rpartition("/")[2]
            change = f"one that is up: `python automation/run.py up --stack {stack}`"
            yield Fault("in_environment", said, change)
            return
        arn = shared.listener_arn
    yield from _taken(planned, arn)


def _of_foreign(planned: Plan, arn: str) -> Iterator[Fault]:
    elb, settings = planned.cloud.client("elbv2"), planned.settings
    listeners = _described(lambda: elb.describe_listeners(ListenerArns=[arn])["Listeners"])
    if not listeners:
        yield Fault("listener_arn", f"There is no listener {arn}.", "a listener that exists")
        return
    balancer = elb.describe_load_balancers(LoadBalancerArns=[listeners[0]["LoadBalancerArn"]])[
        "LoadBalancers"
    ][0]
    if balancer["VpcId"] != settings.vpc_id:
        said = f"Its load balancer is in {balancer['VpcId']}, not in {settings.vpc_id}."
        yield Fault("listener_arn", said, f"a listener of a load balancer in {settings.vpc_id}")
        return
    groups = sorted(balancer.get("SecurityGroups", []))
    rules = planned.cloud.pages(
        "ec2",
        "describe_security_group_rules",
        "SecurityGroupRules",
        Filters=[{"Name": "group-id", "Values": groups}],
    )
    port = settings.container_port
    if not any(_lets_out(rule, port) for rule in rules):
        said = f"The security groups of its load balancer ({', '.join(groups)}) let nothing out to "
        change = f"let TCP {port} out to the subnets of the tasks there; that group is not changed"
        yield Fault("listener_arn", f"{said}port {port}, on which the tasks listen.", change)


def _lets_out(rule: dict[str, Any], port: int) -> bool:
    """Whether a rule lets requests to a port out, at least to somewhere."""
    if not rule["IsEgress"]:
        return False
    if rule["IpProtocol"] == "-1":
        return True
    return bool(rule["IpProtocol"] == "tcp" and rule["FromPort"] <= port <= rule["ToPort"])


def _taken(planned: Plan, listener_arn: str) -> Iterator[Fault]:
    """Whether a rule of somebody else has the priority that the service would get."""
    names = planned.session.names
    rows = planned.cloud.pages(
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        TagFilters=[{"Key": PRIORITY_TAG}],
        ResourceTypeFilters=["elasticloadbalancing:targetgroup"],
    )
    tags = ({tag["Key"]: tag["Value"] for tag in row["Tags"]} for row in rows)
    own = f"{names.project}/{names.stack}"
    wanted = priority(planned.settings, own, numbers(tags, PRIORITY_TAG))
    rules = planned.cloud.pages("elbv2", "describe_rules", "Rules", ListenerArn=listener_arn)
    arns = {
        row["RuleArn"]: row["Priority"]
        for row in rules
        if row["Priority"] in (str(wanted), str(wanted - 1))
    }
    if not arns:
        return
    elb = planned.cloud.client("elbv2")
    for row in elb.describe_tags(ResourceArns=list(arns))["TagDescriptions"]:
        told = {tag["Key"]: tag["Value"] for tag in row["Tags"]}
        if (told.get("project"), told.get("stack")) != (names.project, names.stack):
            said = f"The priority {arns[row['ResourceArn']]} of {listener_arn} is taken."
            yield Fault("route_priority", said, "another one, whose predecessor is free too")
