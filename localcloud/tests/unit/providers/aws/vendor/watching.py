"""The vendor's provider: logs and alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

VENDOR: Mapping[str, Vendor] = {
    "aws:cloudwatch/logGroup:LogGroup": Vendor(
        "logs/group.go",
        reads=frozenset({"DescribeLogGroups", "ListTagsForResource"}),
        kept=frozenset({"logGroupClass"}),
        defaults={"retentionInDays": 0, "skipDestroy": False},
        least=("name",),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Vendor(
        "cloudwatch/metric_alarm.go",
        reads=frozenset({"DescribeAlarms", "ListTagsForResource"}),
        kept=frozenset({"evaluateLowSampleCountPercentiles"}),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        least=(
            *("comparisonOperator", "evaluationPeriods", "threshold", "metricName", "namespace"),
            *("period", "statistic"),
        ),
    ),
    "aws:cloudwatch/dashboard:Dashboard": Vendor(
        "cloudwatch/dashboard.go", reads=frozenset({"GetDashboard"})
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Vendor(
        "logs/resource_policy.go", reads=frozenset({"DescribeResourcePolicies"})
    ),
}


def _alarmed(world: World, held: Held, **others: Any) -> None:
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 1.5,
        "MetricName": "m",
        "Namespace": "n",
        "Period": 60,
        "Statistic": "Sum",
        **others,
    }
    world.client("cloudwatch").put_metric_alarm(AlarmName=held.id, **alarm)


ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
BY_HAND: Mapping[str, ByHand] = {
    "a dashboard's body": ByHand(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda world, held: world.client("cloudwatch").put_dashboard(
            DashboardName=held.id, DashboardBody='{"widgets": [], "start": "-PT1H"}'
        ),
        "dashboardBody",
    ),
    "a dashboard's spaces": ByHand(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda world, held: world.client("cloudwatch").put_dashboard(
            DashboardName=held.id, DashboardBody='{ "widgets":[] }'
        ),
    ),
    "who may write a log": ByHand(
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        lambda world, held: world.client("logs").put_resource_policy(
            policyName=held.id,
            policyDocument=held.outputs["policyDocument"].replace("PutLogEvents", "*"),
        ),
        "policyDocument",
    ),
    "retention": ByHand(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world, held: world.client("logs").put_retention_policy(
            logGroupName=held.id, retentionInDays=7
        ),
        "retentionInDays",
    ),
    "an alarm's threshold": ByHand(
        ALARM, lambda world, held: _alarmed(world, held, Threshold=9.0), "threshold"
    ),
    "an alarm's default": ByHand(
        ALARM,
        lambda world, held: _alarmed(world, held, TreatMissingData="breaching"),
        "treatMissingData",
    ),
}
