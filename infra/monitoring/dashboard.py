"""The dashboard's body: graphs of the service, with a line through all of them at each release.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from infra.monitoring.alarms import PERIOD_SECONDS, Limits, Metric, Watched

WIDTH, HEIGHT = 12, 6
COLUMNS = 2
ALARMS_HEIGHT = 3
RELEASE_COLOUR = "#7f3f98"
RELEASE = "release"

Widget = dict[str, Any]


@dataclass(frozen=True)
class Tasks:
    """The tasks of one process.

    Attributes:
        watched: its service.
        fewest: how many should run at least, drawn as a level line.
    """

    watched: Watched
    fewest: int


def body(
    region: str,
    watched: Watched,
    limits: Limits,
    alarm_arns: Sequence[str],
    release_rule: str,
    processes: Mapping[str, Tasks] = MappingProxyType({}),
) -> dict[str, Any]:
    """The dashboard.

    Args:
        region: of the metrics.
        watched: whose metrics.
        limits: drawn as level lines.
        alarm_arns: shown by their state on top.
        release_rule: the EventBridge rule that fires at the start of each deployment.
        processes: process → its service, in graphs of its own.
    """
    graphs = [
        _graph(region, title, metrics, release_rule, limit)
        for title, metrics, limit in _series(watched, limits, processes)
    ]
    alarms = {
        "type": "alarm",
        "properties": {"title": "Alarms", "alarms": list(alarm_arns)},
        **_place(0, 0, WIDTH * COLUMNS, ALARMS_HEIGHT),
    }
    placed = [
        {**graph, **_place(number % COLUMNS * WIDTH, _row(number), WIDTH, HEIGHT)}
        for number, graph in enumerate(graphs)
    ]
    return {"widgets": [alarms, *placed]}


def _row(number: int) -> int:
    return ALARMS_HEIGHT + number // COLUMNS * HEIGHT


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "width": width, "height": height}


Rows = list[tuple[str, dict[str, Metric], tuple[str, float] | None]]


def _series(watched: Watched, limits: Limits, processes: Mapping[str, Tasks]) -> Rows:
    """Title, label → series, and a level to draw."""
    of_web = _of_requests(watched, limits) + _of_tasks(Tasks(watched, limits.tasks))
    of_processes = [
        (f"{name}: {title}", metrics, limit)
        for name, tasks in processes.items()
        for title, metrics, limit in _of_tasks(tasks)
    ]
    return [*(of_web if watched.balancer else []), *of_processes]


def _of_requests(watched: Watched, limits: Limits) -> Rows:
    return [
        ("Requests a minute", {"requests": watched.of_balancer("RequestCount", "Sum")}, None),
        (
            "Errors a minute",
            {
                **_each("5xx of the tasks", watched, "HTTPCode_Target_5XX_Count", "Sum"),
                "5xx of the load balancer": watched.of_balancer("HTTPCode_ELB_5XX_Count", "Sum"),
                **_each("4xx of the tasks", watched, "HTTPCode_Target_4XX_Count", "Sum"),
            },
            None,
        ),
        (
            "Time to answer in seconds",
            {
                label: metric
                for percentile in ("p50", "p95", "p99")
                for label, metric in _each(
                    percentile, watched, "TargetResponseTime", percentile
                ).items()
            },
            ("limit of p95", limits.latency),
        ),
        (
            "Targets",
            {
                **_each("healthy", watched, "HealthyHostCount", "Minimum"),
                **_each("unhealthy", watched, "UnHealthyHostCount", "Maximum"),
            },
            None,
        ),
    ]


def _of_tasks(tasks: Tasks) -> Rows:
    watched = tasks.watched
    return [
        (
            "CPU and memory in percent",
            {
                "CPU, average": watched.of_service("CPUUtilization", "Average"),
                "CPU, most": watched.of_service("CPUUtilization", "Maximum"),
                "memory, average": watched.of_service("MemoryUtilization", "Average"),
            },
            None,
        ),
        (
            "Running tasks",
            {"running": watched.of_service("CPUUtilization", "SampleCount")},
            ("fewest", float(tasks.fewest)) if tasks.fewest else None,
        ),
    ]


def _each(label: str, watched: Watched, name: str, statistic: str) -> dict[str, Metric]:
    """One series a target group; the second has its number in its label."""
    found = watched.of_targets("", name, statistic).values()
    return {f"{label} {number}" if number > 1 else label: m for number, m in enumerate(found, 1)}


def _graph(
    region: str,
    title: str,
    metrics: Mapping[str, Metric],
    release_rule: str,
    level: tuple[str, float] | None,
) -> Widget:
    properties: dict[str, Any] = {
        "title": title,
        "view": "timeSeries",
        "stacked": False,
        "region": region,
        "period": PERIOD_SECONDS,
        "metrics": [
            *(_line(label, metric) for label, metric in metrics.items()),
            *_release(release_rule),
        ],
        "yAxis": {
            "left": {"min": 0, "showUnits": False},
            "right": {"min": 0, "max": 1, "showUnits": False},
        },
    }
    if level is not None:
        label, value = level
        properties["annotations"] = {"horizontal": [{"label": label, "value": value}]}
    return {"type": "metric", "properties": properties}


def _line(label: str, metric: Metric) -> list[Any]:
    dimensions = [part for pair in metric.dimensions.items() for part in pair]
    shown = {"label": label, "stat": metric.statistic}
    return [metric.namespace, metric.name, *dimensions, shown]


def _release(rule: str) -> list[list[Any]]:
    """A line from the bottom to the top of the right axis in the minute of each release.

    The rule's own metric counts deployments; it needs no target:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    """
    hidden = {"id": RELEASE, "stat": "Sum", "visible": False}
    drawn = {
        "expression": f"FILL({RELEASE}, 0)",
        "label": RELEASE,
        "yAxis": "right",
        "color": RELEASE_COLOUR,
    }
    return [["AWS/Events", "TriggeredRules", "RuleName", rule, hidden], [drawn]]
