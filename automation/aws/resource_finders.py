"""Finds resources that no single call describes by their inputs; each returns Pulumi's ids."""

from __future__ import annotations

import zlib

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.aws.resource_types import ResourceType, Row, Values, described, marked


def _route_tables(cloud: Cloud, inputs: Values) -> list[Row]:
    by_id = {"RouteTableIds": ["{routeTableId}"]}
    kind = ResourceType("ec2 describe_route_tables RouteTables", by_id)
    return described(cloud, kind, inputs)


def route(cloud: Cloud, inputs: Values) -> list[str]:
    """Return the id that pulumi-aws makes of a route's table and destination; AWS has none."""
    destination = inputs.get("destinationCidrBlock")
    return [
        f"r-{inputs['routeTableId']}{zlib.crc32(destination.encode())}"
        for table in _route_tables(cloud, inputs)
        for row in table["Routes"]
        if destination and row.get("DestinationCidrBlock") == destination
    ]


def route_table_association(cloud: Cloud, inputs: Values) -> list[str]:
    """The association of a route table with a subnet."""
    return [
        row["RouteTableAssociationId"]
        for table in _route_tables(cloud, inputs)
        for row in table["Associations"]
        if row.get("SubnetId") == inputs.get("subnetId")
    ]


def record(cloud: Cloud, inputs: Values) -> list[str]:
    """The id that pulumi-aws makes of a record's zone, name and type."""
    zone, name, record_type = inputs["zoneId"], inputs["name"].rstrip("."), inputs["type"]
    of_zone = {"HostedZoneId": "{zoneId}"}
    kind = ResourceType("route53 list_resource_record_sets ResourceRecordSets", of_zone)
    return [
        f"{zone}_{name}_{record_type}"
        for row in described(cloud, kind, inputs)
        if (row["Name"].rstrip("."), row["Type"]) == (name, record_type)
    ]


def _carries(tags: list[dict[str, str]], inputs: Values, key: str = "Key") -> bool:
    """Whether a resource has every tag that was to be; the stack's own are among them."""
    wanted = inputs.get("tags") or {}
    told = {row[key]: row.get(key.replace("Key", "Value"), "") for row in tags}
    return marked(wanted) and wanted.items() <= told.items()


def certificate(cloud: Cloud, inputs: Values) -> list[str]:
    """Return the certificates of the domain with the stack's tags, since they have no names."""
    acm = cloud.client("acm")
    rows = cloud.pages("acm", "list_certificates", "CertificateSummaryList")
    arns = [row["CertificateArn"] for row in rows if row["DomainName"] == inputs["domainName"]]
    return [
        arn
        for arn in arns
        if _carries(acm.list_tags_for_certificate(CertificateArn=arn)["Tags"], inputs)
    ]


def key(cloud: Cloud, inputs: Values) -> list[str]:
    """Return the keys with the stack's tags, since they have no names."""
    return [
        row["KeyId"]
        for row in cloud.pages("kms", "list_keys", "Keys")
        if _carries(_tags_of_key(cloud, row["KeyId"]), inputs, "TagKey")
        and cloud.client("kms").describe_key(KeyId=row["KeyId"])["KeyMetadata"]["KeyState"]
        == "Enabled"
    ]


def _tags_of_key(cloud: Cloud, key: str) -> list[dict[str, str]]:
    """None of a key whose policy lets this user look at nothing."""
    try:
        return cloud.pages("kms", "list_resource_tags", "Tags", KeyId=key)
    except ClientError as error:
        if error_code(error) != "AccessDeniedException":
            raise
        return []


def web_acl(cloud: Cloud, inputs: Values) -> list[str]:
    """The web ACL of a name."""
    rows = cloud.pages("wafv2", "list_web_acls", "WebACLs", Scope=inputs["scope"])
    return [row["Id"] for row in rows if row["Name"] == inputs["name"]]
