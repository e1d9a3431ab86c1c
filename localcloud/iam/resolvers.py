"""From what a caller wrote to the part of an ARN: aliases, paths, names of secrets, owners."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from localcloud.iam.key_resolvers import KEY_RESOLVERS
from localcloud.iam.lookups import Lookups, Resolver, find_secret
from localcloud.shared.service import Call

ECS_NOT_FOUND = ("ClientException", "InvalidParameterException")


def _name(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """The last segment of an ARN, a URL or a path; a name stays as it is."""
    del call, lookups
    return [str(value).rstrip("/").rsplit("/", 1)[-1]]


def _account(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del value, lookups
    return [call.account]


def _task_definition(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """A family without revision means its newest."""
    del call
    text = str(value)
    if ":" in text.rsplit("/", 1)[-1]:
        return [text]
    found = _describe_task_definition(text, lookups)
    return [found["taskDefinitionArn"] if found else f"{text}:*"]


def _describe_task_definition(name: str, lookups: Lookups) -> dict[str, Any] | None:
    client = lookups.client("ecs")
    try:
        answer = client.describe_task_definition(taskDefinition=name)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ECS_NOT_FOUND:
            raise
        return None
    definition: dict[str, Any] = answer["taskDefinition"]
    return definition


def _task_roles(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """The roles of a task definition that is to be run."""
    del call
    definition = _describe_task_definition(str(value), lookups) or {}
    roles = (definition.get("taskRoleArn"), definition.get("executionRoleArn"))
    return [role for role in roles if role]


def _service_of_deployment(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """`…:service-deployment/CLUSTER/SERVICE/ID` belongs to `…:service/CLUSTER/SERVICE`."""
    del call, lookups
    start, _, rest = str(value).partition("/")
    return [f"{start.rsplit(':', 1)[0]}:service/{rest.rsplit('/', 1)[0]}"]


def _load_balancer_kind(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return [{"application": "app", "network": "net", "gateway": "gwy"}.get(str(value), "app")]


def _log_group(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """The name out of a log group's ARN."""
    del call, lookups
    text = str(value)
    return [text.split(":log-group:", 1)[1].removesuffix(":*") if ":log-group:" in text else text]


def _role(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """A role's ARN with its path; its name where there is no such role."""
    name = str(value)
    for role in list(lookups.iam(call.account).roles.values()):
        if role.name == name:
            return [role.arn]
    return [name]


def _user(value: Any, call: Call, lookups: Lookups) -> list[str]:
    user = lookups.iam(call.account).users.get(str(value))
    return [user.arn if user else str(value)]


def _group(value: Any, call: Call, lookups: Lookups) -> list[str]:
    group = lookups.iam(call.account).groups.get(str(value))
    return [group.arn if group else str(value)]


def _without_scheme(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return [str(value).split("://", 1)[-1].rstrip("/")]


def _secret(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """A secret's whole ARN by its name, ARN or ARN without the random suffix."""
    secret = find_secret(str(value), call.account, call.region, lookups)
    return [secret.arn if secret else str(value)]


def _parameter(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """A parameter's name without its leading slash, version and label."""
    del call, lookups
    text = str(value)
    if text.startswith("arn:"):
        return [text]
    return [text.split(":", 1)[0].lstrip("/")]


def _ssm_kind(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return [{"Parameter": "parameter", "Document": "document"}.get(str(value), str(value).lower())]


def _project_of_build(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """`PROJECT:UUID`, or the build's ARN, belongs to the project."""
    del call, lookups
    return [str(value).rsplit("/", 1)[-1].split(":", 1)[0]]


def _bus_segment(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """Rules of the default bus have no bus in their ARNs."""
    bus = _name(value, call, lookups)[0]
    return ["" if bus == "default" else f"{bus}/"]


def _topic_of_subscription(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return [str(value).rsplit(":", 1)[0]]


def _waf_scope(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return ["global" if value == "CLOUDFRONT" else "regional"]


def _copy_source(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """`bucket/key?versionId=…`, URL-encoded, or the same as members."""
    del call, lookups
    if isinstance(value, dict):
        return [f"{value['Bucket']}/{value['Key']}"]
    return [unquote(str(value).lstrip("/").split("?versionId=", 1)[0])]


EC2_KINDS = {"VPC": "vpc", "Subnet": "subnet", "NetworkInterface": "network-interface"}
EC2_ID_KINDS = {
    "acl": "network-acl",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "pl": "prefix-list",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
"""The start of an EC2 id → the kind in its ARN."""


def _ec2_kind(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return [EC2_KINDS.get(str(value), str(value).lower())]


def _ec2_resource(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    start = str(value).rsplit("-", 1)[0]
    return [f"{EC2_ID_KINDS.get(start, start)}/{value}"]


def _address_of_association(value: Any, call: Call, lookups: Lookups) -> list[str]:
    backend = lookups.backend("ec2", call.account, call.region)
    for address in list(backend.addresses.values()):
        if address.association_id == value:
            return [address.allocation_id]
    return ["*"]


def _table_of_association(value: Any, call: Call, lookups: Lookups) -> list[str]:
    backend = lookups.backend("ec2", call.account, call.region)
    for table in list(backend.route_tables.values()):
        if value in table.associations or value == getattr(table, "main_association_id", None):
            return [table.id]
    return ["*"]


def _enabled(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return ["true" if value == "ENABLED" else "false"]


def _truth(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return ["true" if value in (True, "true", "True") else "false"]


def _names(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del call, lookups
    return [str(name) for name in value]


def _boundary_of(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """The boundary that a call sets, or the one of the role that it changes."""
    text = str(value)
    if text.startswith("arn:"):
        return [text]
    for role in list(lookups.iam(call.account).roles.values()):
        if role.name == text and role.permissions_boundary_arn:
            return [role.permissions_boundary_arn]
    return []


def _ecs_arn(kind: str, value: Any, call: Call) -> str:
    text = str(value)
    if text.startswith("arn:"):
        return text
    return f"arn:aws:ecs:{call.region}:{call.account}:{kind}/{text}"


def _in_cluster(kind: str, value: Any, call: Call) -> list[str]:
    cluster = str(call.input.get("cluster") or "default").rsplit("/", 1)[-1]
    text = str(value)
    return [text if text.startswith("arn:") else _ecs_arn(kind, f"{cluster}/{text}", call)]


def _ecs_cluster(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del lookups
    return [_ecs_arn("cluster", value, call)]


def _ecs_service(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del lookups
    return _in_cluster("service", value, call)


def _ecs_task(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del lookups
    return _in_cluster("task", value, call)


def _ecs_task_definition(value: Any, call: Call, lookups: Lookups) -> list[str]:
    name = _task_definition(value, call, lookups)[0]
    return [_ecs_arn("task-definition", name, call)]


def _event_bus(value: Any, call: Call, lookups: Lookups) -> list[str]:
    del lookups
    text = str(value)
    if text.startswith("arn:"):
        return [text]
    return [f"arn:aws:events:{call.region}:{call.account}:event-bus/{text}"]


RESOLVERS: dict[str, Resolver] = {
    **KEY_RESOLVERS,
    "account": _account,
    "boundary_of": _boundary_of,
    "ecs_cluster": _ecs_cluster,
    "ecs_service": _ecs_service,
    "ecs_task": _ecs_task,
    "ecs_task_definition": _ecs_task_definition,
    "enabled": _enabled,
    "event_bus": _event_bus,
    "names": _names,
    "truth": _truth,
    "address_of_association": _address_of_association,
    "bus_segment": _bus_segment,
    "copy_source": _copy_source,
    "ec2_kind": _ec2_kind,
    "ec2_resource": _ec2_resource,
    "group": _group,
    "load_balancer_kind": _load_balancer_kind,
    "log_group": _log_group,
    "name": _name,
    "parameter": _parameter,
    "project_of_build": _project_of_build,
    "role": _role,
    "secret": _secret,
    "service_of_deployment": _service_of_deployment,
    "ssm_kind": _ssm_kind,
    "table_of_association": _table_of_association,
    "task_definition": _task_definition,
    "task_roles": _task_roles,
    "topic_of_subscription": _topic_of_subscription,
    "user": _user,
    "waf_scope": _waf_scope,
    "without_scheme": _without_scheme,
}
"""Name in a placeholder → the function that turns the input's value into the ARN's part."""
