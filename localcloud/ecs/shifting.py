"""How much production traffic a deployment gets and when: BLUE_GREEN, CANARY and LINEAR.

A new deployment starts at full size in the target group that the serving one does not use. Once
all its tasks are healthy the listener's weights are moved to it, at once or in steps; after the
bake time the older tasks go. What fails before goes back at once: the older tasks are still there.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-blue-green.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
Pure functions of the service's record; `localcloud.ecs.agent.shifts` acts on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.ecs.model import Deployment, Rollout, ServiceRecord, Task, TaskStatus

ROLLING = "ROLLING"
STRATEGIES = (ROLLING, "BLUE_GREEN", "CANARY", "LINEAR")
WHOLE = 100
_MINUTE = 60.0


@dataclass(frozen=True)
class Step:
    """A share of the traffic, in percent, and how long it is watched, in seconds."""

    percent: int
    hold: float


def shifted(service: ServiceRecord) -> bool:
    """Whether the service's deployments shift traffic."""
    return bool(service.deployment_configuration.get("strategy", ROLLING) != ROLLING)


def steps(configuration: Mapping[str, Any]) -> list[Step]:
    """The steps of a deployment, by AWS's defaults where nothing is said."""
    bake = _MINUTE * (configuration.get("bakeTimeInMinutes") or 0)
    last = Step(WHOLE, bake)
    if configuration["strategy"] == "CANARY":
        canary = configuration.get("canaryConfiguration") or {}
        hold = _MINUTE * canary.get("canaryBakeTimeInMinutes", 10)
        return [Step(_percent(canary.get("canaryPercent", 5.0)), hold), last]
    if configuration["strategy"] == "LINEAR":
        linear = configuration.get("linearConfiguration") or {}
        size = float(linear.get("stepPercent", 10.0))
        hold = _MINUTE * linear.get("stepBakeTimeInMinutes", 6)
        shares = [size * number for number in range(1, int(WHOLE / size) + 1)]
        return [*(Step(_percent(share), hold) for share in shares if share < WHOLE), last]
    return [last]


def _percent(share: float) -> int:
    """A listener's weights are whole numbers."""
    return max(1, round(share))


def slot_of_next(service: ServiceRecord) -> tuple[int, int]:
    """For a deployment that begins now: which target group it uses, and what that one gets now."""
    serving = next((d for d in service.deployments if d.ever_completed), None)
    if serving is None:
        return 0, 0 if shifted(service) else WHOLE
    if not shifted(service):
        return serving.slot if _has_alternate(service) else 0, WHOLE
    slot = 1 - serving.slot
    replaced = [d.traffic for d in service.deployments if d.slot == slot and not d.ever_completed]
    return slot, max(replaced, default=0)


def _has_alternate(service: ServiceRecord) -> bool:
    """Whether the service still names the second target group."""
    return any("advancedConfiguration" in balancer for balancer in service.load_balancers)


def group_of(balancer: Mapping[str, Any], slot: int) -> str:
    """The target group of a slot."""
    alternate = (balancer.get("advancedConfiguration") or {}).get("alternateTargetGroupArn")
    return str(alternate if slot and alternate else balancer["targetGroupArn"])


def _plan(service: ServiceRecord) -> list[Step]:
    """The steps of the primary deployment; one that nothing served before gets all at once."""
    others = (d for d in service.deployments if d is not service.primary)
    if any(d.ever_completed for d in others):
        return steps(service.deployment_configuration)
    return [Step(WHOLE, 0.0)]


def due(service: ServiceRecord, tasks: Iterable[Task], now: float) -> int | None:
    """The share that the primary deployment should be given now; None where nothing changes."""
    primary = service.primary
    if not shifted(service) or service.status != "ACTIVE":
        return None
    if primary.rollout != Rollout.IN_PROGRESS or not service.load_balancers:
        return None
    if primary.ever_completed:  # it is gone back to
        return WHOLE if primary.traffic != WHOLE else None
    plan = _plan(service)
    if primary.step == 0:
        if _ready(service, primary, tasks):
            return plan[0].percent
        return 0 if primary.traffic else None
    if primary.step < len(plan) and now - primary.traffic_since >= plan[primary.step - 1].hold:
        return plan[primary.step].percent
    return None


def _ready(service: ServiceRecord, primary: Deployment, tasks: Iterable[Task]) -> bool:
    serving = sum(
        task.deployment_id == primary.id
        and task.live
        and task.status == TaskStatus.RUNNING
        and task.settled
        and task.healthy_since is not None
        for task in tasks
    )
    return serving >= service.desired_count


def held(service: ServiceRecord, now: float) -> bool:
    """Whether the older tasks must stay: the traffic is not all shifted, or not watched enough."""
    primary = service.primary
    if not shifted(service) or not service.load_balancers:
        return False
    if primary.rollout != Rollout.IN_PROGRESS:
        return False
    if primary.ever_completed:
        return primary.traffic != WHOLE
    plan = _plan(service)
    return primary.step < len(plan) or now - primary.traffic_since < plan[-1].hold


def given(service: ServiceRecord, percent: int, now: float) -> None:
    """Write down that the primary deployment was given a share of the traffic."""
    primary = service.primary
    if percent:
        primary.step += 1
    primary.traffic, primary.traffic_since = percent, now
    for other in service.deployments:
        if other is not primary:
            other.traffic = WHOLE - percent if other.slot != primary.slot else 0


def stage(service: ServiceRecord, now: float) -> str:
    """The lifecycle stage of the primary deployment.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
    """
    primary = service.primary
    if primary.step == 0:
        return "SCALE_UP"
    if primary.traffic != WHOLE:
        return "PRODUCTION_TRAFFIC_SHIFT"
    return "BAKE_TIME" if held(service, now) else "CLEAN_UP"
