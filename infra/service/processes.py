"""The processes of a stack beside the web process: a service each, of the same image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.service.queue_scaling import QueueScaling, queue_name
from infra.service.scaling import scalable_target, tracking, utilization
from infra.service.service import Placement, fargate_service, process_service
from infra.service.task import TaskRoles, process_task, task_definition


@dataclass(frozen=True)
class ProcessesArgs:
    """What the processes run, where, and by what they scale.

    Attributes:
        placement: where they run.
        image: what they run.
        roles: under which.
        cluster_name: the cluster's name.
        needs: what must exist before a task can start.
        queue_arns: process → the queue that it reads and scales by.
        before: what runs before a service is created or updated; None for nothing.
    """

    placement: Placement
    image: pulumi.Input[str]
    roles: TaskRoles
    cluster_name: pulumi.Input[str]
    needs: Sequence[pulumi.Resource]
    queue_arns: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    before: pulumi.ResourceHookBinding | None = None


class ProcessService(pulumi.ComponentResource):
    """Task definition, service and scaling of one process.

    Args:
        process: its name in the settings.

    Attributes:
        service_name: its service's name.
        task_arn: the newest revision of its task definition.
        queue_name: its queue's name; None where it has none.
    """

    service_name: pulumi.Output[str]
    task_arn: pulumi.Output[str]
    queue_name: pulumi.Output[str] | None

    def __init__(
        self,
        process: str,
        context: Context,
        args: ProcessesArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        name = f"process-{process}"
        super().__init__("fargate-cd:infra:ProcessService", name, None, opts)
        self._name, self._process, self._context, self._args = name, process, context, args
        task = task_definition(
            f"{name}-definition", process_task(context, process, args.image, args.roles), self
        )
        service = fargate_service(
            f"{name}-service",
            process_service(context, process, args.placement, task.arn, args.needs, args.before),
            self,
        )
        self.service_name, self.task_arn = service.name, task.arn
        queue_arn = args.queue_arns.get(process)
        self.queue_name = None
        if queue_arn is not None:
            self.queue_name = pulumi.Output.from_input(queue_arn).apply(queue_name)
        found = context.settings.processes[process]
        if not context.names.is_preview and found.highest_count > found.min_count:
            self._scaling(service)
        self.register_outputs({"service_name": self.service_name})

    def _scaling(self, service: aws.ecs.Service) -> None:
        args, found = self._args, self._context.settings.processes[self._process]
        target = scalable_target(
            f"{self._name}-target",
            (args.cluster_name, service.name),
            (found.min_count, found.highest_count),
            self._context.tags,
            self,
        )
        if self.queue_name is not None:
            QueueScaling(self._name, self._context, self._process, self.queue_name, target, self)
        elif found.cpu_target:
            tracking(self._name, target, "cpu", (found.cpu_target, utilization("CPU")), self)


def processes(
    context: Context, args: ProcessesArgs, opts: pulumi.ResourceOptions | None = None
) -> dict[str, ProcessService]:
    """Every process of the settings, by name."""
    return {name: ProcessService(name, context, args, opts) for name in context.settings.processes}


def queue_arns(context: Context) -> dict[str, pulumi.Input[str]]:
    """Process → the queue that the settings name for it."""
    found = context.settings.processes
    return {name: process.queue for name, process in found.items() if process.queue}
