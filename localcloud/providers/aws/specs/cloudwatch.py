"""Rows of CloudWatch: alarms and dashboards.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from typing import Any

from localcloud.providers.aws.comparing import same_json, same_unordered
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values, tagged_by_arn
from localcloud.providers.aws.values import from_shape

_ALARM_NAMES = {
    "name": "AlarmName",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
}


def _dimensions(dimensions: Any) -> Any:
    """CloudWatch wants a list of pairs where Pulumi has a map."""
    if not isinstance(dimensions, dict):
        return dimensions
    return [{"name": name, "value": value} for name, value in dimensions.items()]


def _query(query: Any) -> Any:
    if not isinstance(query, dict) or not isinstance(query.get("metric"), dict):
        return query
    metric = dict(query["metric"])
    outer = {name: metric.pop(name) for name in ("period", "stat", "unit") if name in metric}
    if "dimensions" in metric:
        metric["dimensions"] = _dimensions(metric["dimensions"])
    rest = {name: value for name, value in query.items() if name != "metric"}
    return {**rest, "metricStat": {"metric": metric, **outer}}


def _alarm_members(inputs: Values) -> Values:
    values = dict(inputs)
    if "dimensions" in values:
        values["dimensions"] = _dimensions(values["dimensions"])
    if isinstance(values.get("metricQueries"), list):
        values["Metrics"] = [_query(query) for query in values.pop("metricQueries")]
    return values


def _told_alarm(_resource: Resource, found: Values) -> Values:
    told: Values = {}
    if found.get("Dimensions"):
        told["dimensions"] = {entry["Name"]: entry["Value"] for entry in found["Dimensions"]}
    if found.get("Metrics"):
        told["metricQueries"] = [_told_query(query) for query in found["Metrics"]]
    return told


def _told_query(query: Values) -> Values:
    told = from_shape({key: value for key, value in query.items() if key != "MetricStat"}, "", {})
    if "MetricStat" in query:
        stat = from_shape(query["MetricStat"], "", {})
        metric = stat.pop("metric")
        pairs = metric.pop("dimensions", [])
        metric["dimensions"] = {entry["name"]: entry["value"] for entry in pairs}
        told["metric"] = {**metric, **stat}
    return dict(told)


_ALARM_TAGS = tagged_by_arn("ResourceARN")

METRIC_ALARM = Spec(
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "cloudwatch",
    create=Op("PutMetricAlarm"),
    read=Op("DescribeAlarms", {"AlarmNames": "[id]", "AlarmTypes": "['MetricAlarm']"}),
    delete=Op("DeleteAlarms", {"AlarmNames": "[id]"}),
    id="inputs.name",
    found="MetricAlarms[0]",
    names=_ALARM_NAMES,
    inputs=frozenset({"metricQueries"}),
    prepare=_alarm_members,
    replaces=frozenset({"name"}),
    update=(
        Step(
            Op("PutMetricAlarm", {"AlarmName": "id"}),
            properties=(
                "actionsEnabled",
                "alarmActions",
                "alarmDescription",
                "comparisonOperator",
                "datapointsToAlarm",
                "dimensions",
                "evaluateLowSampleCountPercentiles",
                "evaluationPeriods",
                "extendedStatistic",
                "insufficientDataActions",
                "metricName",
                "metricQueries",
                "namespace",
                "okActions",
                "period",
                "statistic",
                "threshold",
                "thresholdMetricId",
                "treatMissingData",
                "unit",
            ),
        ),
    ),
    equal={"metricQueries": same_unordered},
    defaults={"actionsEnabled": True, "treatMissingData": "missing"},
    outputs={"arn": "AlarmArn"},
    present=_told_alarm,
    sticky=frozenset({"evaluateLowSampleCountPercentiles"}),
    name=AutoName(255),
    tags=_ALARM_TAGS,
    absent=frozenset({"ResourceNotFound"}),
)

DASHBOARD = Spec(
    "aws:cloudwatch/dashboard:Dashboard",
    "cloudwatch",
    create=Op("PutDashboard"),
    read=Op("GetDashboard", {"DashboardName": "id"}),
    delete=Op("DeleteDashboards", {"DashboardNames": "[id]"}),
    id="inputs.dashboardName",
    replaces=frozenset({"dashboardName"}),
    update=(Step(Op("PutDashboard", {"DashboardName": "id"}), properties=("dashboardBody",)),),
    equal={"dashboardBody": same_json},
    outputs={"dashboardArn": "DashboardArn"},
    name=AutoName(255, property="dashboardName"),
    absent=frozenset({"ResourceNotFound", "DashboardNotFoundError"}),
)

ROWS = (METRIC_ALARM, DASHBOARD)
