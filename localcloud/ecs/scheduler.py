"""What a service needs next: a pure function of its description, its tasks and the time.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from localcloud.ecs import shifting
from localcloud.ecs.model import Deployment, Rollout, ServiceRecord, Task, TaskStatus

SETTLING_SECONDS = 12.0
"""How long a task must have been healthy to count as a success and take an older one's place.

AWS's scheduler takes longer than that from a passed health check to the next step. Here it is what
makes a crash soon after the first passed check a failure of the deployment, with the older tasks
still there.
"""
SETTLING_VARIABLE = "FARGATE_CD_SETTLING_SECONDS"
"""The variable of the local cloud's process that names another time, for tests of other things."""
LONGEST_BACKOFF = 27 * 60.0
"""https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html"""
LONGEST_RESTART_DELAY = 30.0
"""Between tasks that start and soon end: about what Fargate takes to provision the next."""
IMPAIRED_AFTER = 3
"""Failed starts in a row after which the service is called unable to start tasks."""


@dataclass(frozen=True)
class Stop:
    """Stop a task of the service.

    Attributes:
        reason: the stopped reason, in ECS's words.
        failure: whether it counts as a failure of the deployment.
    """

    task: Task
    reason: str
    failure: bool = False


@dataclass
class Plan:
    """What to do now.

    Attributes:
        starts: a deployment for every task to start.
        desired: deployment id → how many tasks it should have from now on.
        completed: the primary deployment has reached its steady state.
    """

    starts: list[Deployment] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    desired: dict[str, int] = field(default_factory=dict)
    completed: bool = False
    steady: bool = False


def healthy(task: Task) -> bool:
    """Whether the task runs and passes all its checks."""
    return task.live and task.status == TaskStatus.RUNNING and task.healthy_since is not None


def failing(service: ServiceRecord, task: Task, now: float) -> bool:
    """Whether the task fails a check, its grace period over."""
    if not task.live or task.failing is None or task.started_at is None:
        return False
    return now - task.started_at >= (service.grace_period or 0)


def backoff(deployment: Deployment, *, started: bool) -> float:
    """Seconds to wait before the next task, after `start_failures` in a row."""
    longest = LONGEST_RESTART_DELAY if started else LONGEST_BACKOFF
    exponent = min(deployment.start_failures - 1, 20)
    return float(min(longest, 2.0**exponent)) if exponent >= 0 else 0.0


def limits(service: ServiceRecord) -> tuple[int, int]:
    """The fewest healthy and the most live tasks during a deployment."""
    configuration = service.deployment_configuration
    lower = math.ceil(service.desired_count * configuration["minimumHealthyPercent"] / 100)
    upper = math.floor(service.desired_count * configuration["maximumPercent"] / 100)
    return lower, upper


def plan(service: ServiceRecord, tasks: Iterable[Task], now: float) -> Plan:
    """Decide the next step of a service.

    Args:
        service: the service; its deployments' `desired` is what was decided last.
        tasks: its tasks that have not stopped.
    """
    result = Plan()
    everything = list(tasks)
    if service.status != "ACTIVE":
        reason = f"Scaling activity initiated by (deployment {service.primary.id})"
        result.stops = [Stop(task, reason) for task in everything if task.live]
        return result
    planner = _Planner(service, everything, now, result)
    planner.stop_failing()
    planner.shrink_older()
    planner.stop_surplus()
    planner.start_missing()
    planner.judge()
    return result


class _Planner:
    """One decision, made in steps that each see what the earlier ones took away."""

    def __init__(self, service: ServiceRecord, tasks: list[Task], now: float, result: Plan) -> None:
        self.service, self.now, self.result = service, now, result
        self.tasks = tasks
        self.live = [task for task in tasks if task.live]
        self.primary = service.primary
        self.older = [d for d in service.deployments if d is not self.primary]
        self.lower, self.upper = limits(service)
        self.held = shifting.held(service, now)
        if self.held:
            self.upper = max(self.upper, 2 * service.desired_count)
        self.desired = {d.id: d.desired for d in service.deployments}
        if self.primary.rollout != Rollout.FAILED:
            self.desired[self.primary.id] = service.desired_count

    def of(self, deployment: Deployment) -> list[Task]:
        return [task for task in self.live if task.deployment_id == deployment.id]

    def healthy_count(self) -> int:
        return sum(healthy(task) for task in self.live)

    def stop(self, task: Task, reason: str, *, failure: bool = False) -> None:
        self.result.stops.append(Stop(task, reason, failure))
        self.live.remove(task)

    def failing(self, tasks: list[Task]) -> list[Task]:
        return [task for task in tasks if failing(self.service, task, self.now)]

    def stop_failing(self) -> None:
        """Stop what fails its checks; a task that was healthy once is replaced first."""
        for deployment in self.service.deployments:
            for task in self.failing(self.of(deployment)):
                if not task.was_healthy or self._replaced(deployment):
                    self.stop(task, task.failing or "", failure=True)

    def _replaced(self, deployment: Deployment) -> bool:
        tasks = self.of(deployment)
        if sum(healthy(t) for t in tasks) >= self.desired[deployment.id]:
            return True
        on_the_way = [t for t in tasks if not healthy(t) and t.failing is None]
        return not on_the_way and len(self.live) >= self.upper

    def shrink_older(self) -> None:
        """Lower what older deployments should have, as the primary takes over."""
        if self.held:
            self._shrink_given_up()
            return
        for deployment in self.service.deployments:
            given_up = deployment is not self.primary and not deployment.ever_completed
            if given_up or deployment.rollout == Rollout.FAILED:
                serving = sum(healthy(task) for task in self.of(deployment))
                self.desired[deployment.id] = min(self.desired[deployment.id], serving)
        if self.primary.rollout == Rollout.FAILED:
            return
        for _ in range(self._removable()):
            largest = max(self.older, key=lambda d: (not d.ever_completed, self.desired[d.id]))
            if self.desired[largest.id] == 0:
                largest = max(self.older, key=lambda d: self.desired[d.id])
            self.desired[largest.id] -= 1

    def _shrink_given_up(self) -> None:
        """While traffic is shifted the serving deployment stays whole; one that a newer deployment
        replaced before it got there goes, once it gets no traffic."""
        for deployment in self.older:
            if not deployment.ever_completed and deployment.traffic == 0:
                self.desired[deployment.id] = 0

    def _removable(self) -> int:
        older_total = sum(self.desired[d.id] for d in self.older)
        mine = self.of(self.primary)
        settled = sum(healthy(task) and task.settled for task in mine)
        replaced = older_total - max(0, self.service.desired_count - settled)
        missing = self.service.desired_count - len(mine)
        room = self.upper - len(self.live)
        wanted = max(replaced, missing - room if missing > 0 and room < missing else 0)
        spare = self.healthy_count() - self.lower
        older = [task for deployment in self.older for task in self.of(deployment)]
        not_serving = older_total - sum(healthy(task) for task in older)
        return max(0, min(wanted, max(0, spare) + not_serving, older_total))

    def stop_surplus(self) -> None:
        """Stop the tasks beyond what each deployment should have."""
        for deployment in self.service.deployments:
            tasks = self.of(deployment)
            replaceable = len(self.failing(tasks))
            surplus = len(tasks) - self.desired[deployment.id] - replaceable
            for _ in range(max(0, surplus)):
                victim = self._victim(self.of(deployment))
                self.stop(victim, f"Scaling activity initiated by (deployment {self.primary.id})")

    def _victim(self, tasks: list[Task]) -> Task:
        """Not healthy first, then from the fullest zone, then the oldest."""
        zones = Counter(task.availability_zone for task in tasks)
        return min(
            tasks,
            key=lambda t: (healthy(t), t.was_healthy, -zones[t.availability_zone], t.created_at),
        )

    def start_missing(self) -> None:
        """Start what is missing, within the maximum, an older deployment's losses first."""
        for deployment in [*self.older, self.primary]:
            if self.now < deployment.next_start_at:
                continue
            tasks = self.of(deployment)
            missing = self.desired[deployment.id] - (len(tasks) - len(self.failing(tasks)))
            room = self.upper - len(self.live) - len(self.result.starts)
            self.result.starts += [deployment] * max(0, min(missing, room))

    def judge(self) -> None:
        """Say whether the deployment is complete and the service steady."""
        self.result.desired = self.desired
        primary = self.of(self.primary)
        wanted = self.service.desired_count
        serving = [task for task in primary if healthy(task)]
        if self.held or self.result.starts or len(primary) != wanted or len(serving) != wanted:
            return
        others = [t for t in self.tasks if t.deployment_id != self.primary.id]
        if self.primary.rollout == Rollout.IN_PROGRESS:
            self.result.completed = not others and all(task.settled for task in serving)
        stopping = [task for task in self.tasks if not task.live]
        self.result.steady = not stopping and (
            self.result.completed or self.primary.rollout == Rollout.COMPLETED
        )
