"""Rows of Secrets Manager.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_policy
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values

_MISSING = frozenset({"ResourceNotFoundException"})
DEFAULT_RECOVERY_DAYS = 30


def _delete_secret(resource: Resource) -> None:
    """Delete it at once for a window of 0 days, or keep it restorable for the window."""
    days = resource.outputs.get("recoveryWindowInDays", DEFAULT_RECOVERY_DAYS)
    window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    resource.call("DeleteSecret", SecretId=resource.id, **window)


def _set_policy(resource: Resource, old: Values) -> None:
    policy = resource.inputs.get("policy")
    if policy:
        resource.call("PutResourcePolicy", SecretId=resource.id, ResourcePolicy=policy)
    elif old.get("policy"):
        resource.call("DeleteResourcePolicy", SecretId=resource.id)


SECRET = Spec(
    "aws:secretsmanager/secret:Secret",
    "secretsmanager",
    create=Op("CreateSecret"),
    read=Op("DescribeSecret", {"SecretId": "id"}),
    delete=_delete_secret,
    id="ARN",
    found="[@][?!DeletedDate] | [0]",
    found_id="ARN",
    names={"replicas": "AddReplicaRegions"},
    omit=frozenset({"SecretString", "SecretBinary", "ClientRequestToken"}),
    local=frozenset({"recoveryWindowInDays"}),
    update=(
        Step(Op("UpdateSecret", {"SecretId": "id"}), properties=("description", "kmsKeyId")),
        Step(_set_policy, properties=("policy",)),
    ),
    equal={"policy": same_policy},
    defaults={"recoveryWindowInDays": DEFAULT_RECOVERY_DAYS},
    outputs={"arn": "ARN"},
    sticky=frozenset({"policy"}),
    name=AutoName(512),
    tags=Tagging(
        at_create="{Tags: pairs}",
        add=Op("TagResource", {"SecretId": "id", "Tags": "pairs"}),
        remove=Op("UntagResource", {"SecretId": "id", "TagKeys": "keys"}),
    ),
    absent=_MISSING,
)


def _find_version(resource: Resource) -> Values | None:
    secret, _, version = resource.id.rpartition("|")
    return resource.call("GetSecretValue", SecretId=secret, VersionId=version)


def _told_version(_resource: Resource, found: Values) -> Values:
    return {"secretId": found["ARN"], "secretArn": found["ARN"]}


SECRET_VERSION = Spec(
    "aws:secretsmanager/secretVersion:SecretVersion",
    "secretsmanager",
    create=Op("PutSecretValue"),
    read=_find_version,
    delete=None,
    id="join('|', [ARN, VersionId])",
    omit=frozenset({"ClientRequestToken", "RotationToken"}),
    outputs={"arn": "ARN", "versionId": "VersionId", "versionStages": "VersionStages"},
    present=_told_version,
    sticky=frozenset({"versionStages", "secretArn"}),
    absent=_MISSING | {"InvalidRequestException"},
)

ROWS = (SECRET, SECRET_VERSION)
