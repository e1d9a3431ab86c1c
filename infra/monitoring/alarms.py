"""What alarms watch: a table of conditions over the metrics that ECS and the load balancer publish.

Metrics: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
Metric math: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PERIOD_SECONDS = 60
CPU_LIMIT = 85
"""Percent; autoscaling holds a lower target, so that this much for long means it can't keep up."""
MEMORY_LIMIT = 85

BALANCER = "AWS/ApplicationELB"
SERVICE = "AWS/ECS"
INSIGHTS = "ECS/ContainerInsights"


@dataclass(frozen=True)
class Metric:
    """One time series.

    Attributes:
        namespace: CloudWatch's namespace.
        name: the metric's name.
        statistic: `Sum`, `Average`, `Maximum`, `SampleCount` or a percentile such as `p95`.
        dimensions: name → value.
    """

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Alarm:
    """A condition that notifies a person or rolls a release back.

    Attributes:
        kind: the end of its name.
        description: what is wrong when it goes off, and what to look at.
        metrics: identifier → series.
        expression: metric math over the identifiers; empty where there is one series.
        comparison: CloudWatch's name of the comparison.
        threshold: what the value is compared with.
        breaching: how many of the last `periods` minutes must be beyond the threshold.
        periods: how many minutes are looked at.
        missing: what no data means: `notBreaching`, or `ignore`: the alarm stays as it is.
    """

    kind: str
    description: str
    metrics: Mapping[str, Metric]
    expression: str
    comparison: str
    threshold: float
    breaching: int
    periods: int
    missing: str = "notBreaching"


@dataclass(frozen=True)
class Watched:
    """What is watched, by CloudWatch's dimensions.

    Attributes:
        cluster: the cluster's name.
        service: the service's name.
        balancer: the load balancer, by the end of its ARN.
        target_groups: its target groups, likewise; a second one where releases are switched over.
    """

    cluster: str
    service: str
    balancer: str
    target_groups: Sequence[str]

    def of_balancer(self, name: str, statistic: str) -> Metric:
        """A metric of the whole load balancer."""
        return Metric(BALANCER, name, statistic, {"LoadBalancer": self.balancer})

    def of_targets(self, prefix: str, name: str, statistic: str) -> dict[str, Metric]:
        """A metric of each target group, under `prefix0`, `prefix1`."""
        return {
            f"{prefix}{number}": Metric(
                BALANCER, name, statistic, {"TargetGroup": group, "LoadBalancer": self.balancer}
            )
            for number, group in enumerate(self.target_groups)
        }

    def of_service(self, name: str, statistic: str, namespace: str = SERVICE) -> Metric:
        """A metric of the ECS service."""
        dimensions = {"ClusterName": self.cluster, "ServiceName": self.service}
        return Metric(namespace, name, statistic, dimensions)


@dataclass(frozen=True)
class Limits:
    """The alarms' thresholds.

    Attributes:
        errors: percent of answers.
        latency: seconds within which 95 of 100 answers must come.
        tasks: the fewest tasks that must run; with 0 only Container Insights can tell.
        insights: whether Container Insights tells how many tasks are desired.
    """

    errors: float
    latency: float
    tasks: int
    insights: bool


def release_alarms(watched: Watched, limits: Limits) -> list[Alarm]:
    """Return the alarms that roll a release back: errors and slow answers.

    A deployment that is not rolling is taken back when one of them goes off.
    """
    errors = watched.of_targets("errors", "HTTPCode_Target_5XX_Count", "Sum")
    requests = watched.of_targets("requests", "RequestCount", "Sum")
    answers = watched.of_targets("answers", "TargetResponseTime", "p95")
    return [
        Alarm(
            "target-errors",
            f"More than {limits.errors:g} % of the application's answers are 5xx; see its log.",
            {**errors, **requests},
            f"100 * {_over('SUM', errors)} / {_over('SUM', requests)}",
            "GreaterThanThreshold",
            limits.errors,
            breaching=2,
            periods=3,
        ),
        Alarm(
            "slow-answers",
            f"5 of 100 answers take longer than {limits.latency:g} s.",
            answers,
            _over("MAX", answers),
            "GreaterThanThreshold",
            limits.latency,
            breaching=3,
            periods=5,
        ),
    ]


def service_alarms(watched: Watched, limits: Limits) -> list[Alarm]:
    """Return the alarms that report to people."""
    unhealthy = watched.of_targets("unhealthy", "UnHealthyHostCount", "Maximum")
    return [
        Alarm(
            "balancer-errors",
            f"More than {limits.errors:g} % of requests end in a 5xx of the load balancer's own: "
            "no healthy task, or one that does not answer.",
            {
                "errors": watched.of_balancer("HTTPCode_ELB_5XX_Count", "Sum"),
                "requests": watched.of_balancer("RequestCount", "Sum"),
            },
            # Requests for which there is no target are not among the counted ones.
            "100 * errors / SUM([errors, requests])",
            "GreaterThanThreshold",
            limits.errors,
            breaching=2,
            periods=3,
        ),
        Alarm(
            "unhealthy-targets",
            "A task does not answer its health path.",
            unhealthy,
            _over("MAX", unhealthy),
            "GreaterThanThreshold",
            0,
            breaching=3,
            periods=3,
        ),
        _load("high-cpu", "CPUUtilization", CPU_LIMIT, "max_count or cpu", watched),
        _load("high-memory", "MemoryUtilization", MEMORY_LIMIT, "memory", watched),
        *_too_few_tasks(watched, limits),
    ]


LONGEST_WAIT_SECONDS = 900


def process_alarms(watched: Watched, limits: Limits, queue: bool) -> list[Alarm]:
    """Return the alarms of a process that has no load balancer.

    Args:
        watched: the process's service; in place of a target group its queue's name.
        limits: the fewest tasks.
        queue: whether it has one.
    """
    found = _too_few_tasks(watched, limits)
    if not queue:
        return found
    oldest = Metric(
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        "Maximum",
        {"QueueName": watched.target_groups[0]},
    )
    waited = Alarm(
        "messages-wait",
        f"A message of the queue waits for more than {LONGEST_WAIT_SECONDS // 60} minutes: no task "
        "works on it, or too few do; see `run.py diagnose`, or raise max_count.",
        {"oldest": oldest},
        "",
        "GreaterThanThreshold",
        LONGEST_WAIT_SECONDS,
        breaching=5,
        periods=5,
    )
    return [*found, waited]


def _over(function: str, metrics: Mapping[str, Metric]) -> str:
    """A function of several series, which passes over those without data."""
    return f"{function}([{', '.join(metrics)}])"


def _load(kind: str, metric: str, limit: int, settings: str, watched: Watched) -> Alarm:
    return Alarm(
        kind,
        f"The tasks use more than {limit} % of what they have; raise {settings}.",
        {"used": watched.of_service(metric, "Average")},
        "",
        "GreaterThanThreshold",
        limit,
        breaching=5,
        periods=5,
    )


def _too_few_tasks(watched: Watched, limits: Limits) -> list[Alarm]:
    """Fewer tasks run than should.

    Without Container Insights the running tasks are counted by the number of their CPU samples:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-metrics.html

    A service none of whose tasks runs publishes nothing, and nor does one that has just been made.
    `REPEAT` tells them apart: it fills a gap with the value before it, and there is no value before
    a service's first. So minutes after data count as 0 tasks, minutes before it are missing, and
    with `ignore` an alarm that has no data yet does not go off, and one that went off stays. The
    minutes that are looked at are more than those that must be beyond the limit: a value from
    before the failure has to be among them, and the newest minutes may not have been published.
    """
    description = "Fewer tasks run than the service should have; see `run.py diagnose`."
    if limits.insights:
        desired = watched.of_service("DesiredTaskCount", "Average", INSIGHTS)
        running = watched.of_service("RunningTaskCount", "Average", INSIGHTS)
        return [
            Alarm(
                "too-few-tasks",
                description,
                {"desired": desired, "running": running},
                "IF(FILL(desired, REPEAT), FILL(desired, REPEAT) - FILL(running, 0))",
                "GreaterThanThreshold",
                0,
                breaching=10,
                periods=15,
                missing="ignore",
            )
        ]
    if limits.tasks < 1:
        return []
    return [
        Alarm(
            "too-few-tasks",
            description,
            {"running": watched.of_service("CPUUtilization", "SampleCount")},
            "IF(FILL(running, REPEAT), FILL(running, 0))",
            "LessThanThreshold",
            limits.tasks,
            breaching=6,
            periods=10,
            missing="ignore",
        )
    ]
