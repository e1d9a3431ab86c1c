"""Rows of CloudWatch Logs.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_policy
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values, tagged_by_arn


def _set_retention(resource: Resource, old: Values) -> None:
    """Days until events expire; 0 means never, which is a call of its own."""
    days = resource.inputs.get("retentionInDays", 0)
    if days:
        resource.call("PutRetentionPolicy", logGroupName=resource.id, retentionInDays=days)
    elif old.get("retentionInDays"):
        resource.call("DeleteRetentionPolicy", logGroupName=resource.id)


def _set_key(resource: Resource, old: Values) -> None:
    if not old:
        return
    if resource.inputs.get("kmsKeyId"):
        key = resource.inputs["kmsKeyId"]
        resource.call("AssociateKmsKey", logGroupName=resource.id, kmsKeyId=key)
    else:
        resource.call("DisassociateKmsKey", logGroupName=resource.id)


def _find_log_group(resource: Resource) -> Values | None:
    answer = resource.call("DescribeLogGroups", logGroupNamePrefix=resource.id)
    for group in answer["logGroups"]:
        if group["logGroupName"] == resource.id:
            return dict(group)
    return None


def _details(_resource: Resource, found: Values) -> Values:
    return {
        "arn": found["arn"].removesuffix(":*"),
        "retentionInDays": found.get("retentionInDays", 0),
    }


def _delete_log_group(resource: Resource) -> None:
    if not resource.outputs.get("skipDestroy"):
        resource.call("DeleteLogGroup", logGroupName=resource.id)


_ARN = "join('', ['arn:aws:logs:', region, ':', account, ':log-group:', id])"

LOG_GROUP = Spec(
    "aws:cloudwatch/logGroup:LogGroup",
    "logs",
    create=Op("CreateLogGroup"),
    read=_find_log_group,
    delete=_delete_log_group,
    id="inputs.name",
    names={"name": "logGroupName"},
    local=frozenset({"skipDestroy"}),
    replaces=frozenset({"logGroupClass"}),
    update=(
        Step(_set_retention, properties=("retentionInDays",)),
        Step(_set_key, properties=("kmsKeyId",)),
    ),
    defaults={"retentionInDays": 0, "skipDestroy": False},
    present=_details,
    sticky=frozenset({"logGroupClass", "arn"}),
    name=AutoName(512),
    tags=tagged_by_arn("resourceArn", _ARN, tags="tags", form="map"),
    absent=frozenset({"ResourceNotFoundException"}),
)


def _find_policy(resource: Resource) -> Values | None:
    policies = resource.call("DescribeResourcePolicies")["resourcePolicies"]
    return next((dict(each) for each in policies if each["policyName"] == resource.id), None)


RESOURCE_POLICY = Spec(
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
    "logs",
    create=Op("PutResourcePolicy"),
    read=_find_policy,
    delete=Op("DeleteResourcePolicy", {"policyName": "id"}),
    id="inputs.policyName",
    omit=frozenset({"expectedRevisionId", "resourceArn"}),
    replaces=frozenset({"policyName"}),
    update=(Step(Op("PutResourcePolicy", {"policyName": "id"}), properties=("policyDocument",)),),
    equal={"policyDocument": same_policy},
    absent=frozenset({"ResourceNotFoundException"}),
)

ROWS = (LOG_GROUP, RESOURCE_POLICY)
