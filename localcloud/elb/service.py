"""Elastic Load Balancing of the local cloud: the emulator keeps the API's state, HAProxy serves it,
and the health of targets is checked for real.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from localcloud.elb import access_logs, emulator, lookup
from localcloud.elb.addresses import refusal
from localcloud.elb.changes import modify_listener, set_priorities
from localcloud.elb.corrections import correct_new_objects
from localcloud.elb.dataplane import DataPlane
from localcloud.elb.health import NOT_REGISTERED, Health
from localcloud.elb.listener_refusals import check_listener
from localcloud.elb.model import TargetGroup
from localcloud.elb.refusals import CHECKS
from localcloud.elb.repeats import same_listener
from localcloud.elb.rule_refusals import check_actions
from localcloud.elb.supported_members import MEMBERS, REFUSED, refuse_unhonoured, unsupported
from localcloud.elb.targets import Key, Target
from localcloud.shared import clock
from localcloud.shared.service import Call, Service, ServiceError, Surroundings

RELEASE_SECONDS = 5.0
"""How long a port may stay with the proxy's worker that is being replaced."""

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
        self.data_plane = DataPlane(surroundings)
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
        """Serve what an earlier process left."""
        self.data_plane.start()

    def stop(self) -> None:
        """End the health checks and HAProxy."""
        self.data_plane.stop()

    def _place(self, balancer: Any) -> None:
        """Give a new load balancer of the emulator its address."""
        with self.data_plane.lock:
            self.data_plane.survey.place(balancer)

    def _check(self, call: Call) -> None:
        """Refuse what AWS would refuse, and what the local cloud can't do."""
        if call.operation in REFUSED:
            raise unsupported(call.operation)
        if call.operation in MEMBERS:
            refuse_unhonoured(call)
        if call.operation in CHECKS:
            CHECKS[call.operation](call)
        if call.operation == "ModifyLoadBalancerAttributes":
            given = {one["Key"]: one.get("Value", "") for one in call.input["Attributes"]}
            held = lookup.find_load_balancer(call).attrs
            client = self._surroundings.client("s3", call.region)
            access_logs.check(call, {**held, **given}, client)
        if call.operation == "CreateListener":
            balancer = lookup.find_load_balancer(call)
            if same_listener(balancer, call.input) is None:
                self._check_port(balancer.arn, int(call.input["Port"]))

    def _check_port(self, balancer: str, port: int) -> None:
        """Refuse a listener whose port can't be bound on this machine."""
        place = self.data_plane.survey.addresses.reserve(balancer, port)
        reason = refusal(place.host, place.local_port(port))
        given_up = time.monotonic() + RELEASE_SECONDS
        while reason and time.monotonic() < given_up:
            time.sleep(0.1)
            reason = refusal(place.host, place.local_port(port))
        if reason:
            raise ServiceError(
                "InvalidConfigurationRequest",
                f"The local cloud can't listen on {place.host}:{place.local_port(port)} for port "
                f"{port}: {reason}. Free the port, or choose another one.",
            )

    def _reshaped(self, call: Call, answer: Mapping[str, Any]) -> None:
        del call, answer
        self.data_plane.reconcile()

    def _group(self, call: Call) -> TargetGroup:
        group = self.data_plane.survey.groups().get(call.input["TargetGroupArn"])
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
        with self.data_plane.lock:
            balancer, listener = lookup.find_listener(call, call.input["ListenerArn"])
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
            modify_listener(listener, settings)
            self.data_plane.reconcile()
        described = self._surroundings.client("elbv2", call.region).describe_listeners(
            ListenerArns=[listener.arn]
        )
        return {"Listeners": described["Listeners"]}

    def _set_priorities(self, call: Call) -> Mapping[str, Any]:
        """All at once, so that two rules may change places."""
        with self.data_plane.lock:
            set_priorities(call, call.input["RulePriorities"])
            self.data_plane.reconcile()
        arns = [pair["RuleArn"] for pair in call.input["RulePriorities"]]
        described = self._surroundings.client("elbv2", call.region).describe_rules(RuleArns=arns)
        return {"Rules": described["Rules"]}

    def _register(self, call: Call) -> Mapping[str, Any]:
        with self.data_plane.lock:
            self._group(call)
            for wanted in call.input["Targets"]:
                group, address, port = self._key(call, wanted)
                zone = wanted.get("AvailabilityZone", "")
                self.data_plane.targets.register(Target(group, address, port, zone))
            self.data_plane.reconcile()
        return {}

    def _deregister(self, call: Call) -> Mapping[str, Any]:
        with self.data_plane.lock:
            group = self._group(call)
            for wanted in call.input["Targets"]:
                chosen = [
                    target
                    for target in self.data_plane.targets.of(group.arn)
                    if target.address == wanted["Id"]
                    and wanted.get("Port", target.port) == target.port
                ]
                for target in chosen:
                    delay = group.deregistration_delay if group.used else 0
                    self.data_plane.targets.drain(target.key, clock.now() + delay)
            self.data_plane.reconcile()
        return {}

    def _describe_health(self, call: Call) -> Mapping[str, Any]:
        with self.data_plane.lock:
            group = self._group(call)
            asked = call.input.get("Targets")
            if asked is None:
                shown = [(t.key, t.zone, t.health) for t in self.data_plane.targets.of(group.arn)]
            else:
                shown = []
                for wanted in asked:
                    key = self._key(call, wanted)
                    known = self.data_plane.targets.get(key)
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
