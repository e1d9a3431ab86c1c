"""The row of ECS task definitions.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from __future__ import annotations

import json
from typing import Any

from localcloud.providers.aws.comparing import same_unordered
from localcloud.providers.aws.spec import Op, Resource, Spec, Values
from localcloud.providers.aws.specs.ecs import TAGS
from localcloud.providers.aws.values import UNKNOWN, from_shape

# What ECS fills in: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
_CONTAINER_DEFAULTS: Values = {"cpu": 0, "essential": True}


_PORT_DEFAULTS: Values = {"protocol": "tcp"}


def _containers(inputs: Values) -> Values:
    """The containers, which Pulumi hands over as a text, and volumes as ECS nests them."""
    values = dict(inputs)
    text = values.get("containerDefinitions")
    if isinstance(text, str):
        values["containerDefinitions"] = _parsed(text)
    if isinstance(values.get("volumes"), list):
        values["volumes"] = [_volume(volume) for volume in values["volumes"]]
    return values


def _parsed(text: str) -> list[Values]:
    try:
        containers = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"containerDefinitions is no JSON: {error}") from error
    if not isinstance(containers, list):
        raise ValueError("containerDefinitions must be a list of containers")
    return containers


def _volume(volume: Any) -> Any:
    if not isinstance(volume, dict) or "hostPath" not in volume:
        return volume
    rest = {name: value for name, value in volume.items() if name != "hostPath"}
    return {**rest, "host": {"sourcePath": volume["hostPath"]}}


def same_containers(one: Any, other: Any) -> bool:
    """Container definitions that mean the same once ECS has filled in its defaults."""
    if not isinstance(one, str) or not isinstance(other, str):
        return bool(one is not UNKNOWN and one == other)
    try:
        first, second = json.loads(one), json.loads(other)
    except json.JSONDecodeError:
        return one == other
    return [_normal(entry) for entry in first] == [_normal(entry) for entry in second]


def _normal(container: Values) -> Values:
    normal = {**_CONTAINER_DEFAULTS, **container}
    normal["portMappings"] = [
        {**_PORT_DEFAULTS, "hostPort": port.get("containerPort"), **port}
        for port in container.get("portMappings", [])
    ]
    for unordered in ("environment", "secrets"):
        if unordered in normal:
            normal[unordered] = sorted(normal[unordered], key=lambda entry: str(entry["name"]))
    return {name: value for name, value in normal.items() if value not in ([], {}, None)}


def _find_task_definition(resource: Resource) -> Values | None:
    named = resource.outputs.get("arn") or resource.outputs.get("taskDefinitionArn") or resource.id
    if resource.inputs.get("trackLatest"):
        named = resource.id  # the family, of which ECS describes the latest active revision
    answer = resource.call("DescribeTaskDefinition", taskDefinition=named, include=["TAGS"])
    definition = answer["taskDefinition"]
    if definition["status"] != "ACTIVE":
        return None
    return {**definition, "tags": answer.get("tags", [])}


def _told_containers(resource: Resource, found: Values) -> Values:
    given = resource.inputs.get("containerDefinitions")
    live = json.dumps(found["containerDefinitions"], sort_keys=True, default=str)
    told: Values = {
        "containerDefinitions": given if same_containers(given, live) else live,
        "arnWithoutRevision": found["taskDefinitionArn"].rpartition(":")[0],
    }
    if "volumes" in resource.inputs:
        told["volumes"] = [_told_volume(volume) for volume in found.get("volumes", [])]
    return told


def _told_volume(volume: Values) -> Values:
    told = from_shape(volume, "volumes", {})
    host = told.pop("host", {})
    return {**told, **({"hostPath": host["sourcePath"]} if host.get("sourcePath") else {})}


def _deregister(resource: Resource) -> None:
    if not resource.outputs.get("skipDestroy"):
        resource.call("DeregisterTaskDefinition", taskDefinition=resource.outputs["arn"])


TASK_DEFINITION = Spec(
    "aws:ecs/taskDefinition:TaskDefinition",
    "ecs",
    create=Op("RegisterTaskDefinition"),
    read=_find_task_definition,
    delete=_deregister,
    id="taskDefinition.family",
    found_id="family",
    local=frozenset({"skipDestroy", "trackLatest"}),
    prepare=_containers,
    equal={"containerDefinitions": same_containers, "volumes": same_unordered},
    defaults={"skipDestroy": False},
    outputs={"arn": "taskDefinitionArn", "revision": "revision"},
    present=_told_containers,
    sticky=frozenset({"networkMode", "arnWithoutRevision"}),
    tags=TAGS,
    absent=frozenset({"ClientException"}),
)

ROWS = (TASK_DEFINITION,)
