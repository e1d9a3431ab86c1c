"""Rows of KMS: keys and their aliases.

https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_policy
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values

_MISSING = frozenset({"NotFoundException"})


def _set_rotation(resource: Resource, old: Values) -> None:
    if resource.inputs.get("enableKeyRotation"):
        days = resource.inputs.get("rotationPeriodInDays")
        resource.call("EnableKeyRotation", KeyId=resource.id, RotationPeriodInDays=days)
    elif old.get("enableKeyRotation"):
        resource.call("DisableKeyRotation", KeyId=resource.id)


def _set_enabled(resource: Resource, old: Values) -> None:
    if not resource.inputs.get("isEnabled", True):
        resource.call("DisableKey", KeyId=resource.id)
    elif not old.get("isEnabled", True):
        resource.call("EnableKey", KeyId=resource.id)


def _told_key(resource: Resource, _found: Values) -> Values:
    policy = resource.call("GetKeyPolicy", KeyId=resource.id, PolicyName="default")["Policy"]
    rotation = resource.call("GetKeyRotationStatus", KeyId=resource.id)
    told: Values = {"policy": policy, "enableKeyRotation": rotation["KeyRotationEnabled"]}
    if rotation["KeyRotationEnabled"] and "RotationPeriodInDays" in rotation:
        told["rotationPeriodInDays"] = rotation["RotationPeriodInDays"]
    return told


KEY = Spec(
    "aws:kms/key:Key",
    "kms",
    create=Op("CreateKey"),
    read=Op("DescribeKey", {"KeyId": "id"}),
    delete=Op(
        "ScheduleKeyDeletion",
        {"KeyId": "id", "PendingWindowInDays": "outputs.deletionWindowInDays"},
    ),
    id="KeyMetadata.KeyId",
    found="[KeyMetadata][?KeyState!='PendingDeletion'] | [0]",
    names={"customerMasterKeySpec": "KeySpec"},
    omit=frozenset({"Origin", "CustomerMasterKeySpec"}),
    local=frozenset({"deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"}),
    update=(
        # KMS changes nothing of a disabled key.
        Step(_set_enabled, properties=("isEnabled",)),
        Step(_set_rotation, properties=("enableKeyRotation", "rotationPeriodInDays")),
        Step(
            Op("UpdateKeyDescription", {"KeyId": "id", "Description": "inputs.description || ''"}),
            properties=("description",),
        ),
        Step(
            Op("PutKeyPolicy", {"KeyId": "id", "PolicyName": "'default'"}), properties=("policy",)
        ),
    ),
    equal={"policy": same_policy},
    defaults={
        "bypassPolicyLockoutSafetyCheck": False,
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "keyUsage": "ENCRYPT_DECRYPT",
        "isEnabled": True,
        "enableKeyRotation": False,
    },
    outputs={"arn": "Arn", "keyId": "KeyId", "isEnabled": "Enabled"},
    present=_told_key,
    sticky=frozenset({"policy", "description", "multiRegion", "rotationPeriodInDays"}),
    tags=Tagging(
        at_create="{Tags: pairs[].{TagKey: Key, TagValue: Value}}",
        add=Op("TagResource", {"KeyId": "id", "Tags": "pairs[].{TagKey: Key, TagValue: Value}"}),
        remove=Op("UntagResource", {"KeyId": "id", "TagKeys": "keys"}),
        read=Op("ListResourceTags", {"KeyId": "id"}),
    ),
    absent=_MISSING,
)


def _same_key(one: str, other: str) -> bool:
    """Whether two names are of one key: its id, or its ARN."""
    return one.rpartition("/")[2] == other.rpartition("/")[2]


def _find_alias(resource: Resource) -> Values | None:
    params: Values = {}
    while True:
        answer = resource.call("ListAliases", **params)
        for alias in answer["Aliases"]:
            if alias["AliasName"] == resource.id:
                return dict(alias)
        if not answer.get("Truncated"):
            return None
        params = {"Marker": answer["NextMarker"]}


def _told_alias(resource: Resource, found: Values) -> Values:
    arn = found["AliasArn"]
    key = found.get("TargetKeyId", "")
    target = f"{arn.rpartition(':')[0]}:key/{key}"
    given = resource.inputs.get("targetKeyId", "")
    return {"targetKeyArn": target, "targetKeyId": given if _same_key(given, key) else key}


ALIAS = Spec(
    "aws:kms/alias:Alias",
    "kms",
    create=Op("CreateAlias"),
    read=_find_alias,
    delete=Op("DeleteAlias", {"AliasName": "id"}),
    id="inputs.name",
    names={"name": "AliasName"},
    update=(Step(Op("UpdateAlias", {"AliasName": "id"}), properties=("targetKeyId",)),),
    outputs={"arn": "AliasArn"},
    present=_told_alias,
    equal={"targetKeyId": _same_key},
    sticky=frozenset({"targetKeyArn"}),
    name=AutoName(256, prefix="alias/"),
    absent=_MISSING,
)

ROWS = (KEY, ALIAS)
