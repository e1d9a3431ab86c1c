"""Finds services of other stacks in an environment's cluster or on its listener."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.stack.shared_place import shared_place
from infra.names import Names

SERVICES_AT_ONCE = 10
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html"""

TAGGED_AT_ONCE = 20
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html"""

ABSENT = ("ClusterNotFoundException", "ListenerNotFound")


def sharers(cloud: Cloud, names: Names) -> list[str]:
    """Return the other stacks in an environment's cluster or on its listener.

    Args:
        cloud: the account.
        names: the environment's.

    Returns:
        project/stack of each; the ARN where no tags tell. The environment's own previews, which
        have a check of their own, are not among them.
    """
    found: set[str] = set()
    for look in (_of_cluster, _of_listener):
        try:
            found |= {_called(arn, tags) for arn, tags in look(cloud, names) if _other(tags, names)}
        except ClientError as error:
            if error_code(error) not in ABSENT:
                raise
    return sorted(found)


Tagged = tuple[str, Mapping[str, str]]


def _of_cluster(cloud: Cloud, names: Names) -> Iterator[Tagged]:
    """The services of the environment's own cluster; who uses another one shares that."""
    if names.shares_cluster:
        return
    arns = cloud.pages("ecs", "list_services", "serviceArns", cluster=names.cluster)
    for start in range(0, len(arns), SERVICES_AT_ONCE):
        answer = cloud.client("ecs").describe_services(
            cluster=names.cluster, services=arns[start : start + SERVICES_AT_ONCE], include=["TAGS"]
        )
        for row in answer["services"]:
            tags = {tag["key"]: tag["value"] for tag in row.get("tags", [])}
            yield str(row["serviceArn"]), tags


def _of_listener(cloud: Cloud, names: Names) -> Iterator[Tagged]:
    """The rules of the listener, where the environment made it."""
    shared = shared_place(cloud, names)
    if shared is None or names.shares_cluster:
        return
    rules = cloud.pages("elbv2", "describe_rules", "Rules", ListenerArn=shared.listener_arn)
    arns = [row["RuleArn"] for row in rules if not row["IsDefault"]]
    for start in range(0, len(arns), TAGGED_AT_ONCE):
        answer = cloud.client("elbv2").describe_tags(
            ResourceArns=arns[start : start + TAGGED_AT_ONCE]
        )
        for row in answer["TagDescriptions"]:
            yield str(row["ResourceArn"]), _tags(row["Tags"])


def _tags(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["Key"]: row["Value"] for row in rows}


def _other(tags: Mapping[str, str], names: Names) -> bool:
    """Whether tags are those of neither the environment nor one of its previews."""
    return (tags.get("project"), tags.get("environment")) != (names.project, names.stack)


def _called(arn: str, tags: Mapping[str, str]) -> str:
    return f"{tags['project']}/{tags['stack']}" if {"project", "stack"} <= tags.keys() else arn
