"""The row of DynamoDB: tables.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values, Wait

_ARRANGED = ("attributes", "hashKey", "rangeKey", "readCapacity", "writeCapacity")


def _arranged(inputs: Values) -> Values:
    """Keys and capacities as the API has them."""
    rest = {name: value for name, value in inputs.items() if name not in _ARRANGED}
    for name in ("ttl", "pointInTimeRecovery"):
        rest.pop(name, None)
    rest["AttributeDefinitions"] = [
        {"AttributeName": each["name"], "AttributeType": each["type"]}
        for each in inputs.get("attributes", [])
    ]
    kinds = (("hashKey", "HASH"), ("rangeKey", "RANGE"))
    rest["KeySchema"] = [
        {"AttributeName": inputs[name], "KeyType": kind} for name, kind in kinds if inputs.get(name)
    ]
    if inputs.get("billingMode", "PROVISIONED") == "PROVISIONED":
        rest["ProvisionedThroughput"] = _capacity(inputs)
    return rest


def _capacity(inputs: Values) -> Values:
    return {
        "ReadCapacityUnits": inputs.get("readCapacity", 1),
        "WriteCapacityUnits": inputs.get("writeCapacity", 1),
    }


def _find(resource: Resource) -> Values | None:
    """The table, with what only other calls tell of it."""
    table: Values = resource.call("DescribeTable", TableName=resource.id)["Table"]
    lived = resource.call("DescribeTimeToLive", TableName=resource.id)
    kept = resource.call("DescribeContinuousBackups", TableName=resource.id)
    return {
        **table,
        "Ttl": lived["TimeToLiveDescription"],
        "Kept": kept["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"],
    }


def _set_billing(resource: Resource, old: Values) -> None:
    if not old:
        return
    mode = resource.inputs.get("billingMode", "PROVISIONED")
    given = {"ProvisionedThroughput": _capacity(resource.inputs)} if mode == "PROVISIONED" else {}
    resource.call("UpdateTable", TableName=resource.id, BillingMode=mode, **given)


def _set_protection(resource: Resource, old: Values) -> None:
    if old:
        wanted = bool(resource.inputs.get("deletionProtectionEnabled"))
        resource.call("UpdateTable", TableName=resource.id, DeletionProtectionEnabled=wanted)


def _set_life(resource: Resource, old: Values) -> None:
    wanted, before = resource.inputs.get("ttl") or {}, old.get("ttl") or {}
    if not wanted and not before.get("enabled"):
        return
    name = wanted.get("attributeName") or before["attributeName"]
    given = {"AttributeName": name, "Enabled": bool(wanted.get("enabled"))}
    if given["Enabled"] or before.get("enabled"):
        resource.call("UpdateTimeToLive", TableName=resource.id, TimeToLiveSpecification=given)


def _set_recovery(resource: Resource, old: Values) -> None:
    wanted = bool((resource.inputs.get("pointInTimeRecovery") or {}).get("enabled"))
    if wanted or (old.get("pointInTimeRecovery") or {}).get("enabled"):
        resource.call(
            "UpdateContinuousBackups",
            TableName=resource.id,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": wanted},
        )


def _told(_resource: Resource, found: Values) -> Values:
    keys = {key["KeyType"]: key["AttributeName"] for key in found["KeySchema"]}
    capacity = found.get("ProvisionedThroughput", {})
    mode = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    lived, kept = found["Ttl"], found["Kept"]
    told: Values = {
        "attributes": [
            {"name": each["AttributeName"], "type": each["AttributeType"]}
            for each in found["AttributeDefinitions"]
        ],
        "hashKey": keys["HASH"],
        "billingMode": mode,
        "readCapacity": capacity.get("ReadCapacityUnits", 0),
        "writeCapacity": capacity.get("WriteCapacityUnits", 0),
        "pointInTimeRecovery": {"enabled": kept["PointInTimeRecoveryStatus"] == "ENABLED"},
        "ttl": {
            "attributeName": lived.get("AttributeName", ""),
            "enabled": lived["TimeToLiveStatus"] in ("ENABLED", "ENABLING"),
        },
    }
    return {**told, **({"rangeKey": keys["RANGE"]} if "RANGE" in keys else {})}


TABLE = Spec(
    "aws:dynamodb/table:Table",
    "dynamodb",
    create=Op("CreateTable"),
    read=_find,
    delete=Op("DeleteTable", {"TableName": "id"}),
    id="TableDescription.TableName",
    names={"name": "TableName"},
    inputs=frozenset({"attributes", "hashKey", "rangeKey"}),
    arranged=frozenset({"AttributeDefinitions", "KeySchema", "ProvisionedThroughput"}),
    omit=frozenset(
        {
            "GlobalSecondaryIndexes",
            "GlobalTableSourceArn",
            "GlobalTableSettingsReplicationMode",
            "LocalSecondaryIndexes",
            "OnDemandThroughput",
            "ResourcePolicy",
            "SSESpecification",
            "StreamSpecification",
            "TableClass",
            "WarmThroughput",
        }
    ),
    prepare=_arranged,
    update=(
        Step(_set_billing, properties=("billingMode", "readCapacity", "writeCapacity")),
        Step(_set_protection, properties=("deletionProtectionEnabled",)),
        Step(_set_life, properties=("ttl",)),
        Step(_set_recovery, properties=("pointInTimeRecovery",)),
    ),
    defaults={"billingMode": "PROVISIONED", "deletionProtectionEnabled": False},
    outputs={"arn": "TableArn"},
    present=_told,
    sticky=frozenset({"readCapacity", "writeCapacity", "ttl", "pointInTimeRecovery"}),
    ready=Wait("TableStatus", frozenset({"ACTIVE"})),
    gone=600,
    name=AutoName(255),
    tags=Tagging(
        at_create="{Tags: pairs}",
        add=Op("TagResource", {"ResourceArn": "outputs.arn", "Tags": "pairs"}),
        remove=Op("UntagResource", {"ResourceArn": "outputs.arn", "TagKeys": "keys"}),
        read=Op("ListTagsOfResource", {"ResourceArn": "outputs.arn"}),
    ),
    absent=frozenset({"ResourceNotFoundException"}),
)

ROWS = (TABLE,)
