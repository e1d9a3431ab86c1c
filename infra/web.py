"""The web process of an environment: its task, its service, its scaling and where it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.context import Context
from infra.ingress import traffic
from infra.ingress.ingress import Ingress
from infra.ingress.routed import RoutedIngress
from infra.service.scaling import Scaling, ScalingArgs
from infra.service.service import Placement, Replacement, Service, Shifting, web_service
from infra.service.task import Task, TaskRoles, web_task
from infra.service.traffic_shift import ShiftRole, deployment


@dataclass(frozen=True)
class WebArgs:
    """What the web process runs, where, and how it is replaced.

    Attributes:
        placement: where it runs.
        image: what it runs.
        roles: under which.
        cluster_name: the cluster's name.
        needs: what must exist before a task can start.
        alarm_names: alarms that take a release back.
        before: what runs before the service is created or updated; None for nothing.
    """

    placement: Placement
    image: pulumi.Input[str]
    roles: TaskRoles
    cluster_name: pulumi.Input[str]
    needs: Sequence[pulumi.Resource]
    alarm_names: Sequence[pulumi.Input[str]]
    before: pulumi.ResourceHookBinding | None


class Web:
    """The process behind the load balancer.

    Attributes:
        task_arn: the newest revision of its task definition.
        service: its service.
    """

    def __init__(self, context: Context, ingress: Ingress | RoutedIngress, args: WebArgs) -> None:
        self._context, self._ingress, self._args = context, ingress, args
        self.task_arn = Task("task", web_task(context, args.image, args.roles)).arn
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
        context, balancer, args = self._context, self._ingress.balancer, self._args
        needs, settings = [*args.needs, balancer.ready], context.settings
        shifting = None
        if balancer.shift is not None:
            shift = ShiftRole("shift", context, balancer.shift)
            needs.append(shift.granted)
            shifting = Shifting(advanced=shift.advanced, minutes=settings.shift_minutes)
        release = Replacement(
            deployment(settings, moves=self._ingress.traffic.shifts),
            args.alarm_names if settings.has_shift else [],
            shifting,
        )
        described = web_service(
            context,
            args.placement,
            self.task_arn,
            balancer.target_group_arn,
            needs,
            release,
            args.before,
        )
        return Service("service", described)

    def _scaling(self) -> Scaling:
        balancer = self._ingress.balancer
        args = ScalingArgs(
            cluster_name=self._args.cluster_name,
            service_name=self.service.service_name,
            load_balancer_suffix=balancer.arn_suffix,
            target_group_suffixes=balancer.target_group_arn_suffixes,
        )
        return Scaling("scaling", self._context, args)
