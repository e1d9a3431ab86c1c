"""Whether what a service or task refers to exists and fits: subnets, groups, target groups."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from localcloud.ecs import errors, shifting
from localcloud.ecs.core import Core
from localcloud.ecs.model import TaskDefinition
from localcloud.shared.service import ServiceError

MAXIMUM_SUBNETS = 16
MAXIMUM_SECURITY_GROUPS = 5


def check_network(core: Core, region: str, given: dict[str, Any] | None) -> dict[str, Any]:
    """The network configuration with its defaults, once its subnets and groups are found.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html

    Raises:
        ServiceError: InvalidParameterException.
    """
    configuration = (given or {}).get("awsvpcConfiguration")
    if not configuration or not configuration.get("subnets"):
        raise errors.invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    subnets = list(configuration["subnets"])
    groups = list(configuration.get("securityGroups") or [])
    if len(subnets) > MAXIMUM_SUBNETS:
        raise errors.invalid("subnets can have at most 16 items.")
    if len(groups) > MAXIMUM_SECURITY_GROUPS:
        raise errors.invalid("securityGroups can have at most 5 items.")
    ec2 = core.client("ec2", region)
    found = _lookup(lambda: ec2.describe_subnets(SubnetIds=subnets)["Subnets"], "subnet", subnets)
    networks = {subnet["VpcId"] for subnet in found}
    if len(networks) > 1:
        raise errors.invalid("All subnets must belong to the same VPC.")
    if groups:
        owners = _lookup(
            lambda: ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"],
            "security group",
            groups,
        )
        if {group["VpcId"] for group in owners} != networks:
            raise errors.invalid("Security groups and subnets must belong to the same VPC.")
    return {
        "awsvpcConfiguration": {
            "subnets": subnets,
            "securityGroups": groups,
            "assignPublicIp": configuration.get("assignPublicIp", "DISABLED"),
        }
    }


def _lookup(look: Any, what: str, wanted: list[str]) -> list[dict[str, Any]]:
    try:
        return list(look())
    except ClientError as error:
        details = error.response["Error"]
        raise errors.invalid(
            f"Error retrieving {what} information for [{', '.join(wanted)}]: "
            f"{details['Message']} (ErrorCode: {details['Code']})"
        ) from error


def zones_of(core: Core, region: str, subnets: list[str]) -> dict[str, str]:
    """Subnet → availability zone."""
    found = core.client("ec2", region).describe_subnets(SubnetIds=subnets)["Subnets"]
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in found}
    return {subnet: zones[subnet] for subnet in subnets}


def check_load_balancers(
    core: Core, region: str, balancers: list[dict[str, Any]], record: TaskDefinition
) -> None:
    """Target groups that can take this task definition's container and port.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html

    Raises:
        ServiceError: InvalidParameterException.
    """
    containers = {c["name"]: c for c in record.definition["containerDefinitions"]}
    for balancer in balancers:
        container = containers.get(balancer.get("containerName", ""))
        if not balancer.get("targetGroupArn"):
            raise errors.invalid("Target group ARN must be specified for a load balancer.")
        if container is None:
            raise errors.invalid(
                f"The container {balancer.get('containerName')} does not exist in the task "
                "definition."
            )
        port = balancer.get("containerPort")
        if port not in {mapping["containerPort"] for mapping in container["portMappings"]}:
            raise errors.invalid(
                f"The container {container['name']} did not have a container port {port} defined."
            )
        _check_target_group(core, region, balancer["targetGroupArn"])


def check_shift(
    core: Core, region: str, configuration: dict[str, Any], balancers: list[dict[str, Any]]
) -> None:
    """What a deployment that shifts traffic needs of its load balancers.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AdvancedConfiguration.html

    Raises:
        ServiceError: InvalidParameterException.
    """
    strategy = configuration["strategy"]
    if strategy == shifting.ROLLING:
        if configuration.get("bakeTimeInMinutes"):
            raise errors.unsupported("the service", "bakeTimeInMinutes with ROLLING")
        return
    if not balancers:
        raise errors.unsupported("the service", f"strategy {strategy} without a load balancer")
    for balancer in balancers:
        advanced = balancer.get("advancedConfiguration") or {}
        for member in ("alternateTargetGroupArn", "productionListenerRule", "roleArn"):
            if not advanced.get(member):
                raise errors.invalid(
                    f"{member} of advancedConfiguration must be specified for a load balancer with "
                    f"the {strategy} deployment strategy."
                )
        _check_target_group(core, region, advanced["alternateTargetGroupArn"])


def _check_target_group(core: Core, region: str, arn: str) -> None:
    try:
        group = core.client("elbv2", region).describe_target_groups(TargetGroupArns=[arn])[
            "TargetGroups"
        ][0]
    except ClientError as error:
        if error.response["Error"]["Code"] in (
            "TargetGroupNotFound",
            "TargetGroupNotFoundException",
        ):
            raise errors.invalid(f"The target group {arn} does not exist.") from error
        raise
    if group["TargetType"] != "ip":
        raise errors.invalid(
            f"The provided target group {arn} has target type {group['TargetType']}, which is "
            "incompatible with the awsvpc network mode specified in the task definition."
        )
    if not group.get("LoadBalancerArns"):
        raise errors.invalid(
            f"The target group with targetGroupArn {arn} does not have an associated load balancer."
        )


def launch_choice(
    given: dict[str, Any], providers: list[str], default: list[dict[str, Any]]
) -> tuple[str | None, list[dict[str, Any]]]:
    """The launch type or the capacity provider strategy that a request asks for.

    Raises:
        ServiceError: InvalidParameterException.
    """
    launch_type, strategy = given.get("launchType"), given.get("capacityProviderStrategy") or []
    if launch_type and strategy:
        raise errors.invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. "
            "Remove one and try again."
        )
    if launch_type not in (None, "FARGATE"):
        raise errors.invalid(f"The local cloud runs the launch type FARGATE, not {launch_type}.")
    for item in strategy:
        if item["capacityProvider"] not in providers:
            raise errors.provider_not_associated()
    if launch_type or strategy:
        return launch_type, strategy
    if default:
        return None, default
    raise _no_launch_type()


def _no_launch_type() -> ServiceError:
    return errors.invalid(
        "The local cloud has no EC2 instances: ask for launchType FARGATE, or give the cluster a "
        "default capacity provider strategy."
    )


def platform_version(given: str | None) -> str:
    """The Linux platform version that a request asks for.

    Raises:
        ServiceError: PlatformUnknownException.
    """
    if given in (None, "", "LATEST", "1.4.0"):
        return given or "LATEST"
    raise ServiceError(
        "PlatformUnknownException", f"The platform version {given} is unknown: use LATEST or 1.4.0."
    )
