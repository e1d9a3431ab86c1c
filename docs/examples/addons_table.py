"""addons.py: a DynamoDB table, paid by request."""

import pulumi
import pulumi_aws as aws

from infra.addons import Addons, Grant
from infra.place import Place


def addons(place: Place) -> Addons:
    table = aws.dynamodb.Table(
        "orders",
        name=place.name("orders"),
        billing_mode="PAY_PER_REQUEST",
        hash_key="id",
        attributes=[aws.dynamodb.TableAttributeArgs(name="id", type="S")],
        point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
        deletion_protection_enabled=place.protect,
        tags=dict(place.tags),
        opts=pulumi.ResourceOptions(protect=place.protect),
    )
    return Addons(
        variables={"ORDERS_TABLE": table.name},
        permissions=[Grant(["dynamodb:GetItem", "dynamodb:PutItem"], [table.arn])],
    )
