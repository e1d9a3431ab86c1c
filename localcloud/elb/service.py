"""Elastic Load Balancing of the local cloud: the emulator keeps the API's state, HAProxy serves it,
and the health of targets is checked for real.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.elb import emulator
from localcloud.elb.addresses import refusal
from localcloud.elb.checker import Checker, Probe
from localcloud.elb.corrections import correct_links, correct_new_objects
from localcloud.elb.haproxy import Haproxy, HaproxyError
from localcloud.elb.health import (
    CHECKING,
    NOT_REGISTERED,
    REGISTERING,
    UNUSED,
    Health,
    Observation,
    observed,
)
from localcloud.elb.honoured import MEMBERS, REFUSED, refuse_unhonoured, unsupported
from localcloud.elb.metrics import (
    LARGEST_REQUEST,
    NAMESPACE,
    PERIOD_SECONDS,
    Meter,
    period_metrics,
)
from localcloud.elb.model import State, TargetGroup
from localcloud.elb.refusals import CHECKS, check_listener
from localcloud.elb.rule_refusals import check_actions
from localcloud.elb.surveyor import Surveyor
from localcloud.elb.targets import Key, Target, Targets
from localcloud.service import Call, Service, ServiceError, Surroundings

log = logging.getLogger("localcloud.elb")

UPKEEP_SECONDS = 0.5

RESHAPING = (
    "CreateLoadBalancer",
    "DeleteLoadBalancer",
    "ModifyLoadBalancerAttributes",
    "CreateTargetGroup",
    "DeleteTargetGroup",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "CreateListener",
    "DeleteListener",
    "ModifyListener",
    "ModifyListenerAttributes",
    "AddListenerCertificates",
    "RemoveListenerCertificates",
    "CreateRule",
    "DeleteRule",
    "ModifyRule",
    "SetRulePriorities",
)
"""Operations after which the data plane is brought in line."""


class Elb(Service):
    """Application Load Balancers."""

    name = "elbv2"
    emulated = True

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self._surroundings = surroundings
        folder = Path(surroundings.state_dir)
        self._lock = threading.RLock()
        self._targets = Targets(folder / "targets.json")
        self._survey = Surveyor(surroundings.account, folder, surroundings.instance, self._targets)
        self._haproxy = Haproxy(folder, surroundings.instance)
        self._meter = Meter(self._haproxy.ask, self._haproxy.workers)
        self._published_at = time.monotonic()
        self._checker = Checker(self._report)
        self._ending = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="elb-upkeep", daemon=True)
        self.handlers = {
            "RegisterTargets": self._register,
            "DeregisterTargets": self._deregister,
            "DescribeTargetHealth": self._describe_health,
            "ModifyListener": self._modify_listener,
            "SetRulePriorities": self._set_priorities,
        }
        self.before = dict.fromkeys({*MEMBERS, *CHECKS, *REFUSED}, self._check)
        self.after = dict.fromkeys(RESHAPING, self._reshaped)
        correct_new_objects(self._place)

    def start(self) -> None:
        """Serve what an earlier process left; its HAProxy is taken over if it still runs."""
        self._checker.start()
        self._reconcile()
        with self._lock:
            if self._haproxy.running_description() is not None:
                self._meter.skip(self._survey.plane())
        self._upkeep.start()

    def abandon(self) -> None:
        """End the health checks and leave HAProxy serving, as a killed process does."""
        self._ending.set()
        self._upkeep.join(timeout=5)
        self._checker.stop()

    def stop(self) -> None:
        """End the health checks and HAProxy."""
        self.abandon()
        with self._lock:
            self._haproxy.stop()

    def _place(self, balancer: Any) -> None:
        """Give a new load balancer of the emulator its address."""
        with self._lock:
            self._survey.place(balancer)

    def _check(self, call: Call) -> None:
        """Refuse what AWS would refuse, and what the local cloud can't do."""
        if call.operation in REFUSED:
            raise unsupported(call.operation)
        if call.operation in MEMBERS:
            refuse_unhonoured(call)
        if call.operation in CHECKS:
            CHECKS[call.operation](call)
        if call.operation == "CreateListener":
            self._check_port(call.input["LoadBalancerArn"], int(call.input["Port"]))

    def _check_port(self, balancer: str, port: int) -> None:
        """Refuse a listener whose port can't be bound on this machine."""
        place = self._survey.addresses.reserve(balancer, port)
        reason = refusal(place.host, place.local_port(port))
        if reason:
            raise ServiceError(
                "InvalidConfigurationRequest",
                f"The local cloud can't listen on {place.host}:{place.local_port(port)} for port "
                f"{port}: {reason}. Free the port, or choose another one.",
            )

    def _reshaped(self, call: Call, answer: Mapping[str, Any]) -> None:
        del call, answer
        self._reconcile()

    def _reconcile(self) -> None:
        """Bring HAProxy and the health checks in line with the emulator's state.

        Raises:
            ServiceError: HAProxy can't do it.
        """
        with self._lock:
            correct_links(self._surroundings.account)
            groups = self._survey.groups()
            self._targets.remove([t for t in self._targets if t.group not in groups])
            for target in self._targets:
                self._settle(target, groups[target.group])
            self._serve()
            for target in self._targets:
                if target.health == REGISTERING:
                    self._targets.set_health(target.key, CHECKING)
            self._checker.watch(frozenset(self._probes(groups)))

    def _settle(self, target: Target, group: TargetGroup) -> None:
        """A target of a group that no listener uses is unused; once one does, it is new."""
        state = target.health.state
        if not group.used and state is not State.DRAINING:
            self._targets.set_health(target.key, UNUSED)
        elif group.used and state is State.UNUSED:
            self._targets.set_health(target.key, REGISTERING)

    def _serve(self) -> None:
        plane = self._survey.plane()
        try:
            self._haproxy.apply(plane, before_change=lambda: self._meter.read(plane))
        except HaproxyError as error:
            raise ServiceError("InternalFailure", str(error), 500) from error

    def _probes(self, groups: Mapping[str, TargetGroup]) -> list[Probe]:
        return [
            Probe(target.key, target.address, check.port or target.port, check)
            for target in self._targets
            for check in [groups[target.group].health_check]
            if target.health.state not in (State.UNUSED, State.DRAINING)
        ]

    def _report(self, key: Key, observation: Observation) -> None:
        """Take in the outcome of a health check."""
        with self._lock:
            target = self._targets.get(key)
            group = self._survey.groups().get(key[0])
            if target is None or group is None:
                return
            health = observed(target.health, observation, group.health_check)
            if self._targets.set_health(key, health):
                log.info("%s:%d of %s is %s %s", *key[1:], key[0], health.state, health.description)
                self._serve()

    def _keep_up(self) -> None:
        """Forget drained targets in time, and have HAProxy running."""
        while not self._ending.wait(UPKEEP_SECONDS):
            self._guarded(self._forget_drained)
            self._guarded(self._revive)
            if time.monotonic() - self._published_at >= PERIOD_SECONDS:
                self._guarded(self.publish)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (ServiceError, OSError, ClientError, BotoCoreError):
            log.exception("upkeep of the load balancers failed; it is tried again")

    def publish(self) -> None:
        """Send the metrics since the last time to CloudWatch."""
        self._published_at = time.monotonic()
        with self._lock:
            plane = self._survey.plane()
            if self._haproxy.running_description() is not None:
                self._meter.read(plane)
            found = period_metrics(plane, self._meter.take(), self._targets.of)
        for region, rows in found.items():
            cloudwatch = self._surroundings.client("cloudwatch", region)
            for start in range(0, len(rows), LARGEST_REQUEST):
                chunk = rows[start : start + LARGEST_REQUEST]
                cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=chunk)

    def _revive(self) -> None:
        """Start HAProxy again where it should run and doesn't."""
        with self._lock:
            if self._haproxy.missing():
                log.error("HAProxy is gone; it is started again")
                self._serve()

    def _forget_drained(self) -> None:
        with self._lock:
            now = time.time()
            drained = [t for t in self._targets if t.drained_at is not None and t.drained_at <= now]
            if drained:
                self._targets.remove(drained)
                self._serve()

    def _group(self, call: Call) -> TargetGroup:
        group = self._survey.groups().get(call.input["TargetGroupArn"])
        if group is None:
            raise ServiceError("TargetGroupNotFound", "One or more target groups not found")
        return group

    def _key(self, call: Call, target: Mapping[str, Any]) -> Key:
        group = emulator.backend(call.account, call.region).target_groups[
            call.input["TargetGroupArn"]
        ]
        return group.arn, target["Id"], int(target.get("Port", group.port))

    def _modify_listener(self, call: Call) -> Mapping[str, Any]:
        """What is not given stays as it is, the security policy too."""
        with self._lock:
            balancer, listener = emulator.find_listener(call, call.input["ListenerArn"])
            protocol = call.input.get("Protocol", listener.protocol)
            settings = {"Port": listener.port, "Protocol": protocol, **call.input}
            if protocol == "HTTPS":
                held = [{"CertificateArn": arn} for arn in listener.certificates[:1]]
                settings = {"Certificates": held, "SslPolicy": listener.ssl_policy, **settings}
            check_listener(call, settings, balancer, own=listener)
            if "DefaultActions" in call.input:
                check_actions(call, call.input["DefaultActions"], balancer)
            if int(settings["Port"]) != int(listener.port):
                self._check_port(balancer.arn, int(settings["Port"]))
            emulator.modify_listener(listener, settings)
            self._reconcile()
        described = self._surroundings.client("elbv2", call.region).describe_listeners(
            ListenerArns=[listener.arn]
        )
        return {"Listeners": described["Listeners"]}

    def _set_priorities(self, call: Call) -> Mapping[str, Any]:
        """All at once, so that two rules may change places."""
        with self._lock:
            emulator.set_priorities(call, call.input["RulePriorities"])
            self._reconcile()
        arns = [pair["RuleArn"] for pair in call.input["RulePriorities"]]
        described = self._surroundings.client("elbv2", call.region).describe_rules(RuleArns=arns)
        return {"Rules": described["Rules"]}

    def _register(self, call: Call) -> Mapping[str, Any]:
        with self._lock:
            self._group(call)
            for wanted in call.input["Targets"]:
                group, address, port = self._key(call, wanted)
                zone = wanted.get("AvailabilityZone", "")
                self._targets.register(Target(group, address, port, zone))
            self._reconcile()
        return {}

    def _deregister(self, call: Call) -> Mapping[str, Any]:
        with self._lock:
            group = self._group(call)
            for wanted in call.input["Targets"]:
                chosen = [
                    target
                    for target in self._targets.of(group.arn)
                    if target.address == wanted["Id"]
                    and wanted.get("Port", target.port) == target.port
                ]
                for target in chosen:
                    delay = group.deregistration_delay if group.used else 0
                    self._targets.drain(target.key, time.time() + delay)
            self._reconcile()
        return {}

    def _describe_health(self, call: Call) -> Mapping[str, Any]:
        with self._lock:
            group = self._group(call)
            asked = call.input.get("Targets")
            if asked is None:
                shown = [(t.key, t.zone, t.health) for t in self._targets.of(group.arn)]
            else:
                shown = []
                for wanted in asked:
                    key = self._key(call, wanted)
                    known = self._targets.get(key)
                    shown.append(
                        (key, known.zone, known.health) if known else (key, "", NOT_REGISTERED)
                    )
            return {"TargetHealthDescriptions": [_health_row(group, *row) for row in shown]}


def _health_row(group: TargetGroup, key: Key, zone: str, health: Health) -> dict[str, Any]:
    target = {"Id": key[1], "Port": key[2], **({"AvailabilityZone": zone} if zone else {})}
    state: dict[str, Any] = {"State": health.state.value}
    if health.reason:
        state |= {"Reason": health.reason, "Description": health.description}
    return {
        "Target": target,
        "HealthCheckPort": str(group.health_check.port or key[2]),
        "TargetHealth": state,
    }
