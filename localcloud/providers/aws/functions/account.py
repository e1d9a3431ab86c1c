"""Functions about the account, its regions and zones, and what is in it by tag.

As in the vendor's provider: https://github.com/hashicorp/terraform-provider-aws,
internal/service/meta/{region,partition}_data_source.go,
internal/service/sts/caller_identity_data_source.go,
internal/service/ec2/ec2_availability_zones_data_source.go and
internal/service/resourcegroupstaggingapi/resources_data_source.go.
"""

from __future__ import annotations

import functools
from typing import Any

import botocore.session

from localcloud.providers.aws.functions.invocation import Function, Invocation
from localcloud.providers.aws.spec import Values


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
    """The region that the provider works in, or the one that is asked for.

    No API is called: what regions there are stands in the SDK's own list.
    """
    wanted = invocation.take("id", "name", "endpoint")
    name = wanted.get("name") or wanted.get("id") or invocation.api.region
    for each in _partitions():
        if name in each["regions"]:
            return {
                "id": name,
                "name": name,
                "region": name,
                "endpoint": f"ec2.{name}.{each['dnsSuffix']}",
                "description": each["regions"][name]["description"],
            }
    raise ValueError(f"there is no region {name}")


@functools.cache
def _partitions() -> list[Values]:
    loader = botocore.session.get_session().get_component("data_loader")
    known: list[Values] = loader.load_data("endpoints")["partitions"]
    return known


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
        "id": "aws",
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


FUNCTIONS: dict[str, Function] = {
    "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
    "aws:index/getRegion:getRegion": region,
    "aws:index/getPartition:getPartition": partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": availability_zones,
    "aws:resourcegroupstaggingapi/getResources:getResources": tagged_resources,
}
