"""Rows of Route 53: hosted zones and records.

https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import uuid
from typing import Any

from localcloud.providers.aws.spec import Op, Resource, Spec, Step, Tagging, Values

_MISSING = frozenset({"NoSuchHostedZone", "InvalidChangeBatch"})
SYNC_SECONDS = 600


def _wait_until_in_sync(resource: Resource, change: Values) -> None:
    identifier = change["ChangeInfo"]["Id"].rpartition("/")[2]

    def probe() -> bool:
        told = resource.call("GetChange", Id=identifier)["ChangeInfo"]
        return bool(told["Status"] == "INSYNC")

    resource.api.patience.until(
        probe, SYNC_SECONDS, "the change to reach all name servers", lambda: "it is PENDING"
    )


def _zone_name(resource: Resource) -> str:
    zone = resource.call("GetHostedZone", Id=resource.inputs["zoneId"])["HostedZone"]
    return str(zone["Name"]).rstrip(".")


def _full_name(resource: Resource) -> str:
    """The record's name with its zone's, as Route 53 keeps it."""
    name, zone = resource.inputs["name"].rstrip("."), _zone_name(resource)
    if not name:
        return zone
    return name if name == zone or name.endswith(f".{zone}") else f"{name}.{zone}"


def _record_set(resource: Resource) -> Values:
    inputs = resource.inputs
    members: Values = {"Name": _full_name(resource), "Type": inputs["type"]}
    if inputs.get("aliases"):
        alias = inputs["aliases"][0]
        members["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
    else:
        values = [_quoted(inputs["type"], value) for value in inputs.get("records", [])]
        members["ResourceRecords"] = [{"Value": value} for value in values]
        members["TTL"] = inputs.get("ttl")
    if inputs.get("weightedRoutingPolicies"):
        members["Weight"] = inputs["weightedRoutingPolicies"][0]["weight"]
    members["SetIdentifier"] = inputs.get("setIdentifier")
    members["HealthCheckId"] = inputs.get("healthCheckId")
    return {member: value for member, value in members.items() if value is not None}


def _quoted(record_type: str, value: str) -> str:
    if record_type in ("TXT", "SPF") and not value.startswith('"'):
        return f'"{value}"'
    return value


def _submit(resource: Resource, action: str, record: Values) -> None:
    change = resource.call(
        "ChangeResourceRecordSets",
        HostedZoneId=resource.inputs["zoneId"],
        ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
    )
    _wait_until_in_sync(resource, change)


def _create_record(resource: Resource) -> str:
    inputs = resource.inputs
    action = "UPSERT" if inputs.get("allowOverwrite") else "CREATE"
    _submit(resource, action, _record_set(resource))
    parts = [inputs["zoneId"], inputs["name"], inputs["type"], inputs.get("setIdentifier")]
    return "_".join(str(part) for part in parts if part)


def _change_record(resource: Resource, old: Values) -> None:
    if old:
        _submit(resource, "UPSERT", _record_set(resource))


def _find_record(resource: Resource) -> Values | None:
    name, kind = _full_name(resource), resource.inputs["type"]
    answer = resource.call(
        "ListResourceRecordSets",
        HostedZoneId=resource.inputs["zoneId"],
        StartRecordName=name,
        StartRecordType=kind,
    )
    for record in answer["ResourceRecordSets"]:
        named = record["Name"].replace("\\052", "*").rstrip(".") == name
        wanted = resource.inputs.get("setIdentifier")
        if named and record["Type"] == kind and record.get("SetIdentifier") == wanted:
            return dict(record)
    return None


def _delete_record(resource: Resource) -> None:
    found = _find_record(resource)
    if found is not None:
        _submit(resource, "DELETE", found)


def _told_record(resource: Resource, found: Values) -> Values:
    told: Values = {"fqdn": found["Name"].rstrip("."), "ttl": found.get("TTL")}
    if "ResourceRecords" in found:
        given = resource.inputs.get("records", [])
        plain = {_quoted(found["Type"], value): value for value in given}
        values = [entry["Value"] for entry in found["ResourceRecords"]]
        told["records"] = [plain.get(value, value) for value in values]
    if "AliasTarget" in found:
        target = found["AliasTarget"]
        given_alias = (resource.inputs.get("aliases") or [{}])[0]
        told["aliases"] = [
            {
                "name": _as_given(given_alias.get("name"), target["DNSName"]),
                "zoneId": target["HostedZoneId"],
                "evaluateTargetHealth": target["EvaluateTargetHealth"],
            }
        ]
    if "Weight" in found:
        told["weightedRoutingPolicies"] = [{"weight": found["Weight"]}]
    return told


def _as_given(given: Any, told: str) -> str:
    same = isinstance(given, str) and given.rstrip(".").lower() == told.rstrip(".").lower()
    return given if same else told.rstrip(".")


RECORD = Spec(
    "aws:route53/record:Record",
    "route53",
    create=_create_record,
    read=_find_record,
    delete=_delete_record,
    inputs=frozenset({"zoneId", "name", "type", "setIdentifier"}),
    local=frozenset({"allowOverwrite"}),
    update=(
        Step(
            _change_record,
            properties=("aliases", "records", "ttl", "healthCheckId", "weightedRoutingPolicies"),
        ),
    ),
    present=_told_record,
    sticky=frozenset({"allowOverwrite", "fqdn"}),
    absent=_MISSING,
    retried=frozenset({"PriorRequestNotComplete"}),
    imports=r"(?P<zoneId>[^_]+)_(?P<name>.+)_(?P<type>[A-Z]+)",
    regional=False,
)


def _create_zone(resource: Resource) -> str:
    inputs = resource.inputs
    vpcs = inputs.get("vpcs", [])
    network = (
        {
            "VPCId": vpcs[0]["vpcId"],
            "VPCRegion": vpcs[0].get("vpcRegion", resource.api.region),
        }
        if vpcs
        else None
    )
    answer = resource.call(
        "CreateHostedZone",
        Name=inputs["name"],
        CallerReference=uuid.uuid4().hex,
        HostedZoneConfig={"Comment": inputs["comment"], "PrivateZone": bool(vpcs)},
        VPC=network,
        DelegationSetId=inputs.get("delegationSetId"),
    )
    return str(answer["HostedZone"]["Id"]).rpartition("/")[2]


def _change_comment(resource: Resource, old: Values) -> None:
    if old:
        comment = resource.inputs["comment"]
        resource.call("UpdateHostedZoneComment", Id=resource.id, Comment=comment)


def _delete_zone(resource: Resource) -> None:
    if resource.outputs.get("forceDestroy"):
        resource.inputs = {**resource.inputs, "zoneId": resource.id}
        zone = _zone_name(resource)
        answer = resource.call("ListResourceRecordSets", HostedZoneId=resource.id)
        for record in answer["ResourceRecordSets"]:
            if not (record["Name"].rstrip(".") == zone and record["Type"] in ("NS", "SOA")):
                _submit(resource, "DELETE", record)
    resource.call("DeleteHostedZone", Id=resource.id)


def _told_zone(resource: Resource, found: Values) -> Values:
    servers = found.get("DelegationSet", {}).get("NameServers", [])
    zone = found["HostedZone"]
    return {
        "zoneId": resource.id,
        "name": zone["Name"].rstrip("."),
        "comment": zone.get("Config", {}).get("Comment", ""),
        "nameServers": sorted(servers),
        "primaryNameServer": servers[0] if servers else None,
    }


ZONE = Spec(
    "aws:route53/zone:Zone",
    "route53",
    create=_create_zone,
    read=Op("GetHostedZone", {"Id": "id"}),
    delete=_delete_zone,
    inputs=frozenset({"name", "delegationSetId", "vpcs"}),
    local=frozenset({"forceDestroy"}),
    update=(Step(_change_comment, properties=("comment",)),),
    defaults={"comment": "Managed by Pulumi", "forceDestroy": False},
    formats={"arn": "arn:aws:route53:::hostedzone/{id}"},
    present=_told_zone,
    sticky=frozenset({"zoneId", "nameServers", "primaryNameServer"}),
    tags=Tagging(
        add=Op(
            "ChangeTagsForResource",
            {"ResourceType": "'hostedzone'", "ResourceId": "id", "AddTags": "pairs"},
        ),
        remove=Op(
            "ChangeTagsForResource",
            {"ResourceType": "'hostedzone'", "ResourceId": "id", "RemoveTagKeys": "keys"},
        ),
        read=Op("ListTagsForResource", {"ResourceType": "'hostedzone'", "ResourceId": "id"}),
        found="ResourceTagSet.Tags",
    ),
    absent=_MISSING,
    regional=False,
)

ROWS = (RECORD, ZONE)
