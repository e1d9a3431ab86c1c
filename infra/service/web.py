"""The web process of an environment: its task, its service, its scaling and where it answers."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from infra.context import Context
from infra.ingress import traffic
from infra.ingress.ingress import Ingress
from infra.ingress.routed import RoutedIngress
from infra.service.scaling import Scaling, ScalingArgs
from infra.service.service import Replacement, Service, Shifting, Workload, web_service
from infra.service.task import Task, web_task
from infra.service.traffic_shift import ShiftRole, deployment


class Web:
    """The process behind the load balancer.

    Args:
        context: the stack.
        ingress: where it answers.
        workload: what it has in common with the other processes.
        alarm_names: alarms that take a release back.

    Attributes:
        task_arn: the newest revision of its task definition.
        service: its service.
    """

    def __init__(
        self,
        context: Context,
        ingress: Ingress | RoutedIngress,
        workload: Workload,
        alarm_names: Sequence[pulumi.Input[str]],
    ) -> None:
        self._context, self._ingress, self._workload = context, ingress, workload
        self._alarm_names = alarm_names
        self.task_arn = Task("task", web_task(context, workload.image, workload.roles)).arn
        self.service = self._service()
        self._scaling()

    def export(self) -> None:
        """Export where it answers, and what the next update must know of its traffic."""
        ingress, settings = self._ingress, self._context.settings
        shift = ingress.balancer.shift
        rule_arn = shift.rule.arn if shift is not None else None
        traffic.export(ingress.traffic, rule_arn, self.service.service_name)
        pulumi.export("service_url", ingress.url)
        if ingress.internal:
            pulumi.export("load_balancer_scheme", "internal")
        if settings.domain or settings.route_hosts:
            # Where the host name must point; without `hosted_zone` that is left to the user.
            pulumi.export("load_balancer_dns_name", ingress.balancer.dns_name)

    def _service(self) -> Service:
        context, balancer = self._context, self._ingress.balancer
        needs, settings = [balancer.ready], context.settings
        shifting = None
        if balancer.shift is not None:
            shift = ShiftRole("shift", context, balancer.shift)
            needs.append(shift.granted)
            shifting = Shifting(advanced=shift.advanced, minutes=settings.shift_minutes)
        release = Replacement(
            deployment(settings, moves=self._ingress.traffic.shifts),
            self._alarm_names if settings.has_shift else [],
            shifting,
        )
        args = web_service(
            context, self._workload, self.task_arn, balancer.target_group_arn, needs, release
        )
        return Service("service", args)

    def _scaling(self) -> Scaling:
        balancer = self._ingress.balancer
        args = ScalingArgs(
            cluster_name=self._workload.location.cluster_name,
            service_name=self.service.service_name,
            load_balancer_suffix=balancer.arn_suffix,
            target_group_suffixes=balancer.target_group_arn_suffixes,
        )
        return Scaling("scaling", self._context, args)
