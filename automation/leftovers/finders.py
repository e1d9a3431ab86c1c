"""Searches the account for what a destroyed stack left, by name and by tag.

Each row of FINDERS asks one service. The tagging API is asked last, for types without a row: it
goes on listing a resource for hours after its deletion, so it only proposes what to ask for
(https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.aws.ecs import task_definition_arns
from automation.aws.resource_table import TYPES
from automation.aws.resource_types import by_arn, described, exists
from automation.leftovers import network
from automation.leftovers.search import Finder, Leftover, Search
from infra.names import Names
from infra.settings.model import Settings

FINDERS_AT_ONCE = 6
"""Each waits for the answers of another service: on AWS about fifty calls, one after the other."""

ASKED = (
    *("application-autoscaling", "cloudwatch", "ec2", "ecr", "ecs", "elbv2", "iam"),
    *("logs", "resourcegroupstaggingapi", "sts"),
)
"""The services that the search after an environment asks, by botocore's names."""


def prepare(cloud: Cloud) -> None:
    """Make the clients of the search, which takes botocore half a second of processor time."""
    for service in ASKED:
        cloud.client(service)


def search(cloud: Cloud, names: Names, settings: Settings) -> list[Leftover]:
    """Return every resource of the stack that still exists; after `destroy` there is none."""
    identity = cloud.client("sts").get_caller_identity()
    region = cloud.client("sts").meta.region_name
    partition = identity["Arn"].split(":")[1]
    where = Search(cloud, names, settings, identity["Account"], region, partition)
    finders = PREVIEW_FINDERS if names.is_preview else FINDERS
    with ThreadPoolExecutor(FINDERS_AT_ONCE) as pool:
        lists = list(pool.map(lambda find: list(find(where)), finders))
    found = {leftover.arn: leftover for each in lists for leftover in each}
    return sorted(found.values(), key=lambda leftover: leftover.arn)


def _services(where: Search) -> Iterator[Leftover]:
    cluster = where.names.cluster
    try:
        arns = where.cloud.pages("ecs", "list_services", "serviceArns", cluster=cluster)
    except ClientError as error:
        if error_code(error) != "ClusterNotFoundException":
            raise
        return
    own = where.names.services(where.names.processes).values()
    for arn in arns:
        if where.names.shares_cluster and arn.rpartition("/")[2] not in own:
            continue
        yield where.leftover("aws:ecs/service:Service", arn, {"cluster": cluster})


def _clusters(where: Search) -> Iterator[Leftover]:
    if where.names.shares_cluster:
        return
    pulumi_type = "aws:ecs/cluster:Cluster"
    for row in described(where.cloud, TYPES[pulumi_type], {"name": where.names.cluster}):
        tasks = row.get("runningTasksCount", 0)
        yield where.leftover(pulumi_type, row["clusterArn"], why=f"{tasks} tasks run in it")


def _task_definitions(where: Search) -> Iterator[Leftover]:
    for status, command in (
        ("ACTIVE", "deregister-task-definition --task-definition"),
        ("INACTIVE", "delete-task-definitions --task-definitions"),
    ):
        for arn in revisions(where.cloud, where.names, status):
            yield Leftover(arn, f"The revision is {status.lower()}: aws ecs {command} {arn}")


def revisions(cloud: Cloud, names: Names, status: str) -> list[str]:
    """The ARNs of the revisions of the stack's families that have a status."""
    return [arn for family in names.families for arn in task_definition_arns(cloud, family, status)]


def _repositories(where: Search) -> Iterator[Leftover]:
    names = where.names
    for name in (names.repository, names.preview_repository, names.cache_repository):
        yield from _repository(where, name)


def _repository(where: Search, name: str) -> Iterator[Leftover]:
    pulumi_type = "aws:ecr/repository:Repository"
    for row in described(where.cloud, TYPES[pulumi_type], {"name": name}):
        images = where.cloud.pages("ecr", "list_images", "imageIds", repositoryName=name)
        yield where.leftover(
            pulumi_type, row["repositoryArn"], row, f"It holds {len(images)} images"
        )


def _preview_images(where: Search) -> Iterator[Leftover]:
    name = where.names.repository
    for tag in preview_tags(where.cloud, where.names):
        command = f"aws ecr batch-delete-image --repository-name {name} --image-ids imageTag={tag}"
        yield Leftover(
            where.arn("ecr", f"repository/{name}:{tag}"), f"The image still exists: {command}"
        )


def preview_tags(cloud: Cloud, names: Names) -> list[str]:
    """The tags of a preview's images in the repository of all previews."""
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
        arn = where.arn("logs", f"log-group:{group}")
        yield where.leftover("aws:cloudwatch/logGroup:LogGroup", arn, {"name": group})


def log_groups(cloud: Cloud, names: Names) -> list[str]:
    """The stack's log groups: its own, and those that AWS makes for its cluster and builds."""
    prefixes = [f"{names.log_group_prefix}/"]
    if not names.is_preview:
        prefixes += [_builds(names), names.firewall_log_group]
    if not names.shares_cluster:
        prefixes.append(f"/aws/ecs/containerinsights/{names.cluster}/")
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
    # A long name is cut and closed by a digest; its readable beginning stays.
    beginning = where.base[:40]
    for role in where.cloud.pages("iam", "list_roles", "Roles"):
        if not role["RoleName"].startswith(beginning):
            continue
        if where.owns(
            where.cloud.pages("iam", "list_role_tags", "Tags", RoleName=role["RoleName"])
        ):
            yield where.leftover("aws:iam/role:Role", role["Arn"], role)


def _identity_providers(where: Search) -> Iterator[Leftover]:
    pulumi_type = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    for row in described(where.cloud, TYPES[pulumi_type], {}):
        arn = row["Arn"]
        tags = where.cloud.pages(
            "iam", "list_open_id_connect_provider_tags", "Tags", OpenIDConnectProviderArn=arn
        )
        if where.owns(tags):
            yield where.leftover(pulumi_type, arn)


def _scalable_targets(where: Search) -> Iterator[Leftover]:
    pulumi_type = "aws:appautoscaling/target:Target"
    for identity in _scaled(where.names):
        scaled = {
            "serviceNamespace": "ecs",
            "resourceId": identity,
            "scalableDimension": "ecs:service:DesiredCount",
        }
        for row in described(where.cloud, TYPES[pulumi_type], scaled):
            arn = row.get("ScalableTargetARN") or where.arn(
                "application-autoscaling", f"scalable-target/{identity}"
            )
            yield where.leftover(pulumi_type, arn, row)


def _scaled(names: Names) -> list[str]:
    """What Application Auto Scaling calls the stack's services."""
    services = names.services(names.processes).values()
    return [f"service/{names.cluster}/{service}" for service in services]


def _alarms(where: Search) -> Iterator[Leftover]:
    pulumi_type = "aws:cloudwatch/metricAlarm:MetricAlarm"
    for identity in _scaled(where.names):
        for row in where.cloud.pages(
            "cloudwatch",
            "describe_alarms",
            "MetricAlarms",
            AlarmNamePrefix=f"TargetTracking-{identity}-",
        ):
            named = {"name": row["AlarmName"]}
            yield where.leftover(pulumi_type, row["AlarmArn"], named, "Target tracking made it")


def _dashboards(where: Search) -> Iterator[Leftover]:
    region = where.cloud.client("cloudwatch").meta.region_name
    name = replace(where.names, region=region).dashboard
    pulumi_type = "aws:cloudwatch/dashboard:Dashboard"
    for row in described(where.cloud, TYPES[pulumi_type], {"dashboardName": name}):
        if row["DashboardName"] == name:
            yield where.leftover(pulumi_type, row["DashboardArn"], row)


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


def _tagged(where: Search) -> Iterator[Leftover]:
    filters = [{"Key": key, "Values": [value]} for key, value in where.tags.items()]
    rows = where.cloud.pages(
        "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters
    )
    for row in rows:
        arn = row["ResourceARN"]
        if not any(part in arn for part in COVERED) and still_exists(where.cloud, arn):
            yield Leftover(arn, f"It still carries the stack's tags: {removal(arn)}")


def still_exists(cloud: Cloud, arn: str) -> bool:
    """Ask the service that owns a resource; one of a type without a row is taken to exist."""
    known = by_arn(TYPES.values(), arn)
    return known is None or exists(cloud, *known)


def removal(arn: str) -> str:
    """The command that removes a resource that is found by its tags alone."""
    known = by_arn(TYPES.values(), arn)
    if known is None:
        return f"find its delete command with `aws {arn.split(':')[2]} help`"
    return f"aws {known[0].delete.format_map(known[1])}"


FINDERS: tuple[Finder, ...] = (
    _services,
    _clusters,
    _task_definitions,
    _repositories,
    _log_groups,
    _roles,
    _identity_providers,
    *network.FINDERS,
    _scalable_targets,
    _alarms,
    _dashboards,
    _tagged,
)

PREVIEW_FINDERS: tuple[Finder, ...] = (
    _services,
    _task_definitions,
    _preview_images,
    _log_groups,
    *network.PREVIEW_FINDERS,
    _tagged,
)
"""What previews can leave. The role under which a workflow destroys them may look at no more."""
