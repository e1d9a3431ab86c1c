"""Functions about prefix lists and hosted zones."""

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
        "prefixListId": found["PrefixListId"],
        "name": found["PrefixListName"],
        "cidrBlocks": [entry["Cidr"] for entry in entries],
    }


def hosted_zone(invocation: Invocation) -> Values:
    """A hosted zone by its name or id."""
    wanted = invocation.take("name", "zoneId", "privateZone")
    if "zoneId" in wanted:
        zones = [invocation.api.call("route53", "GetHostedZone", {"Id": wanted["zoneId"]})]
        zones = [entry["HostedZone"] for entry in zones]
    else:
        name = wanted.get("name", "").rstrip(".") + "."
        listed = invocation.api.call("route53", "ListHostedZonesByName", {"DNSName": name})
        private = wanted.get("privateZone", False)
        zones = [
            zone
            for zone in listed["HostedZones"]
            if zone["Name"] == name and zone.get("Config", {}).get("PrivateZone", False) == private
        ]
    zone = _one(zones, "hosted zones")
    zone_id = zone["Id"].rpartition("/")[2]
    details = invocation.api.call("route53", "GetHostedZone", {"Id": zone_id})
    servers = details.get("DelegationSet", {}).get("NameServers", [])
    return {
        **wanted,
        "id": zone_id,
        "zoneId": zone_id,
        "arn": f"arn:aws:route53:::hostedzone/{zone_id}",
        "name": zone["Name"].rstrip("."),
        "callerReference": zone["CallerReference"],
        "comment": zone.get("Config", {}).get("Comment", ""),
        "privateZone": zone.get("Config", {}).get("PrivateZone", False),
        "resourceRecordSetCount": zone.get("ResourceRecordSetCount", 0),
        "nameServers": servers,
        "primaryNameServer": servers[0] if servers else "",
    }


FUNCTIONS: dict[str, Function] = {
    "aws:ec2/getPrefixList:getPrefixList": prefix_list,
    "aws:route53/getZone:getZone": hosted_zone,
}
