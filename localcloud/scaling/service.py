"""Application Auto Scaling of the local cloud: the emulator keeps targets, policies and scheduled
actions, this acts on them.

A scale-out during its cool-down waits for the cool-down's end, also where AWS would already go
further. Activities are remembered as long as the process lives.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.applicationautoscaling.responses import _build_policy

from localcloud.emulator.emulator import backends
from localcloud.scaling import steps, tracking
from localcloud.scaling.decision import Reading, decide
from localcloud.scaling.schedule import ScheduleError, due, minute
from localcloud.shared.background_service import BackgroundService
from localcloud.shared.service import Call, ServiceError, Surroundings

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
STEPS = "StepScaling"
TRACKING = "TargetTrackingScaling"
ACTIVITIES_KEPT = 200
POLICIES_A_PAGE = 10


class Scaling(BackgroundService):
    """Target tracking, step scaling and scheduled scaling of ECS services.

    Args:
        surroundings: the local cloud around it.
    """

    name = "application-autoscaling"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._activities: deque[dict[str, Any]] = deque(maxlen=ACTIVITIES_KEPT)
        self._changed: dict[tuple[str, str], float] = {}
        self._minute = minute(datetime.now(UTC))
        self.handlers = {
            "DescribeScalingActivities": self._describe_activities,
            "DescribeScalingPolicies": self._describe_policies,
        }
        self.before = {
            "PutScalingPolicy": self._check_policy,
            "PutScheduledAction": self._check_action,
        }
        self.after = {"PutScalingPolicy": self._watch}

    def _backend(self, region: str) -> Any:
        return backends("application-autoscaling")[self._around.account][region]

    # --- the API

    def _check_policy(self, call: Call) -> None:
        """Refuse what would never act; forget the alarms of a policy that is replaced."""
        given = call.input
        kind = given.get("PolicyType", STEPS)
        if kind not in (STEPS, TRACKING):
            raise _refused(f"PolicyType {kind}")
        try:
            if kind == STEPS:
                return steps.check(given.get("StepScalingPolicyConfiguration") or {})
            tracking.watched(given["TargetTrackingScalingPolicyConfiguration"], given["ResourceId"])
        except (tracking.UntrackedMetricError, steps.UnknownStepsError) as error:
            raise _refused(str(error)) from error
        except steps.InvalidStepsError as error:
            raise ServiceError("ValidationException", f"{error}.") from error
        except tracking.InvalidMetricsError as error:
            raise ServiceError("ValidationException", f"Metrics: {error}.") from error
        if (old := self._policy(call)) is not None:
            old.delete_alarms(call.account, call.region)
        return None

    def _policy(self, call: Call) -> Any:
        given = call.input
        for policy in self._backend(call.region).policies.values():
            if (
                policy.policy_name == given["PolicyName"]
                and policy.resource_id == given["ResourceId"]
            ):
                return policy
        return None

    def _watch(self, call: Call, answer: Mapping[str, Any]) -> None:
        """Let the policy's two alarms watch its own metric."""
        del answer
        policy = self._policy(call)
        if policy.policy_type != TRACKING:
            return
        wanted = tracking.watched(
            policy.target_tracking_scaling_policy_configuration, policy.resource_id
        )
        target = float(policy.target_tracking_scaling_policy_configuration["TargetValue"])
        client = self._around.client("cloudwatch", region=call.region)
        for alarm in policy.alarms:
            high = "AlarmHigh" in alarm.name
            client.put_metric_alarm(
                AlarmName=alarm.name,
                AlarmDescription=alarm.description,
                AlarmActions=alarm.alarm_actions,
                Metrics=wanted,
                EvaluationPeriods=tracking.HIGH_PERIODS if high else tracking.LOW_PERIODS,
                Threshold=target if high else target * tracking.LOW_SHARE,
                ComparisonOperator="GreaterThanThreshold" if high else "LessThanThreshold",
            )

    def _check_action(self, call: Call) -> None:
        try:
            due(call.input["Schedule"], call.input.get("Timezone"), datetime.now(UTC))
        except ScheduleError as error:
            raise ServiceError("ValidationException", f"Schedule: {error}.") from error

    def _describe_policies(self, call: Call) -> Mapping[str, Any]:
        """The emulator ignores the names.

        https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingPolicies.html
        """
        given = call.input
        found = [
            policy
            for policy in self._backend(call.region).policies.values()
            if policy.policy_name in given.get("PolicyNames", [policy.policy_name])
            and policy.service_namespace == given["ServiceNamespace"]
            and policy.resource_id == given.get("ResourceId", policy.resource_id)
            and policy.scalable_dimension
            == given.get("ScalableDimension", policy.scalable_dimension)
        ]
        start = int(given.get("NextToken", "0"))
        end = start + given.get("MaxResults", POLICIES_A_PAGE)
        return {
            "ScalingPolicies": [_build_policy(policy) for policy in found[start:end]],
            **({"NextToken": str(end)} if end < len(found) else {}),
        }

    def _describe_activities(self, call: Call) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingActivities.html"""
        wanted = call.input.get("ResourceId")
        found = [a for a in self._activities if wanted in (None, a["ResourceId"])]
        return {"ScalingActivities": found}

    # --- what it does

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            now = datetime.now(UTC)
            minutes, self._minute = _minutes(self._minute, now), minute(now)
            for region in list(backends("application-autoscaling")[self._around.account]):
                try:
                    self.look(region, minutes)
                except (ClientError, BotoCoreError) as error:
                    log.warning("the services of %s were not scaled: %s", region, error)

    def look(self, region: str, minutes: list[datetime]) -> None:
        """Run the scheduled actions of these minutes, then bring every target where its policies
        want it."""
        backend = self._backend(region)
        for action in list(backend.scheduled_actions):
            begun = datetime.fromtimestamp(action.creation_time, UTC)
            is_due = due(action.schedule, action.timezone, begun)
            if any(is_due(minute) for minute in minutes):
                self._run_action(region, action)
        for target in backend.describe_scalable_targets("ecs", None, None):
            self._bring(region, target)

    def _run_action(self, region: str, action: Any) -> None:
        bounds = action.scalable_target_action or {}
        for target in self._backend(region).describe_scalable_targets(
            "ecs", [action.resource_id], None
        ):
            suspended = target.suspended_state or {}
            if not suspended.get("ScheduledScalingSuspended"):
                target.update(bounds.get("MinCapacity"), bounds.get("MaxCapacity"), None)
                log.info("the scheduled action %s set %s", action.scheduled_action_name, bounds)

    def _bring(self, region: str, target: Any) -> None:
        _, cluster, name = target.resource_id.split("/")
        ecs = self._around.client("ecs", region=region)
        services = ecs.describe_services(cluster=cluster, services=[name])["services"]
        if not services or services[0]["status"] != "ACTIVE":
            return
        capacity = services[0]["desiredCount"]
        deploying = any(d["rolloutState"] == "IN_PROGRESS" for d in services[0]["deployments"])
        readings = [
            self._reading(region, policy, capacity)
            for policy in self._backend(region).policies.values()
            if policy.resource_id == target.resource_id
        ]
        suspended = target.suspended_state or {}
        change = decide(
            capacity,
            (int(target.min_capacity), int(target.max_capacity)),
            readings,
            may_grow=not suspended.get("DynamicScalingOutSuspended"),
            may_shrink=not (suspended.get("DynamicScalingInSuspended") or deploying),
        )
        if change is not None:
            self._apply(region, target, change.capacity, change.cause)
            direction = "out" if change.capacity > capacity else "in"
            self._changed[target.resource_id, direction] = time.monotonic()
            if direction == "out":
                # https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
                self._changed.pop((target.resource_id, "in"), None)

    def _reading(self, region: str, policy: Any, capacity: int) -> Reading:
        """What a policy wants, if one of its alarms is on and it is not cooling down."""
        if policy.policy_type != TRACKING:
            return self._step(region, policy, capacity)
        configuration = policy.target_tracking_scaling_policy_configuration
        cloudwatch = self._around.client("cloudwatch", region=region)
        names = [alarm.name for alarm in policy.alarms]
        alarms = cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
        shrinks = not configuration.get("DisableScaleIn")
        ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
        if not ringing:
            return Reading(
                policy.policy_name, None, shrinks=not configuration.get("DisableScaleIn")
            )
        grows = any("AlarmHigh" in alarm["AlarmName"] for alarm in ringing)
        member = "ScaleOutCooldown" if grows else "ScaleInCooldown"
        cooldown = float(configuration.get(member, tracking.DEFAULT_COOLDOWN_SECONDS))
        last = self._changed.get((policy.resource_id, "out" if grows else "in"))
        if last is not None and time.monotonic() - last < cooldown:
            return Reading(policy.policy_name, None, shrinks=shrinks)
        value = self._latest(cloudwatch, tracking.watched(configuration, policy.resource_id))
        if value is None:
            return Reading(policy.policy_name, None, shrinks=shrinks)
        wanted = tracking.proportional(capacity, value, float(configuration["TargetValue"]))
        wanted = max(wanted, capacity + 1) if grows else min(wanted, capacity - 1)
        return Reading(policy.policy_name, wanted, shrinks=shrinks)

    def _step(self, region: str, policy: Any, capacity: int) -> Reading:
        """What a step policy sets; while none of its alarms is on it takes no part.

        More tasks come at once, also while it cools down: each further step is a larger one.
        """
        quiet = Reading(policy.policy_name, None, shrinks=False)
        configuration = policy.step_scaling_policy_configuration
        cloudwatch = self._around.client("cloudwatch", region=region)
        for alarm in cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]:
            if policy.policy_arn not in alarm["AlarmActions"] or not alarm["ActionsEnabled"]:
                continue
            value = self._latest(cloudwatch, steps.watched(alarm))
            wanted = value if value is None else value - alarm["Threshold"]
            wanted = None if wanted is None else steps.capacity(configuration, wanted)
            if wanted is None or (wanted < capacity and self._cools_down(policy, configuration)):
                return quiet
            return Reading(policy.policy_name, wanted)
        return quiet

    def _cools_down(self, policy: Any, configuration: Mapping[str, Any]) -> bool:
        last = self._changed.get((policy.resource_id, "in"))
        seconds = float(configuration.get("Cooldown", steps.DEFAULT_COOLDOWN_SECONDS))
        return last is not None and time.monotonic() - last < seconds

    def _latest(self, cloudwatch: Any, wanted: list[dict[str, Any]]) -> float | None:
        now = datetime.now(UTC)
        found = cloudwatch.get_metric_data(
            MetricDataQueries=wanted,
            StartTime=now - timedelta(seconds=5 * tracking.PERIOD_SECONDS),
            EndTime=minute(now),
        )["MetricDataResults"][0]["Values"]
        return float(found[0]) if found else None

    def _apply(self, region: str, target: Any, capacity: int, cause: str) -> None:
        _, cluster, name = target.resource_id.split("/")
        log.info("%s is to have %d tasks: %s", target.resource_id, capacity, cause)
        self._around.client("ecs", region=region).update_service(
            cluster=cluster, service=name, desiredCount=capacity
        )
        now = datetime.now(UTC)
        self._activities.appendleft(
            {
                "ActivityId": str(uuid.uuid4()),
                "ServiceNamespace": "ecs",
                "ResourceId": target.resource_id,
                "ScalableDimension": target.scalable_dimension,
                "Description": f"Setting desired count to {capacity}.",
                "Cause": cause,
                "StartTime": now,
                "EndTime": now,
                "StatusCode": "Successful",
                "StatusMessage": f"Successfully set desired count to {capacity}.",
            }
        )


def _minutes(last: datetime, now: datetime) -> list[datetime]:
    """The minutes that began after `last`, five at most."""
    count = min(5, (minute(now) - last) // timedelta(minutes=1))
    return [minute(now) - timedelta(minutes=back) for back in range(count)]


def _refused(what: str) -> ServiceError:
    return ServiceError(
        "ValidationException",
        f"The local cloud does not scale by {what}. Use target tracking, or try it on AWS.",
    )
