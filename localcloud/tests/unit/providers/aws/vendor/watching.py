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
