"""Moves a listener's weights from one target group to the other, under the service's own role.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
"""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import ClientError

from localcloud.ecs import rollout, shifting
from localcloud.ecs.core import Core
from localcloud.ecs.model import Rollout, ServiceRecord
from localcloud.iam.service_roles import assume_service_role
from localcloud.shared import clock
from localcloud.shared.service import ServiceError

log = logging.getLogger(__name__)

PRINCIPAL = "ecs.amazonaws.com"
SESSION_SECONDS = 900
FAILED = "ECS deployment traffic shift: {why}"


class Shifts:
    """Shifts traffic when it is due."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def look(self, service: ServiceRecord, now: float) -> None:
        """Give the primary deployment the share that is due; takes the lock for moments only.

        A listener that can't be changed fails the deployment; on the way back it is tried again.
        """
        with self._core.lock:
            percent = shifting.due(service, self._core.tasks_of(service.arn), now)
            if percent is None:
                return
            primary, balancers = service.primary, self._shifting(service)
        try:
            for balancer in balancers:
                self._weigh(service.arn, balancer, primary.slot, percent)
        except (ClientError, ServiceError) as error:
            log.warning("%s: the traffic could not be shifted: %s", service.arn, error)
            self._fail(service, primary.id, str(error))
            return
        with self._core.change():
            if service.primary is primary:
                shifting.given(service, percent, clock.now())
                words = f"(deployment {primary.id}) gets {percent} percent of production traffic."
                rollout.log(service, words, clock.now())

    def _shifting(self, service: ServiceRecord) -> list[dict[str, Any]]:
        """The load balancers whose weights are moved.

        A rollback to a revision that was rolled out task by task takes the traffic from a newer
        one, whose load balancers name the rule.
        """
        revisions = self._core.state.revisions
        known = [revisions[each.revision_arn].load_balancers for each in service.deployments]
        for balancers in (service.load_balancers, *known):
            if found := [each for each in balancers if "advancedConfiguration" in each]:
                return found
        return []

    def _weigh(self, arn: str, balancer: dict[str, Any], slot: int, percent: int) -> None:
        advanced = balancer["advancedConfiguration"]
        region, account = arn.split(":")[3:5]
        keys = assume_service_role(
            advanced["roleArn"],
            PRINCIPAL,
            source_arn=arn,
            source_account=account,
            session_name="ecs-service-scheduler",
            duration_seconds=SESSION_SECONDS,
        )
        elbv2 = self._core.surroundings.client("elbv2", region=region, credentials=keys)
        shares = {slot: percent, 1 - slot: shifting.WHOLE - percent}
        groups = [
            {"TargetGroupArn": shifting.group_of(balancer, one), "Weight": weight}
            for one, weight in sorted(shares.items())
        ]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        rule = advanced["productionListenerRule"]
        if ":listener/" in rule:
            elbv2.modify_listener(ListenerArn=rule, DefaultActions=[action])
        else:
            elbv2.modify_rule(RuleArn=rule, Actions=[action])

    def _fail(self, service: ServiceRecord, deployment_id: str, why: str) -> None:
        with self._core.change() as state:
            primary = service.primary
            if primary.id != deployment_id or primary.ever_completed:
                return
            if primary.rollout == Rollout.IN_PROGRESS:
                cause = FAILED.format(why=why)
                rollout.fail(state, service, cause, clock.now(), rollback=True)
