"""Functions of the package: what programs, and components such as awsx, look up."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.providers.aws.calls import Api
from localcloud.providers.aws.spec import Values
from localcloud.providers.aws.values import from_shape


@dataclass(frozen=True)
class Invocation:
    """One call of a function: what it may use, and its arguments by Pulumi's names."""

    api: Api
    account: str
    arguments: Values

    def take(self, *names: str) -> Values:
        """The arguments, after a check that there are none but these."""
        unmapped = sorted(set(self.arguments) - {*names, "region"})
        if unmapped:
            raise ValueError(
                f"the local cloud does not map the argument {', '.join(map(repr, unmapped))}"
            )
        return self.arguments


Function = Callable[[Invocation], Values]


def caller_identity(invocation: Invocation) -> Values:
    """Who the provider is to AWS."""
    invocation.take()
    told = invocation.api.call("sts", "GetCallerIdentity", {})
    return {
        "id": told["Account"],
        "accountId": told["Account"],
        "arn": told["Arn"],
        "userId": told["UserId"],
    }


def region(invocation: Invocation) -> Values:
    """The region that the provider works in, or the one that is asked for."""
    wanted = invocation.take("id", "name", "endpoint")
    name = wanted.get("name") or wanted.get("id") or invocation.api.region
    answer = invocation.api.call("ec2", "DescribeRegions", {"RegionNames": [name]})
    found = answer["Regions"][0]
    return {
        "id": found["RegionName"],
        "name": found["RegionName"],
        "region": found["RegionName"],
        "endpoint": found["Endpoint"],
        "description": found["RegionName"],
    }


def partition(invocation: Invocation) -> Values:
    """The partition of the region: the local cloud is in the commercial one."""
    invocation.take("id")
    return {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


def availability_zones(invocation: Invocation) -> Values:
    """The zones of the region."""
    wanted = invocation.take(
        "state", "filters", "allAvailabilityZones", "excludeNames", "excludeZoneIds"
    )
    filters = [
        {"Name": entry["name"], "Values": entry["values"]} for entry in wanted.get("filters", [])
    ]
    if "state" in wanted:
        filters.append({"Name": "state", "Values": [wanted["state"]]})
    params: Values = {"Filters": filters} if filters else {}
    if "allAvailabilityZones" in wanted:
        params["AllAvailabilityZones"] = wanted["allAvailabilityZones"]
    zones = [
        zone
        for zone in invocation.api.call("ec2", "DescribeAvailabilityZones", params)[
            "AvailabilityZones"
        ]
        if zone["ZoneName"] not in wanted.get("excludeNames", [])
        and zone["ZoneId"] not in wanted.get("excludeZoneIds", [])
    ]
    zones.sort(key=lambda zone: str(zone["ZoneName"]))
    return {
        **wanted,
        "id": invocation.api.region,
        "region": invocation.api.region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
        "groupNames": sorted({zone.get("GroupName", invocation.api.region) for zone in zones}),
    }


def ecr_authorization_token(invocation: Invocation) -> Values:
    """A login to the image registry."""
    wanted = invocation.take("registryId")
    params = {"registryIds": [wanted["registryId"]]} if "registryId" in wanted else {}
    told = invocation.api.call("ecr", "GetAuthorizationToken", params)["authorizationData"][0]
    user, _, password = base64.b64decode(told["authorizationToken"]).decode().partition(":")
    return {
        **wanted,
        "id": invocation.api.region,
        "region": invocation.api.region,
        "authorizationToken": told["authorizationToken"],
        "expiresAt": told["expiresAt"].isoformat(),
        "proxyEndpoint": told["proxyEndpoint"],
        "userName": user,
        "password": password,
    }


def tagged_resources(invocation: Invocation) -> Values:
    """Resources by their tags or types."""
    wanted = invocation.take(
        "tagFilters",
        "resourceTypeFilters",
        "resourceArnLists",
        "excludeCompliantResources",
        "includeComplianceDetails",
    )
    params: Values = {
        "TagFilters": [
            {"Key": entry["key"], "Values": entry.get("values", [])}
            for entry in wanted.get("tagFilters", [])
        ],
        "ResourceTypeFilters": wanted.get("resourceTypeFilters"),
        "ResourceARNList": wanted.get("resourceArnLists"),
    }
    mappings: list[Any] = []
    token = ""
    while True:
        given = {name: value for name, value in params.items() if value}
        answer = invocation.api.call(
            "resourcegroupstaggingapi",
            "GetResources",
            {**given, **({"PaginationToken": token} if token else {})},
        )
        mappings += answer["ResourceTagMappingList"]
        token = answer.get("PaginationToken", "")
        if not token:
            break
    return {
        **wanted,
        "id": invocation.api.region,
        "region": invocation.api.region,
        "resourceTagMappingLists": [
            {
                "resourceArn": entry["ResourceARN"],
                "tags": {tag["Key"]: tag["Value"] for tag in entry["Tags"]},
                "complianceDetails": [],
            }
            for entry in mappings
        ],
    }


def ecs_service(invocation: Invocation) -> Values:
    """A service of ECS by its name and its cluster's ARN."""
    wanted = invocation.take("clusterArn", "serviceName", "tags")
    found = invocation.api.call(
        "ecs",
        "DescribeServices",
        {
            "cluster": wanted["clusterArn"],
            "services": [wanted["serviceName"]],
            "include": ["TAGS"],
        },
    )["services"]
    live = [service for service in found if service["status"] != "INACTIVE"]
    if not live:
        raise ValueError(f"no service {wanted['serviceName']} in {wanted['clusterArn']}")
    told = from_shape(live[0], "", {})
    return {
        **{
            name: told[name]
            for name in (
                "desiredCount",
                "pendingCount",
                "runningCount",
                "launchType",
                "schedulingStrategy",
                "status",
                "taskDefinition",
            )
            if name in told
        },
        **wanted,
        "arn": told["serviceArn"],
        "id": told["serviceArn"],
        "region": invocation.api.region,
        "loadBalancers": told.get("loadBalancers", []),
        "tags": {tag["key"]: tag["value"] for tag in told.get("tags", [])},
    }


def ecs_task_definition(invocation: Invocation) -> Values:
    """A task definition by family, `family:revision` or ARN."""
    wanted = invocation.take("taskDefinition")
    told = invocation.api.call("ecs", "DescribeTaskDefinition", wanted)["taskDefinition"]
    arn = told["taskDefinitionArn"]
    plain = from_shape(told, "", {})
    scalars = {name: value for name, value in plain.items() if isinstance(value, str | int)}
    return {
        **scalars,
        **wanted,
        "arn": arn,
        "id": arn,
        "arnWithoutRevision": arn.rsplit(":", 1)[0],
        "region": invocation.api.region,
    }


def ecs_container_definition(invocation: Invocation) -> Values:
    """One container of a task definition."""
    wanted = invocation.take("taskDefinition", "containerName")
    definition = invocation.api.call(
        "ecs", "DescribeTaskDefinition", {"taskDefinition": wanted["taskDefinition"]}
    )["taskDefinition"]
    for container in definition["containerDefinitions"]:
        if container["name"] == wanted["containerName"]:
            return _container(container, wanted, definition["taskDefinitionArn"])
    raise ValueError(f"no container {wanted['containerName']} in {wanted['taskDefinition']}")


def _container(container: Values, wanted: Values, arn: str) -> Values:
    image = container["image"]
    return {
        **wanted,
        "id": f"{arn}/{container['name']}",
        "image": image,
        "imageDigest": image.rpartition("@")[2] if "@" in image else image.rpartition(":")[2],
        "cpu": container.get("cpu", 0),
        "memory": container.get("memory", 0),
        "memoryReservation": container.get("memoryReservation", 0),
        "disableNetworking": container.get("disableNetworking", False),
        "dockerLabels": container.get("dockerLabels", {}),
        "environment": {entry["name"]: entry["value"] for entry in container.get("environment", [])},
    }


FUNCTIONS: dict[str, Function] = {
    "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
    "aws:index/getRegion:getRegion": region,
    "aws:index/getPartition:getPartition": partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": availability_zones,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": ecr_authorization_token,
    "aws:resourcegroupstaggingapi/getResources:getResources": tagged_resources,
    "aws:ecs/getService:getService": ecs_service,
    "aws:ecs/getTaskDefinition:getTaskDefinition": ecs_task_definition,
    "aws:ecs/getContainerDefinition:getContainerDefinition": ecs_container_definition,
}
