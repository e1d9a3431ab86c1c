"""Autoscaling: the number of tasks follows load between two bounds."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.settings.structures import ScheduledScaling

SCALE_OUT_COOLDOWN_SECONDS = 60
SCALE_IN_COOLDOWN_SECONDS = 300


@dataclass(frozen=True)
class ScalingArgs:
    """What scales.

    Attributes:
        cluster_name: the service's cluster.
        service_name: the service.
        load_balancer_suffix: the load balancer's part of the requests' label.
        target_group_suffix: the target group's part of it.
    """

    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]
    load_balancer_suffix: pulumi.Input[str]
    target_group_suffix: pulumi.Input[str]


class Scaling(pulumi.ComponentResource):
    """A scalable target with a target-tracking policy for each measure whose target is not 0."""

    def __init__(
        self,
        name: str,
        context: Context,
        args: ScalingArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Scaling", name, None, opts)
        self._name, settings = name, context.settings
        self._target = aws.appautoscaling.Target(
            f"{name}-target",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=pulumi.Output.concat("service/", args.cluster_name, "/", args.service_name),
            min_capacity=settings.lowest_count,
            max_capacity=settings.highest_count,
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        requests_label = pulumi.Output.concat(
            args.load_balancer_suffix, "/", args.target_group_suffix
        )
        measures: tuple[tuple[str, str, int, pulumi.Output[str] | None], ...] = (
            ("cpu", "ECSServiceAverageCPUUtilization", settings.cpu_target, None),
            ("memory", "ECSServiceAverageMemoryUtilization", settings.memory_target, None),
            ("requests", "ALBRequestCountPerTarget", settings.requests_per_target, requests_label),
        )
        for measure, metric, value, label in measures:
            if value:
                self._policy(measure, metric, value, label)
        for number, bounds in enumerate(settings.scheduled_scaling, start=1):
            self._scheduled(number, bounds)
        self.register_outputs({"resource_id": self._target.resource_id})

    def _scheduled(self, number: int, bounds: ScheduledScaling) -> None:
        aws.appautoscaling.ScheduledAction(
            f"{self._name}-schedule-{number}",
            name=f"schedule-{number}",
            service_namespace=self._target.service_namespace,
            scalable_dimension=self._target.scalable_dimension,
            resource_id=self._target.resource_id,
            schedule=bounds.schedule,
            timezone=bounds.timezone,
            scalable_target_action=aws.appautoscaling.ScheduledActionScalableTargetActionArgs(
                min_capacity=bounds.min_count, max_capacity=bounds.max_count
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _policy(
        self, measure: str, metric: str, value: int, label: pulumi.Output[str] | None
    ) -> None:
        aws.appautoscaling.Policy(
            f"{self._name}-{measure}",
            name=f"{measure}-target",
            policy_type="TargetTrackingScaling",
            service_namespace=self._target.service_namespace,
            scalable_dimension=self._target.scalable_dimension,
            resource_id=self._target.resource_id,
            target_tracking_scaling_policy_configuration=(
                aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                    target_value=float(value),
                    scale_out_cooldown=SCALE_OUT_COOLDOWN_SECONDS,
                    scale_in_cooldown=SCALE_IN_COOLDOWN_SECONDS,
                    predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                        predefined_metric_type=metric, resource_label=label
                    ),
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
