"""Rows of Systems Manager: parameters.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values


def _value(inputs: Values) -> Values:
    values = dict(inputs)
    if "insecureValue" in values:
        values["value"] = values.pop("insecureValue")
    return values


def _find_parameter(resource: Resource) -> Values | None:
    """The value, and beside it what only the listing tells."""
    parameter = resource.call("GetParameter", Name=resource.id, WithDecryption=True)["Parameter"]
    named = {"Key": "Name", "Option": "Equals", "Values": [resource.id]}
    listed = resource.call("DescribeParameters", ParameterFilters=[named])["Parameters"]
    return {**(listed[0] if listed else {}), **parameter}


def _told_value(resource: Resource, found: Values) -> Values:
    if "insecureValue" in resource.inputs:
        return {"insecureValue": found["Value"], "value": None}
    return {"value": found["Value"]}


PARAMETER = Spec(
    "aws:ssm/parameter:Parameter",
    "ssm",
    create=Op("PutParameter"),
    read=_find_parameter,
    delete=Op("DeleteParameter", {"Name": "id"}),
    id="inputs.name",
    inputs=frozenset({"insecureValue"}),
    local=frozenset({"overwrite"}),
    prepare=_value,
    replaces=frozenset({"name"}),
    update=(
        Step(
            Op("PutParameter", {"Name": "id", "Overwrite": "`true`"}),
            properties=(
                "allowedPattern",
                "dataType",
                "description",
                "insecureValue",
                "keyId",
                "tier",
                "type",
                "value",
            ),
        ),
    ),
    outputs={"arn": "ARN", "version": "Version"},
    present=_told_value,
    sticky=frozenset({"dataType", "tier", "keyId"}),
    name=AutoName(1011),
    tags=Tagging(
        at_create="{Tags: pairs}",
        add=Op(
            "AddTagsToResource",
            {"ResourceType": "'Parameter'", "ResourceId": "id", "Tags": "pairs"},
        ),
        remove=Op(
            "RemoveTagsFromResource",
            {"ResourceType": "'Parameter'", "ResourceId": "id", "TagKeys": "keys"},
        ),
        read=Op("ListTagsForResource", {"ResourceType": "'Parameter'", "ResourceId": "id"}),
        found="TagList",
    ),
    absent=frozenset({"ParameterNotFound"}),
)

ROWS = (PARAMETER,)
