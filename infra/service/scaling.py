"""Autoscaling: the number of tasks follows load between two bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def scalable_target(
    name: str,
    service: tuple[pulumi.Input[str], pulumi.Input[str]],
    bounds: tuple[int, int],
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> aws.appautoscaling.Target:
    """Create the scalable target.

    Args:
        name: the resource's name.
        service: the names of the cluster and of the service.
        bounds: the fewest and the most tasks.
        tags: of the resource.
        parent: what it is a child of.
    """
    return aws.appautoscaling.Target(
        name,
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", service[0], "/", service[1]),
        min_capacity=bounds[0],
        max_capacity=bounds[1],
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def tracking(
    name: str,
    target: aws.appautoscaling.Target,
    measure: str,
    held: tuple[int, Metric],
    parent: pulumi.Resource,
) -> aws.appautoscaling.Policy:
    """Create a target-tracking policy for a metric.

    Args:
        name: how the resource's name begins.
        target: what is scaled.
        measure: what the policy is called by.
        held: the value, and the metric that is held there.
        parent: what it is a child of.
    """
    value, metric = held
    return aws.appautoscaling.Policy(
        f"{name}-{measure}",
        name=f"{measure}-target",
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration=Tracking(
            target_value=float(value),
            scale_out_cooldown=SCALE_OUT_COOLDOWN_SECONDS,
            scale_in_cooldown=SCALE_IN_COOLDOWN_SECONDS,
            predefined_metric_specification=metric if isinstance(metric, Predefined) else None,
            customized_metric_specification=metric if isinstance(metric, Customized) else None,
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


@dataclass(frozen=True)
class ScalingArgs:
    """The arguments of `Scaling`.

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
        self._target = scalable_target(
            f"{name}-target",
            (args.cluster_name, args.service_name),
            (settings.lowest_count, settings.highest_count),
            context.tags,
            self,
        )
        measures = (
            ("cpu", settings.cpu_target, utilization("CPU")),
            ("memory", settings.memory_target, utilization("Memory")),
            ("requests", settings.requests_per_target, _requests(args)),
        )
        for measure, value, metric in measures:
            if value:
                tracking(name, self._target, measure, (value, metric), self)
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


def utilization(of: str) -> Predefined:
    """The use of `CPU` or `Memory` in percent."""
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
