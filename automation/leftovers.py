"""What of a stack still exists in its account, looked for by name and by tag.

Each row of FINDERS asks one service. The tagging API is asked last, for types without a row: it
goes on listing a resource for a while after its deletion, so it is not asked for the others
(https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from automation.cloud import Cloud, error_code
from automation.removals import removal
from infra.names import Names


@dataclass(frozen=True)
class Leftover:
    """Something that a destroyed stack left behind.

    Attributes:
        arn: its ARN.
        why: what keeps it, or how it came to stay, and the command that removes it.
    """

    arn: str
    why: str


@dataclass(frozen=True)
class Search:
    """Where to look, and what belongs to the stack."""

    cloud: Cloud
    names: Names
    account: str
    region: str
    partition: str

    @property
    def base(self) -> str:
        """The beginning of every physical name of the stack."""
        return self.names.named()

    @property
    def filters(self) -> list[dict[str, Any]]:
        """EC2 filters for the stack's tags."""
        return [
            {"Name": "tag:project", "Values": [self.names.project]},
            {"Name": "tag:stack", "Values": [self.names.stack]},
        ]

    def owns(self, tags: Iterable[dict[str, Any]]) -> bool:
        """Whether tags, as lists of keys and values, are those of the stack."""
        plain = {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in tags}
        return plain.get("project") == self.names.project and plain.get("stack") == self.names.stack

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the stack's account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


Finder = Callable[[Search], Iterator[Leftover]]


def search(cloud: Cloud, names: Names) -> list[Leftover]:
    """Everything of the stack that exists; an empty list is what `destroy` must leave."""
    identity = cloud.client("sts").get_caller_identity()
    region = cloud.client("sts").meta.region_name
    partition = identity["Arn"].split(":")[1]
    where = Search(cloud, names, identity["Account"], region, partition)
    found = {leftover.arn: leftover for find in FINDERS for leftover in find(where)}
    return sorted(found.values(), key=lambda leftover: leftover.arn)


def _services(where: Search) -> Iterator[Leftover]:
    cluster = where.names.cluster
    try:
        arns = where.cloud.pages("ecs", "list_services", "serviceArns", cluster=cluster)
    except ClientError as error:
        if error_code(error) != "ClusterNotFoundException":
            raise
        return
    for arn in arns:
        if where.names.is_preview and not arn.endswith(f"/{where.names.service}"):
            continue
        command = f"aws ecs delete-service --force --cluster {cluster} --service {arn}"
        yield Leftover(arn, f"The service still exists: {command}")


def _clusters(where: Search) -> Iterator[Leftover]:
    if where.names.is_preview:
        return
    found = where.cloud.client("ecs").describe_clusters(clusters=[where.names.cluster])["clusters"]
    for cluster in found:
        if cluster["status"] != "INACTIVE":
            arn = cluster["clusterArn"]
            tasks = cluster.get("runningTasksCount", 0)
            yield Leftover(arn, f"{tasks} tasks run in it: aws ecs delete-cluster --cluster {arn}")


def task_definitions(cloud: Cloud, family: str, status: str) -> list[str]:
    """The ARNs of a family's revisions; the name of a family may begin that of another."""
    arns = cloud.pages(
        "ecs", "list_task_definitions", "taskDefinitionArns", familyPrefix=family, status=status
    )
    return [arn for arn in arns if arn.rpartition("/")[2].rpartition(":")[0] == family]


def _task_definitions(where: Search) -> Iterator[Leftover]:
    for status, command in (
        ("ACTIVE", "deregister-task-definition --task-definition"),
        ("INACTIVE", "delete-task-definitions --task-definitions"),
    ):
        for arn in task_definitions(where.cloud, where.names.service, status):
            yield Leftover(arn, f"The revision is {status.lower()}: aws ecs {command} {arn}")


def _repositories(where: Search) -> Iterator[Leftover]:
    name = where.names.repository
    if where.names.is_preview:
        yield from _preview_images(where)
        return
    try:
        found = where.cloud.client("ecr").describe_repositories(repositoryNames=[name])
    except ClientError as error:
        if error_code(error) != "RepositoryNotFoundException":
            raise
        return
    images = where.cloud.pages("ecr", "list_images", "imageIds", repositoryName=name)
    for repository in found["repositories"]:
        command = f"aws ecr delete-repository --force --repository-name {name}"
        yield Leftover(repository["repositoryArn"], f"It holds {len(images)} images: {command}")


def _preview_images(where: Search) -> Iterator[Leftover]:
    name = where.names.repository
    for tag in preview_tags(where.cloud, where.names):
        command = f"aws ecr batch-delete-image --repository-name {name} --image-ids imageTag={tag}"
        yield Leftover(
            where.arn("ecr", f"repository/{name}:{tag}"), f"The image still exists: {command}"
        )


def preview_tags(cloud: Cloud, names: Names) -> list[str]:
    """The tags of a preview's images in its environment's repository."""
    try:
        images = cloud.pages("ecr", "list_images", "imageIds", repositoryName=names.repository)
    except ClientError as error:
        if error_code(error) != "RepositoryNotFoundException":
            raise
        return []
    tags = (str(image.get("imageTag", "")) for image in images)
    return sorted(tag for tag in tags if tag.startswith(names.preview_tag_prefix))


def _log_groups(where: Search) -> Iterator[Leftover]:
    for group in log_groups(where.cloud, where.names):
        yield Leftover(
            where.arn("logs", f"log-group:{group}"),
            f"The log group still exists: aws logs delete-log-group --log-group-name {group}",
        )


def log_groups(cloud: Cloud, names: Names) -> list[str]:
    """The stack's log groups: its own, and those that AWS makes for its cluster and builds."""
    prefixes = [f"{names.log_group_prefix}/"]
    if not names.is_preview:
        prefixes += [f"/aws/ecs/containerinsights/{names.cluster}/", _builds(names)]
    return [
        group["logGroupName"]
        for prefix in prefixes
        for group in cloud.pages(
            "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix
        )
        if prefix.endswith("/") or group["logGroupName"] == prefix
    ]


def _builds(names: Names) -> str:
    return f"/aws/codebuild/{names.named()}"


def _roles(where: Search) -> Iterator[Leftover]:
    iam = where.cloud.client("iam")
    # A long name is cut and closed by a digest; its readable beginning stays.
    beginning = where.base[:40]
    for role in where.cloud.pages("iam", "list_roles", "Roles"):
        if not role["RoleName"].startswith(beginning):
            continue
        if where.owns(iam.list_role_tags(RoleName=role["RoleName"])["Tags"]):
            command = f"aws iam delete-role --role-name {role['RoleName']}"
            yield Leftover(role["Arn"], f"The role still exists: {command}")


@dataclass(frozen=True)
class Ec2Kind:
    """A kind of EC2 resource that carries tags."""

    operation: str
    key: str
    identity: str
    resource: str
    gone: frozenset[str] = frozenset()


EC2_KINDS = (
    Ec2Kind("describe_vpcs", "Vpcs", "VpcId", "vpc"),
    Ec2Kind("describe_subnets", "Subnets", "SubnetId", "subnet"),
    Ec2Kind("describe_security_groups", "SecurityGroups", "GroupId", "security-group"),
    Ec2Kind("describe_route_tables", "RouteTables", "RouteTableId", "route-table"),
    Ec2Kind(
        "describe_internet_gateways", "InternetGateways", "InternetGatewayId", "internet-gateway"
    ),
    Ec2Kind(
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        "natgateway",
        frozenset({"deleted", "deleting"}),
    ),
    Ec2Kind("describe_addresses", "Addresses", "AllocationId", "elastic-ip"),
    Ec2Kind(
        "describe_vpc_endpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        "vpc-endpoint",
        frozenset({"deleted", "deleting"}),
    ),
    Ec2Kind("describe_flow_logs", "FlowLogs", "FlowLogId", "vpc-flow-log"),
)


def _ec2(where: Search) -> Iterator[Leftover]:
    for kind in EC2_KINDS:
        # Two operations spell the parameter in another way than all others.
        odd = kind.operation in {"describe_nat_gateways", "describe_flow_logs"}
        arguments = {"Filter" if odd else "Filters": where.filters}
        for row in where.cloud.pages("ec2", kind.operation, kind.key, **arguments):
            if str(row.get("State", "")).lower() in kind.gone:
                continue
            identity = row[kind.identity]
            command = f"aws ec2 {kind.operation.replace('describe_', 'delete-').replace('_', '-')}"
            yield Leftover(
                where.arn("ec2", f"{kind.resource}/{identity}"),
                f"It still carries the stack's tags; see `{command.removesuffix('s')} help`.",
            )


def _elbv2(operation: str, key: str, arn_key: str, delete: str) -> Finder:
    def find(where: Search) -> Iterator[Leftover]:
        rows = where.cloud.pages("elbv2", operation, key)
        arns = [row[arn_key] for row in rows]
        client = where.cloud.client("elbv2")
        for start in range(0, len(arns), 20):  # DescribeTags takes 20 at most
            described = client.describe_tags(ResourceArns=arns[start : start + 20])
            for row in described["TagDescriptions"]:
                if where.owns(row["Tags"]):
                    arn = row["ResourceArn"]
                    yield Leftover(arn, f"It still exists: aws elbv2 {delete} {arn}")

    return find


def _scalable_targets(where: Search) -> Iterator[Leftover]:
    identity = f"service/{where.names.cluster}/{where.names.service}"
    found = where.cloud.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[identity]
    )["ScalableTargets"]
    for row in found:
        yield Leftover(
            row.get("ScalableTargetARN")
            or where.arn("application-autoscaling", f"scalable-target/{identity}"),
            "The scalable target still exists: aws application-autoscaling "
            f"deregister-scalable-target --service-namespace ecs --resource-id {identity} "
            "--scalable-dimension ecs:service:DesiredCount",
        )


def _alarms(where: Search) -> Iterator[Leftover]:
    identity = f"service/{where.names.cluster}/{where.names.service}"
    alarms = where.cloud.pages(
        "cloudwatch",
        "describe_alarms",
        "MetricAlarms",
        AlarmNamePrefix=f"TargetTracking-{identity}-",
    )
    for alarm in alarms:
        command = f"aws cloudwatch delete-alarms --alarm-names {alarm['AlarmName']}"
        yield Leftover(alarm["AlarmArn"], f"Target tracking made it: {command}")


COVERED = (
    ":ecs:",
    ":ecr:",
    ":logs:",
    ":iam:",
    ":ec2:",
    ":elasticloadbalancing:",
    ":application-autoscaling:",
)
"""Parts of the ARNs of services that a row of their own looks at."""


KEY_GONE = frozenset({"PendingDeletion", "PendingReplicaDeletion"})
"""A key can't be deleted at once: for seven days or more it is useless, costs nothing, and can
still be saved, see https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"""


def _is_gone(where: Search, arn: str) -> bool:
    """Whether a resource that still carries tags is deleted for all purposes."""
    if ":kms:" not in arn:
        return False
    try:
        described = where.cloud.client("kms").describe_key(KeyId=arn)
    except ClientError as error:
        if error_code(error) != "NotFoundException":
            raise
        return True
    return described["KeyMetadata"]["KeyState"] in KEY_GONE


def _tagged(where: Search) -> Iterator[Leftover]:
    filters = [
        {"Key": "project", "Values": [where.names.project]},
        {"Key": "stack", "Values": [where.names.stack]},
    ]
    rows = where.cloud.pages(
        "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters
    )
    for row in rows:
        arn = row["ResourceARN"]
        if not any(part in arn for part in COVERED) and not _is_gone(where, arn):
            yield Leftover(arn, f"It still carries the stack's tags: {removal(arn)}")


FINDERS: tuple[Finder, ...] = (
    _services,
    _clusters,
    _task_definitions,
    _repositories,
    _log_groups,
    _roles,
    _ec2,
    _elbv2(
        "describe_load_balancers",
        "LoadBalancers",
        "LoadBalancerArn",
        "delete-load-balancer --load-balancer-arn",
    ),
    _elbv2(
        "describe_target_groups",
        "TargetGroups",
        "TargetGroupArn",
        "delete-target-group --target-group-arn",
    ),
    _scalable_targets,
    _alarms,
    _tagged,
)
