"""Functions about prefix lists and hosted zones.

As in the vendor's provider: https://github.com/hashicorp/terraform-provider-aws,
internal/service/ec2/vpc_prefix_list_data_source.go, which tells the id of a prefix list as `id`
alone unless it was asked for by `prefixListId`, and internal/service/route53/zone_data_source.go.
"""

from __future__ import annotations

from typing import Any

from localcloud.providers.aws.functions.invocation import Function, Invocation
from localcloud.providers.aws.spec import Values


def _filters(entries: list[Values]) -> list[Values]:
    return [{"Name": entry["name"], "Values": entry["values"]} for entry in entries]


def _one(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        raise ValueError(f"{len(found)} {what} match; exactly one must")
    return found[0]


def prefix_list(invocation: Invocation) -> Values:
    """The addresses of an AWS service, as a list that rules and routes may name."""
    wanted = invocation.take("filters", "name", "prefixListId")
    filters = _filters(wanted.get("filters", []))
    if "name" in wanted:
        filters.append({"Name": "prefix-list-name", "Values": [wanted["name"]]})
    params: Values = {"Filters": filters} if filters else {}
    if "prefixListId" in wanted:
        params["PrefixListIds"] = [wanted["prefixListId"]]
    lists = invocation.api.call("ec2", "DescribeManagedPrefixLists", params)["PrefixLists"]
    found = _one(lists, "prefix lists")
    entries = invocation.api.call(
        "ec2", "GetManagedPrefixListEntries", {"PrefixListId": found["PrefixListId"]}
    )["Entries"]
    return {
        **wanted,
        "id": found["PrefixListId"],
        "region": invocation.api.region,
        "name": found["PrefixListName"],
        "cidrBlocks": [entry["Cidr"] for entry in entries],
    }


def hosted_zone(invocation: Invocation) -> Values:
    """A hosted zone by its name or id."""
    wanted = invocation.take("name", "zoneId", "privateZone")
    zone_id = wanted.get("zoneId") or _zone_of_name(invocation, wanted)
    details = invocation.api.call("route53", "GetHostedZone", {"Id": zone_id})
    zone, config = details["HostedZone"], details["HostedZone"].get("Config", {})
    servers = details.get("DelegationSet", {}).get("NameServers", [])
    service = zone.get("LinkedService", {})
    tags = invocation.api.call(
        "route53", "ListTagsForResource", {"ResourceType": "hostedzone", "ResourceId": zone_id}
    )["ResourceTagSet"]["Tags"]
    return {
        "id": zone_id,
        "zoneId": zone_id,
        "arn": f"arn:aws:route53:::hostedzone/{zone_id}",
        "name": zone["Name"].rstrip("."),
        "callerReference": zone["CallerReference"],
        "comment": config.get("Comment"),
        "linkedServiceDescription": service.get("Description"),
        "linkedServicePrincipal": service.get("ServicePrincipal"),
        "privateZone": config.get("PrivateZone", False),
        "resourceRecordSetCount": zone.get("ResourceRecordSetCount"),
        "nameServers": servers,
        "primaryNameServer": servers[0] if servers else None,
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


def _zone_of_name(invocation: Invocation, wanted: Values) -> str:
    """The id of the one zone of a name, among all of the account."""
    name, private = wanted.get("name", "").rstrip("."), wanted.get("privateZone", False)
    found: list[str] = []
    params: Values = {}
    while True:
        answer = invocation.api.call("route53", "ListHostedZones", params)
        found += [
            zone["Id"].rpartition("/")[2]
            for zone in answer["HostedZones"]
            if zone["Name"].rstrip(".") == name
            and zone.get("Config", {}).get("PrivateZone", False) == private
        ]
        if not answer.get("NextMarker"):
            return str(_one(found, "hosted zones"))
        params = {"Marker": answer["NextMarker"]}


FUNCTIONS: dict[str, Function] = {
    "aws:ec2/getPrefixList:getPrefixList": prefix_list,
    "aws:route53/getZone:getZone": hosted_zone,
}
