"""CPUUtilization and MemoryUtilization of services, every minute, in CloudWatch's AWS/ECS; and how
many tasks there are in ECS/ContainerInsights, for clusters with Container Insights.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from localcloud.ecs.core import Core
from localcloud.ecs.model import ServiceRecord, Task, TaskStatus
from localcloud.ecs.runtime import Runtime
from localcloud.ecs.service_shape import pending, running

log = logging.getLogger(__name__)

PERIOD_SECONDS = 60.0
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Usage:
    """A task's use of what it reserved, in percent."""

    cpu: float
    memory: float


@dataclass
class Metrics:
    """Measures running tasks and puts their service's metrics."""

    core: Core
    runtime: Runtime
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._before: dict[str, tuple[float, float]] = {}
        self._thread = threading.Thread(target=self._run, daemon=True, name="ecs metrics")

    def start(self) -> None:
        """Begin to measure."""
        self._thread.start()

    def stop(self) -> None:
        """End after the measurement under way."""
        self.ended.set()

    def _run(self) -> None:
        while not self.ended.wait(PERIOD_SECONDS):
            try:
                self.measure()
            except (
                ClientError,
                BotoCoreError,
                APIError,
                DockerException,
                RequestException,
            ) as error:
                log.warning("the minute's metrics could not be put: %s", error)

    def measure(self) -> None:
        """One measurement of every running service task."""
        with self.core.lock:
            services = {s.arn: s for s in self.core.state.services.values()}
            tasks = [
                t
                for t in self.core.state.tasks.values()
                if t.status == TaskStatus.RUNNING and t.service_arn in services
            ]
        usages: dict[str, list[Usage]] = {}
        for task in tasks:
            if (usage := self._usage(task)) is not None:
                usages.setdefault(task.service_arn or "", []).append(usage)
        running = {c.runtime_id for t in tasks for c in t.containers}
        self._before = {key: value for key, value in self._before.items() if key in running}
        for arn, values in usages.items():
            self._put(services[arn], "AWS/ECS", _utilization(values))
        for service in services.values():
            if service.status == "ACTIVE" and self._insights(service):
                self._put(service, "ECS/ContainerInsights", self._counts(service))

    def _insights(self, service: ServiceRecord) -> bool:
        settings = self.core.state.clusters[service.cluster_arn].settings
        return any(one["value"] in ("enabled", "enhanced") for one in settings)

    def _counts(self, service: ServiceRecord) -> list[dict[str, Any]]:
        with self.core.lock:
            tasks = self.core.tasks_of(service.arn)
            counts = {
                "DesiredTaskCount": service.desired_count,
                "RunningTaskCount": running(tasks),
                "PendingTaskCount": pending(tasks),
                "DeploymentCount": len(service.deployments),
            }
        return [
            {"MetricName": name, "Value": float(number), "Unit": "Count"}
            for name, number in counts.items()
        ]

    def _usage(self, task: Task) -> Usage | None:
        """Since the last measurement; None at a task's first."""
        definition = self.core.state.task_definitions[task.definition_arn].definition
        cpu_seconds = memory = elapsed = 0.0
        for container in task.containers:
            if container.runtime_id is None or container.status != "RUNNING":
                continue
            stats = self._stats(container.runtime_id)
            if stats is None:
                continue
            now = time.monotonic()
            total = stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
            before = self._before.get(container.runtime_id)
            self._before[container.runtime_id] = (now, total)
            memory += _working_set(stats)
            if before is not None:
                elapsed = now - before[0]
                cpu_seconds += total - before[1]
        if elapsed == 0.0:
            return None
        reserved_cpu = int(definition["cpu"]) / 1024
        reserved_memory = int(definition["memory"]) * _MIB
        return Usage(100 * cpu_seconds / elapsed / reserved_cpu, 100 * memory / reserved_memory)

    def _stats(self, runtime_id: str) -> dict[str, Any] | None:
        try:
            stats = self.runtime.client.api.stats(runtime_id, stream=False, one_shot=True)
        except APIError as error:
            if error.status_code in (404, 409):
                return None
            raise
        return stats if stats.get("memory_stats", {}).get("usage") else None

    def _put(self, service: ServiceRecord, namespace: str, measured: list[dict[str, Any]]) -> None:
        dimensions = [
            {"Name": "ClusterName", "Value": service.cluster_arn.rpartition("/")[2]},
            {"Name": "ServiceName", "Value": service.name},
        ]
        common = {"Dimensions": dimensions, "Timestamp": datetime.now(UTC)}
        self.core.client("cloudwatch", service.arn.split(":")[3]).put_metric_data(
            Namespace=namespace, MetricData=[common | one for one in measured]
        )


def _utilization(usages: list[Usage]) -> list[dict[str, Any]]:
    return [
        {
            "MetricName": name,
            "Unit": "Percent",
            "StatisticValues": {
                "SampleCount": len(values),
                "Sum": sum(values),
                "Minimum": min(values),
                "Maximum": max(values),
            },
        }
        for name, values in (
            ("CPUUtilization", [usage.cpu for usage in usages]),
            ("MemoryUtilization", [usage.memory for usage in usages]),
        )
    ]


def _working_set(stats: dict[str, Any]) -> float:
    """Memory in use without the file cache that can be given back, as `docker stats` counts."""
    memory = stats["memory_stats"]
    details = memory.get("stats", {})
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    return float(max(0, memory["usage"] - cache))
