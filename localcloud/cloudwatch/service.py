"""CloudWatch of the local cloud: the emulator keeps metrics and alarms, this makes them work."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloudwatch import alarms, queues
from localcloud.cloudwatch.evaluation import COMPARISONS, AlarmState
from localcloud.cloudwatch.metric_math import MathError, Series, evaluate
from localcloud.cloudwatch.series import Points, is_statistic, metric
from localcloud.emulator.emulator import backends
from localcloud.shared.background_service import BackgroundService
from localcloud.shared.service import Call, ServiceError, Surroundings

log = logging.getLogger(__name__)

EVALUATED_EVERY_SECONDS = 10.0
MOST_METRICS = 500
"""In one PutMetricData; AWS takes 1,000."""
MOST_DATA_POINTS = 1440
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html"""
_ACTION_SERVICES = (":sns:", ":autoscaling:")


class CloudWatch(BackgroundService):
    """Metrics and alarms.

    Args:
        surroundings: the local cloud around it.
    """

    name = "cloudwatch"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._before: dict[tuple[str, str], Any] = {}
        self.handlers = {
            "GetMetricStatistics": self._statistics,
            "GetMetricData": self._metric_data,
        }
        self.before = {
            "PutMetricAlarm": self._check_alarm,
            "PutCompositeAlarm": _refuse_composite,
            "SetAlarmState": self._remember,
        }
        self.after = {"PutMetricAlarm": self._keep_state, "SetAlarmState": self._follow}

    # --- metrics

    def _points(self, region: str, since: float) -> Points:
        return Points(list(self._backend(region).metric_data), since)

    def _backend(self, region: str) -> Any:
        return backends("cloudwatch")[self._around.account][region]

    def _statistics(self, call: Call) -> Mapping[str, Any]:
        """Of exactly the metric with these dimensions."""
        given = call.input
        names = [*given.get("Statistics", []), *given.get("ExtendedStatistics", [])]
        if not names:
            raise ServiceError(
                "InvalidParameterCombination",
                "Must specify either Statistics or ExtendedStatistics",
            )
        begin, end = given["StartTime"].timestamp(), given["EndTime"].timestamp()
        if begin >= end:
            raise ServiceError(
                "InvalidParameterValue",
                "The parameter StartTime must be less than the parameter EndTime.",
            )
        wanted, points = metric(given, given.get("Unit")), self._points(call.region, begin)
        found = {
            name: _between(points.series(wanted, _known(name), given["Period"]), begin, end)
            for name in names
        }
        unit = points.units(wanted)
        rows = [
            {
                "Timestamp": datetime.fromtimestamp(at, UTC),
                "Unit": unit,
                **{name: found[name][at] for name in given.get("Statistics", [])},
                "ExtendedStatistics": {
                    name: found[name][at] for name in given.get("ExtendedStatistics", [])
                },
            }
            for at in found[names[0]]
        ]
        if len(rows) > MOST_DATA_POINTS:
            raise ServiceError(
                "InvalidParameterCombination",
                f"You have requested up to {len(rows)} datapoints, which exceeds the limit of "
                f"{MOST_DATA_POINTS}.",
            )
        return {"Label": given["MetricName"], "Datapoints": rows}

    def _metric_data(self, call: Call) -> Mapping[str, Any]:
        """Series of metrics and of metric math over them."""
        given = call.input
        begin, end = given["StartTime"].timestamp(), given["EndTime"].timestamp()
        points = self._points(call.region, begin)
        known: dict[str, Series] = {}
        queries = given["MetricDataQueries"]
        for query in [query for query in queries if "MetricStat" in query]:
            stat = query["MetricStat"]
            wanted = metric(stat["Metric"], stat.get("Unit"))
            series = points.series(wanted, _known(stat["Stat"]), stat["Period"])
            known[query["Id"]] = _between(series, begin, end)
        for query in [query for query in queries if "MetricStat" not in query]:
            known[query["Id"]] = _math(query, known, _times(queries, begin, end))
        newest_first = given.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        return {
            "MetricDataResults": [
                _result(query, known[query["Id"]], newest_first=newest_first)
                for query in queries
                if query.get("ReturnData", True)
            ]
        }

    # --- alarms

    def _check_alarm(self, call: Call) -> None:
        """Refuse what would never be evaluated or acted upon."""
        given = call.input
        if given["ComparisonOperator"] not in COMPARISONS or given.get("ThresholdMetricId"):
            raise _unsupported("anomaly detection (ComparisonOperator, ThresholdMetricId)")
        for member in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for arn in given.get(member, []):
                if not any(service in arn for service in _ACTION_SERVICES):
                    raise _unsupported(
                        f"{member} other than SNS topics and scaling policies: {arn}"
                    )
        known: dict[str, Series] = {}
        for query in given.get("Metrics", []):
            if "MetricStat" in query:
                _known(query["MetricStat"]["Stat"])
                known[query["Id"]] = {0.0: 1.0}
        for query in given.get("Metrics", []):
            if "MetricStat" not in query:
                known[query["Id"]] = _math(query, known, [0.0])
        self._remember(call)

    def _remember(self, call: Call) -> None:
        name = call.input["AlarmName"]
        known = self._backend(call.region).alarms.get(name)
        state = (known.state_value, known.state_reason) if known else None
        self._before[call.region, name] = state

    def _keep_state(self, call: Call, answer: Mapping[str, Any]) -> None:
        """A new alarm has no data yet; a changed one keeps its state until it is evaluated."""
        del answer
        name = call.input["AlarmName"]
        before = self._before.pop((call.region, name), None)
        alarm = self._backend(call.region).alarms[name]
        alarm.state_value, alarm.state_reason = before or (
            AlarmState.INSUFFICIENT_DATA,
            "Unchecked: Initial alarm creation",
        )

    def _follow(self, call: Call, answer: Mapping[str, Any]) -> None:
        del answer
        name = call.input["AlarmName"]
        before = self._before.pop((call.region, name), None)
        alarm = self._backend(call.region).alarms[name]
        if before is not None and before[0] != alarm.state_value:
            alarms.act(self._around, call.region, alarm, before[0])

    def _run(self) -> None:
        told = time.time() // queues.PERIOD_SECONDS
        while not self._ended.wait(EVALUATED_EVERY_SECONDS):
            now = time.time()
            if now // queues.PERIOD_SECONDS > told:
                told = now // queues.PERIOD_SECONDS
                self._tell_of_queues(now)
            for region in list(backends("cloudwatch")[self._around.account]):
                try:
                    self.evaluate(region, time.time())
                except (ClientError, BotoCoreError) as error:
                    log.warning("the alarms of %s were not evaluated: %s", region, error)

    def _tell_of_queues(self, now: float) -> None:
        for region, found in list(backends("sqs")[self._around.account].items()):
            rows = [row for queue in list(found.queues.values()) for row in queues.data(queue, now)]
            client = self._around.client("cloudwatch", region=region)
            for start in range(0, len(rows), MOST_METRICS):
                chunk = rows[start : start + MOST_METRICS]
                try:
                    client.put_metric_data(Namespace=queues.NAMESPACE, MetricData=chunk)
                except (ClientError, BotoCoreError) as error:
                    log.warning("the queues of %s were not told of: %s", region, error)

    def evaluate(self, region: str, now: float) -> None:
        """Judge every alarm of a region, and set the states that have changed."""
        known = list(self._backend(region).alarms.values())
        if not known:
            return
        points = self._points(region, now - max(map(alarms.window, known)) - 60)
        client = self._around.client("cloudwatch", region=region)
        for alarm in known:
            try:
                judgement = alarms.look(alarm, points, now)
            except MathError as error:
                log.warning("the alarm %s can't be evaluated: %s", alarm.name, error)
                continue
            if judgement.state != alarm.state_value:
                log.info("alarm %s: %s: %s", alarm.name, judgement.state, judgement.reason)
                client.set_alarm_state(
                    AlarmName=alarm.name,
                    StateValue=judgement.state,
                    StateReason=judgement.reason,
                )


def _known(statistic: str) -> str:
    if not is_statistic(statistic):
        raise _unsupported(f"the statistic {statistic}")
    return statistic


def _times(queries: list[dict[str, Any]], begin: float, end: float) -> list[float]:
    """The beginnings of the periods of a request, which are those of its metrics."""
    periods = [query["MetricStat"]["Period"] for query in queries if "MetricStat" in query]
    period = min(periods, default=60)
    first = int(begin // period)
    return [number * period for number in range(first, math.ceil(end / period))]


def _math(query: Mapping[str, Any], known: Mapping[str, Series], times: Sequence[float]) -> Series:
    try:
        return evaluate(query["Expression"], known, times)
    except MathError as error:
        words = f"Error in expression '{query['Id']}': {error}"
        raise ServiceError("ValidationError", words) from error


def _between(series: Series, begin: float, end: float) -> Series:
    return {at: value for at, value in series.items() if at < end and at >= begin // 60 * 60}


def _result(query: Mapping[str, Any], series: Series, *, newest_first: bool) -> dict[str, Any]:
    times = sorted(series, reverse=newest_first)
    label = query.get("Label") or query.get("MetricStat", {}).get("Metric", {}).get("MetricName")
    return {
        "Id": query["Id"],
        "Label": label or query["Id"],
        "Timestamps": [datetime.fromtimestamp(at, UTC) for at in times],
        "Values": [series[at] for at in times],
        "StatusCode": "Complete",
    }


def _unsupported(what: str) -> ServiceError:
    return ServiceError(
        "ValidationError",
        f"The local cloud's CloudWatch does not do {what}. Leave it out, or try it on AWS.",
    )


def _refuse_composite(call: Call) -> None:
    del call
    raise _unsupported("composite alarms")
