"""Scaling by the messages of a queue: as many tasks as the messages call for, down to none.

Step scaling, since target tracking waits for data of a metric that divides by the number of tasks,
and there is none at 0. One alarm lasts while there are messages, and each minute its policy sets
the number that they call for; another one lasts while there are none.
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-step-scaling-policies.html
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.settings.processes import Process

NAMESPACE = "AWS/SQS"
WAITING = "ApproximateNumberOfMessagesVisible"
IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""

PERIOD_SECONDS = 60
"""SQS tells its metrics once a minute."""

IDLE_MINUTES = 3
"""So long must a queue be empty before its tasks go."""

COOLDOWN_SECONDS = 120
"""More messages add tasks at once; fewer take tasks away no sooner than so long after a change."""

MOST_STEPS = 20
"""https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-limits.html"""

StepAdjustment = aws.appautoscaling.PolicyStepScalingPolicyConfigurationStepAdjustmentArgs
Query = aws.cloudwatch.MetricAlarmMetricQueryArgs


def queue_name(arn: str) -> str:
    """The name in a queue's ARN, by which CloudWatch knows it."""
    return arn.rpartition(":")[2]


def steps(process: Process) -> list[tuple[int, int, int | None]]:
    """Return the steps of the scaling policy: tasks, the fewest messages, and below which.

    The last step has no end (None). With more than `MOST_STEPS` tasks a step adds several.
    """
    most, each = process.highest_count, process.messages
    counts = sorted({-(-number * most // MOST_STEPS) for number in range(1, MOST_STEPS + 1)})
    counts = list(range(1, most + 1)) if most <= MOST_STEPS else counts
    lower = [0, *(count * each for count in counts[:-1])]
    upper = [*(count * each for count in counts[:-1]), None]
    return list(zip(counts, lower, upper, strict=True))


class QueueScaling:
    """The two policies of a process, each with the alarm that calls it.

    Args:
        name: how the resources' names begin.
        context: the stack.
        process: the process's name.
        queue: its queue's name.
        target: what is scaled.
        parent: what they are children of.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        process: str,
        queue: pulumi.Output[str],
        target: aws.appautoscaling.Target,
        parent: pulumi.Resource,
    ) -> None:
        self._name, self._context, self._parent = name, context, parent
        self._target = target
        self._service = context.names.process(process)
        self._queue = queue
        found = context.settings.processes[process]
        busy = [
            StepAdjustment(
                scaling_adjustment=tasks,
                metric_interval_lower_bound=str(lower),
                metric_interval_upper_bound=None if upper is None else str(upper),
            )
            for tasks, lower, upper in steps(found)
        ]
        self._called_by("messages", busy, "GreaterThanOrEqualToThreshold", 1)
        idle = StepAdjustment(scaling_adjustment=found.min_count, metric_interval_upper_bound="0")
        self._called_by("no-messages", [idle], "LessThanThreshold", IDLE_MINUTES)

    def _called_by(
        self, kind: str, adjustments: list[StepAdjustment], comparison: str, minutes: int
    ) -> None:
        policy = aws.appautoscaling.Policy(
            f"{self._name}-{kind}",
            name=kind,
            policy_type="StepScaling",
            service_namespace=self._target.service_namespace,
            scalable_dimension=self._target.scalable_dimension,
            resource_id=self._target.resource_id,
            step_scaling_policy_configuration=(
                aws.appautoscaling.PolicyStepScalingPolicyConfigurationArgs(
                    adjustment_type="ExactCapacity",
                    cooldown=COOLDOWN_SECONDS,
                    metric_aggregation_type="Maximum",
                    step_adjustments=adjustments,
                )
            ),
            opts=pulumi.ResourceOptions(parent=self._parent),
        )
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{kind}-alarm",
            name=f"scaling-{self._service}-{kind}",
            alarm_description=f"Scales {self._service}; no sign of anything wrong",
            comparison_operator=comparison,
            threshold=1,
            evaluation_periods=minutes,
            treat_missing_data="ignore" if minutes > 1 else "notBreaching",
            metric_queries=self._queries(),
            alarm_actions=[policy.arn],
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self._parent),
        )

    def _queries(self) -> list[Query]:
        """Messages that wait and those that tasks work on: no task goes while one is worked on."""
        series = [
            Query(
                id=identifier,
                return_data=False,
                metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                    namespace=NAMESPACE,
                    metric_name=metric,
                    period=PERIOD_SECONDS,
                    stat="Maximum",
                    dimensions={"QueueName": self._queue},
                ),
            )
            for identifier, metric in (("waiting", WAITING), ("taken", IN_FLIGHT))
        ]
        both = "SUM([waiting, taken])"
        return [*series, Query(id="messages", expression=both, label="messages", return_data=True)]
