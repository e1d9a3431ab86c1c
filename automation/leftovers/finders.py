"""What of a stack still exists in its account, looked for by name and by tag.

Each row of FINDERS asks one service. The tagging API is asked last, for types without a row: it
goes on listing a resource for hours after its deletion, so it only proposes what to ask for
(https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.aws.ecs import task_definition_arns
from automation.leftovers import network as network
from automation.leftovers.removals import removal, still_exists
from automation.leftovers.search import Finder, Leftover, Search
from infra.names import Names
from infra.settings.model import Settings


def search(cloud: Cloud, names: Names, settings: Settings) -> list[Leftover]:
    """Everything of the stack that exists; an empty list is what `destroy` must leave."""
    identity = cloud.client("sts").get_caller_identity()
    region = cloud.client("sts").meta.region_name
    partition = identity["Arn"].split(":")[1]
    where = Search(cloud, names, settings, identity["Account"], region, partition)
    finders = PREVIEW_FINDERS if names.is_preview else FINDERS
    found = {leftover.arn: leftover for find in finders for leftover in find(where)}
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
        if where.names.shares_cluster and not arn.endswith(f"/{where.names.service}"):
            continue
        command = f"aws ecs delete-service --force --cluster {cluster} --service {arn}"
        yield Leftover(arn, f"The service still exists: {command}")


def _clusters(where: Search) -> Iterator[Leftover]:
    if where.names.shares_cluster:
        return
    found = where.cloud.client("ecs").describe_clusters(clusters=[where.names.cluster])["clusters"]
    for cluster in found:
        if cluster["status"] != "INACTIVE":
            arn = cluster["clusterArn"]
            tasks = cluster.get("runningTasksCount", 0)
            yield Leftover(arn, f"{tasks} tasks run in it: aws ecs delete-cluster --cluster {arn}")


def _task_definitions(where: Search) -> Iterator[Leftover]:
    for status, command in (
        ("ACTIVE", "deregister-task-definition --task-definition"),
        ("INACTIVE", "delete-task-definitions --task-definitions"),
    ):
        for arn in revisions(where.cloud, where.names, status):
            yield Leftover(arn, f"The revision is {status.lower()}: aws ecs {command} {arn}")


def revisions(cloud: Cloud, names: Names, status: str) -> list[str]:
    """The ARNs of the revisions of the stack's families that have a status."""
    families = [names.service] if names.is_preview else [names.service, names.release_family]
    return [arn for family in families for arn in task_definition_arns(cloud, family, status)]


def _repositories(where: Search) -> Iterator[Leftover]:
    names = where.names
    for name in (names.repository, names.preview_repository, names.cache_repository):
        yield from _repository(where, name)


def _repository(where: Search, name: str) -> Iterator[Leftover]:
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
        yield Leftover(
            where.arn("logs", f"log-group:{group}"),
            f"The log group still exists: aws logs delete-log-group --log-group-name {group}",
        )


def log_groups(cloud: Cloud, names: Names) -> list[str]:
    """The stack's log groups: its own, and those that AWS makes for its cluster and builds."""
    prefixes = [f"{names.log_group_prefix}/"]
    if not names.is_preview:
        prefixes.append(_builds(names))
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
    iam = where.cloud.client("iam")
    # A long name is cut and closed by a digest; its readable beginning stays.
    beginning = where.base[:40]
    for role in where.cloud.pages("iam", "list_roles", "Roles"):
        if not role["RoleName"].startswith(beginning):
            continue
        if where.owns(iam.list_role_tags(RoleName=role["RoleName"])["Tags"]):
            command = f"aws iam delete-role --role-name {role['RoleName']}"
            yield Leftover(role["Arn"], f"The role still exists: {command}")


def _identity_providers(where: Search) -> Iterator[Leftover]:
    iam = where.cloud.client("iam")
    for row in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        arn = row["Arn"]
        if where.owns(iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"]):
            command = "aws iam delete-open-id-connect-provider --open-id-connect-provider-arn"
            yield Leftover(arn, f"The identity provider still exists: {command} {arn}")


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


def _dashboards(where: Search) -> Iterator[Leftover]:
    region = where.cloud.client("cloudwatch").meta.region_name
    name = replace(where.names, region=region).dashboard
    rows = where.cloud.pages(
        "cloudwatch", "list_dashboards", "DashboardEntries", DashboardNamePrefix=name
    )
    for row in rows:
        if row["DashboardName"] == name:
            command = f"aws cloudwatch delete-dashboards --dashboard-names {name}"
            yield Leftover(row["DashboardArn"], f"The dashboard still exists: {command}")


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
    filters = [
        {"Key": "project", "Values": [where.names.project]},
        {"Key": "stack", "Values": [where.names.stack]},
    ]
    rows = where.cloud.pages(
        "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters
    )
    for row in rows:
        arn = row["ResourceARN"]
        if not any(part in arn for part in COVERED) and still_exists(where.cloud, arn):
            yield Leftover(arn, f"It still carries the stack's tags: {removal(arn)}")


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
