"""Tags of a request and tags of the resource that it is about."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from localcloud.iam.lookups import Lookups
from localcloud.shared.service import Call

log = logging.getLogger(__name__)


def as_mapping(tags: Any) -> dict[str, str]:
    """Tags as a mapping, from any of the shapes that AWS's services use."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    if isinstance(tags, str):
        return dict(parse_qsl(tags, keep_blank_values=True))
    found = {}
    for tag in tags or ():
        lower = {name.lower(): value for name, value in tag.items()}
        key = lower.get("key", lower.get("tagkey"))
        if key is not None:
            found[str(key)] = str(lower.get("value", lower.get("tagvalue", "")))
    return found


def request_tags(call: Call) -> dict[str, str]:
    """The tags that a call passes; `aws:RequestTag/…`."""
    given = call.input
    found: dict[str, str] = {}
    for name in ("Tags", "tags", "AddTags", "TagList", "Tagging"):
        value = given.get(name)
        if isinstance(value, Mapping) and "TagSet" in value:
            value = value["TagSet"]
        if value:
            found.update(as_mapping(value))
    for specification in given.get("TagSpecifications") or ():
        found.update(as_mapping(specification.get("Tags")))
    return found


def resource_tags(resource: str, call: Call, lookups: Lookups) -> dict[str, str]:
    """The tags that a resource carries now; `aws:ResourceTag/…`.

    None are found for a resource that doesn't exist yet or that the call leaves open by `*`.
    """
    parts = resource.split(":", 5)
    if len(parts) < 6 or parts[5].endswith("*"):
        return {}
    reader = READERS.get(parts[2])
    if reader is None:
        log.warning("the local cloud has no way to read the tags of %s", resource)
        return {}
    return reader(resource, parts[5], call, lookups)


Reader = Callable[[str, str, Call, Lookups], dict[str, str]]


def _by_api(
    service: str, operation: str, parameter: str, path: str, *, many: bool = False
) -> Reader:
    """A reader that asks the service itself, as the account's root."""

    def read(arn: str, tail: str, call: Call, lookups: Lookups) -> dict[str, str]:
        del tail
        client = lookups.client(service, call.region)
        try:
            answer = getattr(client, operation)(**{parameter: [arn] if many else arn})
        except client.exceptions.ClientError as error:
            log.info("no tags of %s: %s", arn, error)
            return {}
        value: Any = answer
        for step in path.split("."):
            value = value[int(step)] if step.isdigit() else value.get(step)
        return as_mapping(value)

    return read


def _of_ec2(arn: str, tail: str, call: Call, lookups: Lookups) -> dict[str, str]:
    del arn
    backend = lookups.backend("ec2", call.account, call.region)
    return {str(k): str(v) for k, v in backend.tags.get(tail.split("/", 1)[-1], {}).items()}


def _of_iam(arn: str, tail: str, call: Call, lookups: Lookups) -> dict[str, str]:
    backend = lookups.iam(call.account)
    kind, _, path = tail.partition("/")
    if kind == "role":
        for role in list(backend.roles.values()):
            if role.arn == arn:
                return as_mapping(role.tags)
    if kind == "user":
        user = backend.users.get(path.rsplit("/", 1)[-1])
        return as_mapping(user.tags) if user else {}
    if kind == "policy":
        policy = backend.managed_policies.get(arn)
        return as_mapping(policy.get_tags()) if policy else {}
    return {}


def _of_parameter(arn: str, tail: str, call: Call, lookups: Lookups) -> dict[str, str]:
    name = tail.removeprefix("parameter/")
    client = lookups.client("ssm", call.region)
    for candidate in (f"/{name}", name):
        try:
            answer = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=candidate)
        except client.exceptions.ClientError as error:
            log.info("no tags of %s: %s", arn, error)
            continue
        return as_mapping(answer["TagList"])
    return {}


READERS: dict[str, Reader] = {
    "acm": _by_api("acm", "list_tags_for_certificate", "CertificateArn", "Tags"),
    "application-autoscaling": _by_api(
        "application-autoscaling", "list_tags_for_resource", "ResourceARN", "Tags"
    ),
    "cloudwatch": _by_api("cloudwatch", "list_tags_for_resource", "ResourceARN", "Tags"),
    "codebuild": _by_api("codebuild", "batch_get_projects", "names", "projects.0.tags", many=True),
    "codepipeline": _by_api("codepipeline", "list_tags_for_resource", "resourceArn", "tags"),
    "ec2": _of_ec2,
    "ecr": _by_api("ecr", "list_tags_for_resource", "resourceArn", "tags"),
    "ecs": _by_api("ecs", "list_tags_for_resource", "resourceArn", "tags"),
    "elasticloadbalancing": _by_api(
        "elbv2", "describe_tags", "ResourceArns", "TagDescriptions.0.Tags", many=True
    ),
    "events": _by_api("events", "list_tags_for_resource", "ResourceARN", "Tags"),
    "iam": _of_iam,
    "kms": _by_api("kms", "list_resource_tags", "KeyId", "Tags"),
    "logs": _by_api("logs", "list_tags_for_resource", "resourceArn", "tags"),
    "scheduler": _by_api("scheduler", "list_tags_for_resource", "ResourceArn", "Tags"),
    "secretsmanager": _by_api("secretsmanager", "describe_secret", "SecretId", "Tags"),
    "sns": _by_api("sns", "list_tags_for_resource", "ResourceArn", "Tags"),
    "ssm": _of_parameter,
    "states": _by_api("stepfunctions", "list_tags_for_resource", "resourceArn", "tags"),
    "wafv2": _by_api(
        "wafv2", "list_tags_for_resource", "ResourceARN", "TagInfoForResource.TagList"
    ),
}
"""Vendor in the ARN → how its tags are read."""
