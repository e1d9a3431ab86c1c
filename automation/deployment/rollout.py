"""A view of a running rollout: old and new tasks, their health, requests and errors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.clients import Cloud
from automation.aws.ecs import (
    ServiceName,
    describe_service,
    private_address,
    revision_number,
    target_groups,
    targets,
    task_id,
    tasks,
)
from automation.stack.operations import Session

WATCH_SECONDS = 2.0
NAMESPACE = "AWS/ApplicationELB"
ERRORS = ("HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count")
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html"""


@dataclass(frozen=True)
class TaskView:
    """A task as the view shows it."""

    identity: str
    status: str
    health: str


@dataclass(frozen=True)
class Side:
    """The tasks of one deployment: the new one, or all before it.

    Attributes:
        release: the revision of its task definition; None if there are no tasks of that kind.
        wanted: how many it shall have.
        tasks: those that have not stopped.
    """

    release: int | None
    wanted: int
    tasks: tuple[TaskView, ...]

    @property
    def summary(self) -> str:
        """Such as `release 7: 1 of 2 run, 1 healthy`."""
        running = sum(task.status == "RUNNING" for task in self.tasks)
        healthy = sum(task.health == "healthy" for task in self.tasks)
        return f"release {self.release or '-'}: {running} of {self.wanted} run, {healthy} healthy"


@dataclass(frozen=True)
class Rollout:
    """The state of a rollout at one moment.

    Attributes:
        new: the newest deployment.
        old: what it replaces.
        state: of the newest deployment, in ECS's words.
        requests: through the load balancer since the view began; None where that is unknown.
        errors: of those, answered with 5xx.
    """

    new: Side
    old: Side
    state: str
    requests: int | None = None
    errors: int = 0

    @property
    def summary(self) -> str:
        """One line without the requests, which change all the time."""
        old = f"; old {self.old.summary}" if self.old.tasks else ""
        return f"Rollout {self.state}: new {self.new.summary}{old}"

    def lines(self) -> list[str]:
        """Everything, a line a task."""
        found = [f"  rollout {self.state}"]
        for name, side in (("new", self.new), ("old", self.old)):
            if side.release is None or not (side.wanted or side.tasks):
                continue
            found.append(f"    {name} {side.summary}")
            found += [f"      {t.identity[:8]}  {t.status:<14} {t.health}" for t in side.tasks]
        if self.requests is not None:
            found.append(f"    {self.requests} requests, {self.errors} answered with 5xx")
        return found


def look(cloud: Cloud, name: ServiceName, since: datetime) -> Rollout | None:
    """Describe a service's rollout; None if none is in progress.

    Args:
        cloud: the account.
        name: the service.
        since: requests are counted from here on.
    """
    service = describe_service(cloud, name)
    if service is None:
        return None
    deployments = sorted(service["deployments"], key=lambda d: d["createdAt"], reverse=True)
    going_on = len(deployments) > 1 or service["runningCount"] < service["desiredCount"]
    if not deployments or not (going_on or deployments[0].get("rolloutState") == "IN_PROGRESS"):
        return None
    newest, *earlier = deployments
    health = {target.address: target.state for target in targets(cloud, service)}
    found = tasks(cloud, name)
    mine = [task for task in found if task.get("startedBy") == newest["id"]]
    others = [task for task in found if task.get("startedBy") != newest["id"]]
    requests, errors = _traffic(cloud, service, since)
    return Rollout(
        new=_side([newest], mine, health),
        old=_side(earlier, others, health),
        state=newest.get("rolloutState", "IN_PROGRESS").replace("_", " ").lower(),
        requests=requests,
        errors=errors,
    )


def _side(
    deployments: list[dict[str, Any]], started: list[dict[str, Any]], health: dict[str, str]
) -> Side:
    definitions = [d["taskDefinition"] for d in deployments]
    definitions += [task["taskDefinitionArn"] for task in started]
    views = (
        TaskView(task_id(task), task["lastStatus"], health.get(private_address(task), "-"))
        for task in started
    )
    return Side(
        release=revision_number(definitions[0]) if definitions else None,
        wanted=sum(d["desiredCount"] for d in deployments),
        tasks=tuple(sorted(views, key=lambda view: view.identity)),
    )


def _traffic(cloud: Cloud, service: dict[str, Any], since: datetime) -> tuple[int | None, int]:
    """Return requests and errors of the target groups; CloudWatch lags a minute or two."""
    groups = target_groups(service)
    if not groups:
        return None, 0
    described = cloud.client("elbv2").describe_target_groups(TargetGroupArns=groups)
    dimensions = [
        [
            {"Name": "TargetGroup", "Value": row["TargetGroupArn"].rpartition(":")[2]},
            {"Name": "LoadBalancer", "Value": arn.rpartition(":loadbalancer/")[2]},
        ]
        for row in described["TargetGroups"]
        for arn in row["LoadBalancerArns"]
    ]
    sums = [_sum(cloud, "RequestCount", each, since) for each in dimensions]
    known = [value for value in sums if value is not None]
    errors = sum(_sum(cloud, name, each, since) or 0 for name in ERRORS for each in dimensions)
    return (sum(known) if known else None), errors


def _sum(cloud: Cloud, name: str, dimensions: list[dict[str, str]], since: datetime) -> int | None:
    answer = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=dimensions,
        StartTime=since.replace(second=0, microsecond=0),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    points = answer.get("Datapoints")  # an answer that was cut off has no members
    return int(sum(point["Sum"] for point in points)) if points else None


def watched(session: Session) -> Watch:
    """A view of the rollout of a stack's service: lines to draw on a terminal, told elsewhere."""
    drawn = session.screen.err.is_terminal and not session.screen.quiet
    tell = None if drawn else session.screen.note
    return Watch(Cloud(provider=session.provider), session.service, tell)


class Watch:
    """Polls the rollout in a thread; use it as a context manager.

    Args:
        cloud: clients of the watch's own, since it is another thread.
        name: the service.
        tell: is told a summary whenever it changes; None where the lines are drawn instead.
    """

    def __init__(
        self, cloud: Cloud, name: ServiceName, tell: Callable[[str], None] | None = None
    ) -> None:
        self._cloud, self._name, self._tell = cloud, name, tell
        self._since = datetime.now(UTC)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=10)

    def lines(self) -> list[str]:
        """The lines of the latest poll; empty if no rollout is in progress."""
        return self._lines

    def _watch(self) -> None:
        told = ""
        while not self._ended.wait(WATCH_SECONDS):
            try:
                seen = look(self._cloud, self._name, self._since)
            except (ClientError, BotoCoreError) as error:
                # A view is a courtesy: the command that it accompanies fails by itself.
                self._lines = [f"  the rollout can't be looked at: {error}"]
                continue
            self._lines = seen.lines() if seen else []
            if seen and self._tell and seen.summary != told:
                told = seen.summary
                self._tell(told)
