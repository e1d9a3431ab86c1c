"""Alarms: evaluated again and again over the metrics, with what follows from a change.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloudwatch.evaluation import (
    EXTRA_PERIODS,
    AlarmState,
    Condition,
    Judgement,
    judge,
)
from localcloud.cloudwatch.metric_math import MathError, Series, evaluate
from localcloud.cloudwatch.series import Metric, Points
from localcloud.shared.service import Surroundings

log = logging.getLogger(__name__)

_ACTIONS: Mapping[str, str] = {
    "OK": "ok_actions",
    "ALARM": "alarm_actions",
    "INSUFFICIENT_DATA": "insufficient_data_actions",
}


def period_of(alarm: Any) -> int:
    """Seconds of an alarm's period: its own, or its queries' longest."""
    if alarm.period:
        return int(alarm.period)
    stats = [query.metric_stat for query in alarm.metric_data_queries if query.metric_stat]
    return max((int(stat.period) for stat in stats), default=60)


def condition_of(alarm: Any) -> Condition:
    """When the emulator's alarm goes off."""
    periods = int(alarm.evaluation_periods)
    return Condition(
        alarm.comparison_operator,
        float(alarm.threshold),
        periods,
        int(alarm.datapoints_to_alarm or periods),
        alarm.treat_missing_data or "missing",
    )


def window(alarm: Any) -> int:
    """Seconds of data that an evaluation looks at."""
    return period_of(alarm) * (condition_of(alarm).periods + EXTRA_PERIODS)


def look(alarm: Any, points: Points, now: float) -> Judgement:
    """The state that an alarm should have.

    Raises:
        MathError: its expression can't be evaluated.
    """
    condition, period = condition_of(alarm), period_of(alarm)
    count = condition.periods + EXTRA_PERIODS
    first = now // period * period - count * period
    times = [first + number * period for number in range(count)]
    series = series_of(alarm, points, period, times)
    values = [series.get(time) for time in times]
    return judge(condition, values, AlarmState(alarm.state_value))


def series_of(alarm: Any, points: Points, period: int, times: Sequence[float]) -> Series:
    """The series that an alarm watches: a metric's, or its expression's.

    Args:
        times: the beginnings of the periods that are looked at, oldest first.
    """
    if not alarm.metric_data_queries:
        wanted = Metric(
            alarm.namespace, alarm.metric_name, _pairs(alarm.dimensions), alarm.unit or None
        )
        return points.series(wanted, alarm.statistic or alarm.extended_statistic, period)
    known: dict[str, Series] = {}
    waiting = list(alarm.metric_data_queries)
    for query in [query for query in waiting if query.metric_stat]:
        stat = query.metric_stat
        wanted = Metric(
            stat.metric.namespace,
            stat.metric.metric_name,
            _pairs(stat.metric.dimensions),
            stat.unit or None,
        )
        series = points.series(wanted, stat.stat, int(stat.period))
        known[query.id] = {at: value for at, value in series.items() if at >= times[0]}
    for query in [query for query in waiting if not query.metric_stat]:
        known[query.id] = evaluate(query.expression, known, times)
    shown = [q.id for q in waiting if str(q.return_data).lower() != "false"]
    if len(shown) != 1:
        raise MathError("exactly one of the alarm's metrics must return data")
    return known[shown[0]]


def _pairs(dimensions: list[Any]) -> frozenset[tuple[str, str]]:
    return frozenset((one.name, one.value) for one in dimensions)


def act(around: Surroundings, region: str, alarm: Any, old: str) -> None:
    """Tell EventBridge and the alarm's topics of its new state.

    Scaling policies look at the state of their alarms themselves.
    """
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [alarm.alarm_arn],
        "Detail": json.dumps(
            {
                "alarmName": alarm.name,
                "state": {"value": alarm.state_value, "reason": alarm.state_reason},
                "previousState": {"value": old},
                "configuration": {"description": alarm.description or ""},
            }
        ),
    }
    try:
        around.client("events", region=region).put_events(Entries=[entry])
        if not alarm.actions_enabled:
            return
        for arn in getattr(alarm, _ACTIONS[alarm.state_value]):
            if ":sns:" in arn:
                around.client("sns", region=region).publish(
                    TopicArn=arn,
                    Subject=f'{alarm.state_value}: "{alarm.name}" in {region}'[:100],
                    Message=json.dumps(_notification(around, region, alarm, old)),
                )
    except (ClientError, BotoCoreError) as error:
        log.warning(
            "the alarm %s told nobody that it is %s: %s", alarm.name, alarm.state_value, error
        )


def _notification(around: Surroundings, region: str, alarm: Any, old: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html"""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": around.account,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "Region": region,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": old,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "Period": period_of(alarm),
            "EvaluationPeriods": int(alarm.evaluation_periods),
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": float(alarm.threshold),
            "TreatMissingData": alarm.treat_missing_data or "missing",
        },
    }
