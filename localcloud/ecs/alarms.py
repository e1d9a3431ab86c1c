"""Deployment alarms: a CloudWatch alarm that goes off fails the deployment.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from localcloud.ecs import rollout, shifting
from localcloud.ecs.core import Core
from localcloud.ecs.model import Rollout, ServiceRecord

POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Verdict:
    """What the alarms of a service said: which are in ALARM, and how long to bake, in seconds.

    AWS computes the bake time from the alarms' configuration without saying how; here it is the
    longest time that an alarm takes to judge: its period times its evaluation periods.

    Attributes:
        asked: whether the alarms were looked at; they are during deployments only.
    """

    in_alarm: list[str] = field(default_factory=list)
    bake_seconds: float = 0.0
    asked: bool = False


class Alarms:
    """Asks CloudWatch, at most every few seconds for a service."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[str, tuple[float, Verdict]] = {}

    def look(self, service: ServiceRecord) -> Verdict:
        """The verdict for a service in deployment; takes no lock."""
        wanted = _configured(service)
        if not wanted or service.primary.rollout != Rollout.IN_PROGRESS:
            self._known.pop(service.arn, None)
            return Verdict()
        at, verdict = self._known.get(service.arn, (0.0, Verdict()))
        if time.monotonic() - at >= POLL_SECONDS or not at:
            verdict = self._ask(service, wanted)
            self._known[service.arn] = (time.monotonic(), verdict)
        return verdict

    def _ask(self, service: ServiceRecord, names: list[str]) -> Verdict:
        client = self._core.client("cloudwatch", service.arn.split(":")[3])
        answer = client.describe_alarms(AlarmNames=names)
        alarms: list[dict[str, Any]] = answer["MetricAlarms"] + answer.get("CompositeAlarms", [])
        return Verdict(
            sorted(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"),
            max(
                (float(a.get("Period", 60) * a.get("EvaluationPeriods", 1)) for a in alarms),
                default=0.0,
            ),
            asked=True,
        )


def _configured(service: ServiceRecord) -> list[str]:
    alarms = service.deployment_configuration.get("alarms") or {}
    return list(alarms.get("alarmNames", [])) if alarms.get("enable") else []


def judge(core: Core, service: ServiceRecord, verdict: Verdict, now: float) -> None:
    """Fail the deployment when an alarm goes off; the caller holds the lock.

    A deployment that begins while an alarm is on is not judged by alarms, so that a fix can be
    deployed.
    """
    if not verdict.asked or service.primary.rollout != Rollout.IN_PROGRESS:
        return
    entry = rollout.open_entry(core.state, service)
    if entry is None or entry.alarms_status != "MONITORING":
        return
    first, entry.alarms_watched = not entry.alarms_watched, True
    if not verdict.in_alarm:
        return
    if first:
        entry.alarms_status = "DISABLED"
        return
    entry.alarms_status = "TRIGGERED"
    entry.triggered_alarms = verdict.in_alarm
    wants_rollback = service.deployment_configuration["alarms"].get("rollback", False)
    cause = "ECS deployment alarms: alarm detected."
    rollout.fail(core.state, service, cause, now, rollback=wants_rollback)


def baked(service: ServiceRecord, verdict: Verdict, now: float) -> bool:
    """Whether the deployment has been watched for its bake time since it became steady; where
    traffic is shifted that was done before the older tasks went."""
    if shifting.shifted(service):
        return True
    if service.bake_since is None:
        service.bake_since = now
    return now - service.bake_since >= verdict.bake_seconds
