"""The types of AWS resources: the call that describes one, its states, and what deletes it.

A row serves whoever looks for a resource: by its inputs, after an interrupted update; by the
stack's names and tags, after `destroy`; by its ARN, where the tagging API proposes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from automation.aws.clients import DENIED, Cloud, error_code

Row = Mapping[str, Any]
Values = Mapping[str, Any]
Found = TypeVar("Found")

ABSENT = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ClusterNotFoundException",
        "DBInstanceNotFound",
        "DBSubnetGroupNotFoundFault",
        "InvalidGroup.NotFound",
        "InvalidRouteTableID.NotFound",
        "InvalidVpcID.NotFound",
        "ListenerNotFound",
        "LoadBalancerNotFound",
        "NoSuchBucket",
        "NoSuchEntity",
        "NoSuchHostedZone",
        "NotFound",
        "NotFoundException",
        "PipelineNotFoundException",
        "QueueDoesNotExist",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
        "ServiceNotFoundException",
        "StateMachineDoesNotExist",
        "TargetGroupNotFound",
        "WAFNonexistentItemException",
    }
)
"""Error codes that say that there is no such resource."""

DELETED = frozenset({"deleted", "deleting"})

DELETED_KEY = frozenset({"pendingdeletion", "pendingreplicadeletion"})
"""A key can't be deleted at once: for seven days or more it is useless, costs nothing, and can
still be saved, see https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"""


@dataclass(frozen=True)
class ResourceType:
    """A type of resource. Texts in braces are filled from what is known of it.

    Attributes:
        call: what describes it: botocore's name of the service, the method, and the member of
            the answer that lists them or holds it, if that is not the answer itself.
        arguments: of the method. A part of the network without any is described by its tags.
        identity: Pulumi's id, from the described row; empty if adoption never needs one.
        delete: the command that deletes it, without `aws`.
        arn: a pattern of its ARNs, if the tagging API alone finds it; its groups name its inputs.
        part: of the ARN of a part of the network, before its id.
        gone: states, in lower case, of those that are described for a while after their deletion.
        filters: the parameter for the tags of a part of the network.
        same: whether a described row is the one that the inputs describe.
        find: finds the ids in another way than by `call`.
    """

    call: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    identity: str = ""
    delete: str = ""
    arn: str = ""
    part: str = ""
    gone: frozenset[str] = frozenset()
    filters: str = "Filters"
    same: Callable[[Row, Values], bool] = lambda _row, _inputs: True
    find: Callable[[Cloud, Values], list[str]] | None = None

    @property
    def adopted(self) -> bool:
        """Whether an interrupted update can have made one that the next would make twice."""
        return bool(self.identity or self.find)


def tag_filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """EC2's filters for resources that have all these tags."""
    return [{"Name": f"tag:{name}", "Values": [value]} for name, value in tags.items()]


def described(cloud: Cloud, kind: ResourceType, values: Values) -> list[Row]:
    """Describe the resources of a type by their service.

    Args:
        cloud: the stack's account.
        kind: the type.
        values: what its arguments are filled from: Pulumi's inputs, or what an ARN tells.

    Returns:
        The rows of the answer; none if the resources are gone or have a state of `gone`.
    """
    service, operation, *key = kind.call.split()
    client = cloud.client(service)
    arguments = _filled(kind.arguments, values)
    if kind.part and not arguments:
        arguments = {kind.filters: tag_filters(values.get("tags") or {})}

    def ask() -> list[Row]:
        if client.can_paginate(operation):
            return cloud.pages(service, operation, key[0], **arguments)
        answer = getattr(client, operation)(**arguments)
        found = answer[key[0]] if key else answer
        return found if isinstance(found, list) else [found]

    return [row for row in _unless_absent(ask) if _state(row) not in kind.gone]


def _unless_absent(ask: Callable[[], list[Found]]) -> list[Found]:
    try:
        return ask()
    except ClientError as error:
        if error_code(error) not in ABSENT:
            raise
        return []


def _state(row: Row) -> str:
    members = ("State", "status", "KeyState")
    return next((str(row[each]).lower() for each in members if each in row), "")


def _filled(value: Any, values: Values) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(each, values) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    return value.format_map(values) if isinstance(value, str) else value


def find(cloud: Cloud, kind: ResourceType, inputs: Values) -> list[str]:
    """Return Pulumi's ids of the resources that a resource's inputs describe."""
    if kind.find is not None:
        return _unless_absent(partial(kind.find, cloud, inputs))
    if kind.part and not kind.arguments and not marked(inputs.get("tags") or {}):
        return []
    if "{name}" in str(kind.arguments) and not inputs.get("name"):
        return []
    return [
        kind.identity.format_map({**inputs, **row})
        for row in described(cloud, kind, inputs)
        if kind.same(row, inputs)
    ]


def marked(tags: Iterable[str]) -> bool:
    """Whether the names of the tags by which a stack's resources are known are among these."""
    return {"project", "stack"} <= set(tags)


def by_arn(types: Iterable[ResourceType], arn: str) -> tuple[ResourceType, Values] | None:
    """The type that only the tagging API finds, with what an ARN tells of the resource."""
    for kind in types:
        if kind.arn and (found := re.fullmatch(kind.arn, arn)):
            return kind, {"arn": arn, **found.groupdict()}
    return None


def exists(cloud: Cloud, kind: ResourceType, values: Values) -> bool:
    """Ask the service that owns a resource; what this user may not look at is taken to exist."""
    if not kind.call:
        return True
    try:
        return any(kind.same(row, values) for row in described(cloud, kind, values))
    except ClientError as error:
        if error_code(error) not in DENIED:
            raise
        return True
