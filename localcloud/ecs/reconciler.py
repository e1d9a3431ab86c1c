"""The loop that brings about what the state asks for.

Each round looks at Docker and at the load balancers' verdicts, lets the scheduler decide, writes
the decision down, and then acts; an action that was cut short by a kill is found again in the
state and done by the next process. Nothing runs while nothing is in motion, save a look every few
seconds at the health of targets.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError
from docker.errors import DockerException
from requests.exceptions import RequestException

from localcloud.ecs import alarms, bookkeeping, rollout
from localcloud.ecs.agent.events import Events
from localcloud.ecs.agent.shifts import Shifts
from localcloud.ecs.alarms import Alarms, Verdict
from localcloud.ecs.core import Core
from localcloud.ecs.model import ServiceRecord, Task, TaskStatus
from localcloud.ecs.observation import Observer
from localcloud.ecs.placement import new_task
from localcloud.ecs.runtime import Runtime
from localcloud.ecs.scheduler import Plan, healthy, plan
from localcloud.ecs.starting import Starter
from localcloud.ecs.stopping import Stopper
from localcloud.shared import clock

log = logging.getLogger(__name__)

BUSY_SECONDS = 0.5
IDLE_SECONDS = 5.0
WORKERS = 64
STOPPED_KEPT_SECONDS = 3600.0
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html"""
STOPPED_KEPT = 100
_GOING_DOWN = (TaskStatus.DEACTIVATING, TaskStatus.STOPPING, TaskStatus.DEPROVISIONING)
_GOING_UP = (TaskStatus.PROVISIONING, TaskStatus.PENDING, TaskStatus.ACTIVATING)


@dataclass
class Reconciler:
    """Runs rounds in a thread of its own."""

    core: Core
    runtime: Runtime
    observer: Observer
    starter: Starter
    stopper: Stopper
    alarms: Alarms
    shifts: Shifts
    events: Events
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="ecs")
        self._in_flight: set[str] = set()
        self._threads = [
            threading.Thread(target=target, daemon=True, name=f"ecs {target.__name__}")
            for target in (self._rounds, self._listen)
        ]

    def start(self) -> None:
        """Adopt what runs, then begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the loop; tasks keep running."""
        self.ended.set()
        self.core.wake.set()
        self._threads[0].join(timeout=10)
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _listen(self) -> None:
        """Wake the loop on every death and change of health that Docker tells of."""
        while not self.ended.is_set():
            try:
                for _ in self.runtime.events():
                    self.core.wake.set()
            except (DockerException, RequestException) as error:
                log.warning("Docker's events ended: %s", error)
            self.core.wake.set()
            self.ended.wait(1.0)

    def _rounds(self) -> None:
        while not self.ended.is_set():
            self.core.wake.clear()
            try:
                pause = self.round()
            except (DockerException, RequestException, ClientError, BotoCoreError) as error:
                log.warning("a look at the tasks failed, to be repeated: %s", error)
                pause = BUSY_SECONDS
            except Exception:
                log.exception("a round of the ECS scheduler failed")
                pause = BUSY_SECONDS
            if pause <= BUSY_SECONDS:
                self.ended.wait(pause)
            else:
                self.core.wake.wait(pause)

    def round(self) -> float:
        """One look, decision and set of actions; returns the seconds until the next is due."""
        seen = self.observer.look()
        now = clock.now()
        services = [s for s in self.core.state.services.values() if s.status != "INACTIVE"]
        zones = {service.arn: self.observer.zones(service) for service in services}
        verdicts = {service.arn: self.alarms.look(service) for service in services}
        for service in services:
            self.shifts.look(service, now)
        with self.core.lock:
            self.observer.apply(seen, now)
            for service in services:
                bookkeeping.account(self.core, service, now, seen_at=seen.at)
                self._advance_service(service, zones[service.arn], verdicts[service.arn], now)
            self.events.notice(now)
            bookkeeping.forget_stopped(self.core, now, STOPPED_KEPT_SECONDS, STOPPED_KEPT)
            self.core.store.save()
            moving = [
                task
                for task in self.core.state.tasks.values()
                if task.status in _GOING_UP + _GOING_DOWN
            ]
            pause = min([IDLE_SECONDS, *(self._pause(service, now) for service in services)])
        for task in moving:
            self._act(task)
        self.observer.remove_strangers(seen)
        return BUSY_SECONDS if moving else pause

    def _pause(self, service: ServiceRecord, now: float) -> float:
        """How long a service can be left alone."""
        tasks = self.core.tasks_of(service.arn)
        if any(not (healthy(task) and task.settled) for task in tasks):
            return BUSY_SECONDS
        if service.steady or service.primary.rollout == "FAILED":
            return IDLE_SECONDS
        waits = [deployment.next_start_at - now for deployment in service.deployments]
        return max(BUSY_SECONDS, *waits)

    def _advance_service(
        self, service: ServiceRecord, zones: dict[str, str], verdict: Verdict, now: float
    ) -> None:
        core = self.core
        bookkeeping.judge_breaker(core, service, now)
        alarms.judge(core, service, verdict, now)
        decision = plan(service, core.tasks_of(service.arn), now)
        if any(stop.failure for stop in decision.stops):
            self._apply_stops(service, decision, now)
            bookkeeping.judge_breaker(core, service, now)
            decision = plan(service, core.tasks_of(service.arn), now)
        self._apply_stops(service, decision, now)
        self._apply_starts(service, decision, zones, now)
        if not decision.completed:
            service.bake_since = None
        elif alarms.baked(service, verdict, now):
            rollout.complete(core.state, service, now)
        still_baking = service.bake_since is not None and service.primary.rollout != "COMPLETED"
        bookkeeping.note_steady(service, now, steady=decision.steady and not still_baking)
        if service.status == "DRAINING" and not core.tasks_of(service.arn):
            service.status = "INACTIVE"
            service.deleted_at = now

    def _apply_stops(self, service: ServiceRecord, decision: Plan, now: float) -> None:
        for deployment in service.deployments:
            deployment.desired = decision.desired.get(deployment.id, deployment.desired)
        for stop in decision.stops:
            bookkeeping.stop(self.core, service, stop, now)
        bookkeeping.log_stops(service, decision.stops, now)

    def _apply_starts(
        self, service: ServiceRecord, decision: Plan, zones: dict[str, str], now: float
    ) -> None:
        started: list[Task] = []
        for deployment in decision.starts:
            task = new_task(self.core, service, deployment, zones, now)
            self.core.state.tasks[task.arn] = task
            started.append(task)
        bookkeeping.log_starts(service, started, now)

    def _act(self, task: Task) -> None:
        """Let a worker take the task's next step, one at a time for each task."""
        if task.id in self._in_flight:
            return
        self._in_flight.add(task.id)
        step = self.starter.bring_up if task.status in _GOING_UP else self.stopper.take_down
        self._workers.submit(self._guarded, step, task)

    def _guarded(self, step: object, task: Task) -> None:
        try:
            step(task)  # type: ignore[operator]
        except (DockerException, RequestException, ClientError, BotoCoreError) as error:
            log.warning("task %s: %s; to be repeated", task.id, error)
            self.ended.wait(BUSY_SECONDS)
        except Exception:
            log.exception("task %s: a step failed, to be repeated", task.id)
            self.ended.wait(BUSY_SECONDS)
        finally:
            self._in_flight.discard(task.id)
            self.core.wake.set()
