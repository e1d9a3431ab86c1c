"""Lives of alarms, logs, rules, schedules, topics and queues, and of databases."""

# ruff: noqa: ARG005 -- every life is asked with a world, whether it needs one or not

from __future__ import annotations

import json
from typing import Any

from localcloud.tests.unit.providers.aws.cases import (
    RETAGGED,
    TAGGED,
    Case,
    World,
    resource_policy,
)


def schedule(world: World, expression: str) -> dict[str, Any]:
    machine_arn = "arn:aws:states:us-east-1:123456789012:stateMachine:any"
    return {
        "scheduleExpression": expression,
        "flexibleTimeWindow": {"mode": "OFF"},
        "target": {
            "arn": machine_arn,
            "roleArn": world.role(),
            "input": "{}",
            "retryPolicy": {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 3},
        },
    }


def machine(service: str) -> str:
    look = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ecs:describeServices",
        "Parameters": {"Services": [service]},
        "End": True,
    }
    return json.dumps({"StartAt": "Look", "States": {"Look": look}})


def log_delivery(action: str) -> str:
    return resource_policy("*", "delivery.logs.amazonaws.com").replace("sns:Publish", action)


WATCHING = (
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world: {"retentionInDays": 30, **TAGGED},
        lambda world: {"retentionInDays": 0, **RETAGGED},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world: {"retentionInDays": 30},
        lambda world: {"retentionInDays": 30, "kmsKeyId": world.key_arn()},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world: {"retentionInDays": 30, "kmsKeyId": world.key_arn()},
        lambda world: {"retentionInDays": 30},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 1.5,
            "metricName": "m",
            "namespace": "n",
            "period": 60,
            "statistic": "Sum",
            "dimensions": {"A": "b"},
            "alarmActions": [world.topic],
            **TAGGED,
        },
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 2,
            "threshold": 2,
            "metricName": "m",
            "namespace": "n",
            "period": 60,
            "statistic": "Sum",
            "dimensions": {"A": "c"},
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 1,
            "metricQueries": [
                {"id": "e1", "expression": "m1/2", "label": "half", "returnData": True},
                {
                    "id": "m1",
                    "metric": {
                        "metricName": "m",
                        "namespace": "n",
                        "period": 60,
                        "stat": "Sum",
                        "dimensions": {"A": "b"},
                    },
                },
            ],
        },
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 1,
            "metricQueries": [
                {"id": "e1", "expression": "m1/3", "label": "third", "returnData": True},
                {
                    "id": "m1",
                    "metric": {"metricName": "m", "namespace": "n", "period": 60, "stat": "Sum"},
                },
            ],
        },
    ),
    Case(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda world: {"dashboardName": world.name, "dashboardBody": '{"widgets": []}'},
        lambda world: {"dashboardName": world.name, "dashboardBody": '{"widgets": [], "a": 1}'},
        outputs=("dashboardArn",),
    ),
    Case(
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        lambda world: {
            "policyName": world.name,
            "policyDocument": log_delivery("logs:PutLogEvents"),
        },
        lambda world: {
            "policyName": world.name,
            "policyDocument": log_delivery("logs:CreateLogStream"),
        },
    ),
    Case(
        "aws:sqs/queue:Queue",
        lambda world: {"visibilityTimeoutSeconds": 60, "messageRetentionSeconds": 600, **TAGGED},
        lambda world: {"visibilityTimeoutSeconds": 90, "receiveWaitTimeSeconds": 20, **RETAGGED},
        outputs=("arn", "name", "url"),
    ),
    Case(
        "aws:rds/subnetGroup:SubnetGroup",
        lambda world: {"subnetIds": [world.subnet(0), world.subnet(1)], **TAGGED},
        lambda world: {"subnetIds": [world.subnet(0), world.subnet(1)], **RETAGGED},
        outputs=("arn", "name", "vpcId"),
    ),
    Case(
        "aws:rds/instance:Instance",
        lambda world: {
            "engine": "postgres",
            "engineVersion": "16",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "storageType": "gp3",
            "storageEncrypted": True,
            "dbName": "shop",
            "username": "shop",
            "manageMasterUserPassword": True,
            "vpcSecurityGroupIds": [world.group()],
            "skipFinalSnapshot": True,
            **TAGGED,
        },
        lambda world: {
            "engine": "postgres",
            "engineVersion": "16",
            "instanceClass": "db.t4g.small",
            "allocatedStorage": 30,
            "storageType": "gp3",
            "storageEncrypted": True,
            "dbName": "shop",
            "username": "shop",
            "manageMasterUserPassword": True,
            "vpcSecurityGroupIds": [world.group()],
            "backupRetentionPeriod": 7,
            "skipFinalSnapshot": True,
            **RETAGGED,
        },
        outputs=("address", "arn", "endpoint", "masterUserSecrets", "port"),
    ),
    Case(
        "aws:dynamodb/table:Table",
        lambda world: {
            "attributes": [{"name": "id", "type": "S"}, {"name": "at", "type": "N"}],
            "hashKey": "id",
            "rangeKey": "at",
            "billingMode": "PAY_PER_REQUEST",
            "ttl": {"attributeName": "until", "enabled": True},
            **TAGGED,
        },
        lambda world: {
            "attributes": [{"name": "id", "type": "S"}, {"name": "at", "type": "N"}],
            "hashKey": "id",
            "rangeKey": "at",
            "billingMode": "PROVISIONED",
            "readCapacity": 2,
            "writeCapacity": 1,
            "ttl": {"attributeName": "until", "enabled": True},
            "pointInTimeRecovery": {"enabled": True},
            **RETAGGED,
        },
        outputs=("arn", "name"),
    ),
    Case(
        "aws:sns/topic:Topic",
        lambda world: {"displayName": "one", **TAGGED},
        lambda world: {"displayName": "two", **RETAGGED},
        outputs=("arn", "name", "owner"),
    ),
    Case(
        "aws:sns/topicPolicy:TopicPolicy",
        lambda world: {"arn": world.topic, "policy": resource_policy(world.topic)},
        lambda world: {
            "arn": world.topic,
            "policy": resource_policy(world.topic, "codestar-notifications.amazonaws.com"),
        },
        outputs=("owner",),
    ),
    Case(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda world: {"topic": world.topic, "protocol": "email", "endpoint": "a@example.com"},
        lambda world: {"topic": world.topic, "protocol": "email", "endpoint": "b@example.com"},
        replaces=True,
        outputs=("arn",),
    ),
    Case(
        "aws:scheduler/scheduleGroup:ScheduleGroup",
        lambda world: {**TAGGED},
        lambda world: {**RETAGGED},
        outputs=("arn", "state"),
    ),
    Case(
        "aws:scheduler/schedule:Schedule",
        lambda world: schedule(world, "cron(0 3 * * ? *)"),
        lambda world: {**schedule(world, "rate(1 hour)"), "state": "DISABLED"},
        outputs=("arn",),
    ),
    Case(
        "aws:sfn/stateMachine:StateMachine",
        lambda world: {"definition": machine("one"), "roleArn": world.role(), **TAGGED},
        lambda world: {"definition": machine("two"), "roleArn": world.role(), **RETAGGED},
        outputs=("arn", "status"),
    ),
    Case(
        "aws:cloudwatch/eventRule:EventRule",
        lambda world: {"eventPattern": '{"source": ["aws.ecs"]}', **TAGGED},
        lambda world: {
            "eventPattern": '{"source": ["aws.ecr"]}',
            "state": "DISABLED",
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:cloudwatch/eventTarget:EventTarget",
        lambda world: {
            "rule": world.rule,
            "arn": world.topic,
            "inputTransformer": {"inputPaths": {"a": "$.detail"}, "inputTemplate": '"<a>"'},
        },
        lambda world: {"rule": world.rule, "arn": world.topic, "input": '{"a": 1}'},
        imports=lambda outputs: f"default/{outputs['rule']}/{outputs['targetId']}",
    ),
)
