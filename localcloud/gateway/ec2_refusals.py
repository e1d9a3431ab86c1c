"""What EC2 refuses: parts of a network that are in use or do not exist.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcloud.gateway.check_context import CheckContext
from localcloud.shared.service import Call, ServiceError

DRY_RUN_STATUS = 412


def dry_run(context: CheckContext, call: Call) -> None:
    """Answer a call with `DryRun`, which is allowed, as EC2 does: by an error.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
    """
    del context
    if call.input.get("DryRun"):
        raise ServiceError(
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
            DRY_RUN_STATUS,
        )


def address_in_use(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html"""
    ec2 = context.backend(call)
    wanted = call.input.get("AllocationId")
    for address in ec2.addresses:
        if address.allocation_id != wanted or not address.association_id:
            continue
        if _live_gateway_of_address(ec2, wanted) is not None:
            raise ServiceError(
                "AuthFailure", "You do not have permission to access the specified resource."
            )
        raise ServiceError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")


def _live_gateway_of_address(ec2: Any, allocation_id: str) -> str | None:
    for gateway in ec2.nat_gateways.values():
        used = {address.get("allocationId") for address in gateway.address_set}
        if gateway.state in ("available", "pending", "deleting") and allocation_id in used:
            return str(gateway.id)
    return None


def group_in_use(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/deleting-security-groups.html"""
    group_id = call.input.get("GroupId")
    ec2 = context.backend(call)
    groups = [group for by_id in ec2.groups.values() for group in by_id.values()]
    group = next((group for group in groups if group.id == group_id), None)
    if group is None:
        return  # the emulator says that it is not there
    if group.name == "default":
        raise ServiceError(
            "CannotDelete",
            f'the specified group: "{group.id}" name: "default" cannot be deleted by a user',
        )
    users = [*_references(groups, group), *_group_users(context, call, ec2, group.id)]
    if users:
        raise ServiceError(
            "DependencyViolation",
            f"resource {group.id} has a dependent object ({', '.join(users)})",
        )


def _references(groups: list[Any], group: Any) -> Iterator[str]:
    for other in groups:
        if other.id == group.id:
            continue
        for rule in [*other.ingress_rules, *other.egress_rules]:
            if rule.source_group.get("GroupId") == group.id:
                yield f"a rule of {other.id}"
                break


def _group_users(context: CheckContext, call: Call, ec2: Any, group_id: str) -> Iterator[str]:
    for endpoint in ec2.vpc_end_points.values():
        if endpoint.state != "deleted" and group_id in (endpoint.security_group_ids or []):
            yield f"endpoint {endpoint.id}"
    for interface in ec2.enis.values():
        if any(group.id == group_id for group in interface.group_set):
            yield f"network interface {interface.id}"
    for balancer in context.backend(call, "elbv2").load_balancers.values():
        if group_id in balancer.security_groups:
            yield f"load balancer {balancer.name}"
    yield from services_with(context, call, "securityGroups", group_id)


def services_with(context: CheckContext, call: Call, member: str, wanted: str) -> Iterator[str]:
    """ECS services whose tasks stand in a subnet or behind a group."""
    ecs = context.client("ecs", call.region)
    for cluster in ecs.list_clusters()["clusterArns"]:
        names = [
            name
            for page in ecs.get_paginator("list_services").paginate(cluster=cluster)
            for name in page["serviceArns"]
        ]
        for start in range(0, len(names), 10):
            answer = ecs.describe_services(cluster=cluster, services=names[start : start + 10])
            for service in answer["services"]:
                network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
                if wanted in network.get(member, []) and service["runningCount"]:
                    yield f"tasks of service {service['serviceName']}"


def subnet_in_use(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html"""
    subnet_id = call.input["SubnetId"]
    ec2 = context.backend(call)
    users = [
        gateway.id
        for gateway in ec2.nat_gateways.values()
        if gateway.subnet_id == subnet_id and gateway.state != "deleted"
    ]
    users += [
        endpoint.id
        for endpoint in ec2.vpc_end_points.values()
        if endpoint.state != "deleted" and subnet_id in (endpoint.subnet_ids or [])
    ]
    users += [
        f"load balancer {balancer.name}"
        for balancer in context.backend(call, "elbv2").load_balancers.values()
        if any(subnet.id == subnet_id for subnet in balancer.subnets)
    ]
    users += services_with(context, call, "subnets", subnet_id)
    if users:
        raise ServiceError(
            "DependencyViolation",
            f"The subnet '{subnet_id}' has dependencies and cannot be deleted "
            f"({', '.join(users)}).",
        )


def vpc_in_use(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html"""
    vpc = call.input["VpcId"]
    ec2 = context.backend(call)
    users = [group.id for group in ec2.groups.get(vpc, {}).values() if group.name != "default"]
    users += [
        gateway.id
        for gateway in ec2.internet_gateways.values()
        if gateway.vpc is not None and gateway.vpc.id == vpc
    ]
    users += [
        endpoint.id
        for endpoint in ec2.vpc_end_points.values()
        if endpoint.vpc_id == vpc and endpoint.state != "deleted"
    ]
    if users:
        raise ServiceError(
            "DependencyViolation",
            f"The vpc '{vpc}' has dependencies and cannot be deleted ({', '.join(users)}).",
        )


def endpoint_service_exists(context: CheckContext, call: Call) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html"""
    name = call.input.get("ServiceName")
    if name is None:
        return
    ec2 = context.client("ec2", call.region)
    known = {
        service
        for page in ec2.get_paginator("describe_vpc_endpoint_services").paginate()
        for service in page["ServiceNames"]
    }
    if name not in known:
        raise ServiceError(
            "InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist"
        )
