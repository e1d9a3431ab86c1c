"""Autoscaling: the number of tasks follows load between two bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.settings.structures import ScheduledScaling

SCALE_OUT_COOLDOWN_SECONDS = 60
SCALE_IN_COOLDOWN_SECONDS = 300

Tracking = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs
Predefined = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs  # noqa: E501
Customized = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs  # noqa: E501
Query = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationMetricArgs  # noqa: E501
Stat = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationMetricMetricStatArgs  # noqa: E501
StatMetric = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationMetricMetricStatMetricArgs  # noqa: E501
Dimension = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationMetricMetricStatMetricDimensionArgs  # noqa: E501
Metric = Predefined | Customized


@dataclass(frozen=True)
class ScalingArgs:
    """What scales.

    Attributes:
        cluster_name: the service's cluster.
        service_name: the service.
        load_balancer_suffix: the load balancer's part of the requests' dimensions.
        target_group_suffixes: the target groups' parts of them; where releases shift traffic two
            groups take turns.
    """

    cluster_name: pulumi.Input[str]
    service_name: pulumi.Input[str]
    load_balancer_suffix: pulumi.Input[str]
    target_group_suffixes: Sequence[pulumi.Input[str]]


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
        measures = (
            ("cpu", settings.cpu_target, _utilization("CPU")),
            ("memory", settings.memory_target, _utilization("Memory")),
            ("requests", settings.requests_per_target, _requests(args)),
        )
        for measure, value, metric in measures:
            if value:
                self._policy(measure, value, metric)
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

    def _policy(self, measure: str, value: int, metric: Metric) -> None:
        aws.appautoscaling.Policy(
            f"{self._name}-{measure}",
            name=f"{measure}-target",
            policy_type="TargetTrackingScaling",
            service_namespace=self._target.service_namespace,
            scalable_dimension=self._target.scalable_dimension,
            resource_id=self._target.resource_id,
            target_tracking_scaling_policy_configuration=(
                Tracking(
                    target_value=float(value),
                    scale_out_cooldown=SCALE_OUT_COOLDOWN_SECONDS,
                    scale_in_cooldown=SCALE_IN_COOLDOWN_SECONDS,
                    predefined_metric_specification=metric
                    if isinstance(metric, Predefined)
                    else None,
                    customized_metric_specification=metric
                    if isinstance(metric, Customized)
                    else None,
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _utilization(of: str) -> Predefined:
    return Predefined(predefined_metric_type=f"ECSServiceAverage{of}Utilization")


def _requests(args: ScalingArgs) -> Metric:
    """The requests a minute and task.

    With two target groups a task is in one of them, and a group without traffic has no data, which
    SUM passes over. While a release shifts traffic, both groups hold a full set of tasks, so that
    the sum is still that of one task.
    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking-metric-math.html
    """
    balancer, groups = args.load_balancer_suffix, args.target_group_suffixes
    if len(groups) == 1:
        label = pulumi.Output.concat(balancer, "/", groups[0])
        return Predefined(predefined_metric_type="ALBRequestCountPerTarget", resource_label=label)
    queries = {
        f"group{number}": _requests_of(balancer, group)
        for number, group in enumerate(groups, start=1)
    }
    counted = [
        Query(id=name, metric_stat=stat, return_data=False) for name, stat in queries.items()
    ]
    total = Query(id="requests", expression=f"SUM([{', '.join(queries)}])", return_data=True)
    return Customized(metrics=[*counted, total])


def _requests_of(balancer: pulumi.Input[str], group: pulumi.Input[str]) -> Stat:
    return Stat(
        stat="Sum",
        metric=StatMetric(
            namespace="AWS/ApplicationELB",
            metric_name="RequestCountPerTarget",
            dimensions=[
                Dimension(name="LoadBalancer", value=balancer),
                Dimension(name="TargetGroup", value=group),
            ],
        ),
    )
