"""What serves: HAProxy, health checks and metrics, kept in line with the emulator's state."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.elb.access_logs import AccessLogs
from localcloud.elb.checker import Checker, Probe
from localcloud.elb.configuration import frontend_name
from localcloud.elb.corrections import correct_links
from localcloud.elb.dataplane_builder import Surveyor
from localcloud.elb.haproxy import Haproxy, HaproxyError
from localcloud.elb.health import CHECKING, REGISTERING, UNUSED, Observation, observed
from localcloud.elb.metrics import (
    LARGEST_REQUEST,
    NAMESPACE,
    PERIOD_SECONDS,
    Meter,
    period_metrics,
)
from localcloud.elb.model import State, TargetGroup
from localcloud.elb.targets import Key, Target, Targets
from localcloud.shared import clock
from localcloud.shared.service import ServiceError, Surroundings

log = logging.getLogger("localcloud.elb")

UPKEEP_SECONDS = 0.5


class DataPlane:
    """Serves the load balancers of one local cloud.

    Attributes:
        lock: held by whoever reads and changes targets or load balancers in one go.
        targets: the registered targets.
        survey: what is to be served.

    Args:
        surroundings: the local cloud around it.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        folder = Path(surroundings.state_dir)
        self._surroundings = surroundings
        self.lock = threading.RLock()
        self.targets = Targets(folder / "targets.json")
        self.survey = Surveyor(surroundings.account, folder, surroundings.instance, self.targets)
        self.haproxy = Haproxy(folder, surroundings.instance)
        self.access_logs = AccessLogs(self.haproxy.sockets, surroundings)
        self._meter = Meter(self.haproxy.ask, self.haproxy.workers)
        self._published_at = time.monotonic()
        self._behind = False
        self._checker = Checker(self._report)
        self._ending = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="elb-upkeep", daemon=True)

    def start(self) -> None:
        """Serve what an earlier process left; its HAProxy is taken over if it still runs."""
        self._checker.start()
        self.access_logs.start()
        if self.haproxy.running_description() is not None:
            self.survey.doors.adopt(self.haproxy.config)
        self.reconcile()
        with self.lock:
            if self.haproxy.running_description() is not None:
                self._meter.skip(self.survey.plane())
        self._upkeep.start()

    def abandon(self) -> None:
        """End the health checks and leave HAProxy serving, as a killed process does."""
        self._ending.set()
        self._upkeep.join(timeout=5)
        self._checker.stop()
        self.access_logs.stop()

    def stop(self) -> None:
        """End the health checks and HAProxy."""
        self.abandon()
        with self.lock:
            self.haproxy.stop()

    def reconcile(self) -> None:
        """Bring HAProxy and the health checks in line with the emulator's state.

        Raises:
            ServiceError: HAProxy can't do it.
        """
        with self.lock:
            correct_links(self._surroundings.account)
            groups = self.survey.groups()
            self.targets.remove([t for t in self.targets if t.group not in groups])
            for target in self.targets:
                self._settle(target, groups[target.group])
            self._serve()
            for target in self.targets:
                if target.health == REGISTERING:
                    self.targets.set_health(target.key, CHECKING)
            self._checker.watch(frozenset(self._probes(groups)))

    def _settle(self, target: Target, group: TargetGroup) -> None:
        """A target of a group that no listener uses is unused; once one does, it is new."""
        state = target.health.state
        if not group.used and state is not State.DRAINING:
            self.targets.set_health(target.key, UNUSED)
        elif group.used and state is State.UNUSED:
            self.targets.set_health(target.key, REGISTERING)

    def _serve(self) -> None:
        plane = self.survey.plane()
        try:
            self.haproxy.apply(plane, before_change=lambda: self._meter.read(plane))
        except HaproxyError as error:
            raise ServiceError("InternalFailure", str(error), 500) from error

    def _probes(self, groups: Mapping[str, TargetGroup]) -> list[Probe]:
        return [
            Probe(target.key, target.address, check.port or target.port, check)
            for target in self.targets
            for check in [groups[target.group].health_check]
            if target.health.state not in (State.UNUSED, State.DRAINING)
        ]

    def _report(self, key: Key, observation: Observation) -> None:
        """Take in the outcome of a health check."""
        with self.lock:
            target = self.targets.get(key)
            group = self.survey.groups().get(key[0])
            if target is None or group is None:
                return
            health = observed(target.health, observation, group.health_check)
            if self.targets.set_health(key, health):
                log.info("%s:%d of %s is %s %s", *key[1:], key[0], health.state, health.description)
                self._behind = True
                self._guarded(self._catch_up)

    def _keep_up(self) -> None:
        """Forget drained targets in time, and have HAProxy running."""
        while not self._ending.wait(UPKEEP_SECONDS):
            self._guarded(self._forget_drained)
            self._guarded(self._catch_up)
            self._guarded(self._revive)
            self._guarded(self._follow_names)
            if time.monotonic() - self._published_at >= PERIOD_SECONDS:
                self._guarded(self.publish)
            if self.access_logs.due():
                self._guarded(self.publish_access_logs)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (ServiceError, OSError, ClientError, BotoCoreError):
            log.exception("upkeep of the load balancers failed; it is tried again")

    def publish(self) -> None:
        """Send the metrics since the last time to CloudWatch."""
        self._published_at = time.monotonic()
        with self.lock:
            plane = self.survey.plane()
            if self.haproxy.running_description() is not None:
                self._meter.read(plane)
            found = period_metrics(plane, self._meter.take(), self.targets.of)
        for region, rows in found.items():
            cloudwatch = self._surroundings.client("cloudwatch", region)
            for start in range(0, len(rows), LARGEST_REQUEST):
                chunk = rows[start : start + LARGEST_REQUEST]
                cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=chunk)

    def publish_access_logs(self) -> None:
        """Write what was asked since the last time into the buckets of access logs."""
        with self.lock:
            plane = self.survey.plane()
        frontends = {
            frontend_name(listener): (balancer, listener)
            for balancer in plane.load_balancers
            for listener in balancer.listeners
        }
        self.access_logs.publish(plane, frontends)

    def _revive(self) -> None:
        """Start HAProxy again where it should run and doesn't."""
        with self.lock:
            if self.haproxy.missing():
                log.error("HAProxy is gone; it is started again")
                self._serve()

    def _follow_names(self) -> None:
        """Let names below `localhost` in, which Route 53 may have got or lost."""
        with self.lock:
            if self.survey.names_changed():
                self._serve()

    def _forget_drained(self) -> None:
        with self.lock:
            now = clock.now()
            drained = [t for t in self.targets if t.drained_at is not None and t.drained_at <= now]
            if drained:
                self.targets.remove(drained)
                self._behind = True

    def _catch_up(self) -> None:
        """Serve what has changed by itself; what fails, as on a busy machine, is tried again."""
        with self.lock:
            if self._behind:
                self._serve()
                self._behind = False
