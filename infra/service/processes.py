"""The processes of a stack beside the web process: a service each, of the same image."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from infra.context import Context
from infra.service.queue_scaling import QueueScaling, queue_name
from infra.service.scaling import scalable_target, tracking, utilization
from infra.service.service import Workload, fargate_service, process_service
from infra.service.task import process_task, task_definition


class ProcessService(pulumi.ComponentResource):
    """Task definition, service and scaling of one process.

    Args:
        process: its name in the settings.
        context: the stack.
        workload: what it has in common with the other processes.
        queue_arn: the queue that it reads and scales by; None where it has none.

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
        workload: Workload,
        queue_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        name = f"process-{process}"
        super().__init__("fargate-cd:infra:ProcessService", name, None, opts)
        self._name, self._process, self._context = name, process, context
        task = task_definition(
            f"{name}-definition",
            process_task(context, process, workload.image, workload.roles),
            self,
        )
        args = process_service(context, process, workload, task.arn)
        service = fargate_service(f"{name}-service", args, self)
        self.service_name, self.task_arn = service.name, task.arn
        self.queue_name = None
        if queue_arn is not None:
            self.queue_name = pulumi.Output.from_input(queue_arn).apply(queue_name)
        found = context.settings.processes[process]
        if not context.names.is_preview and found.highest_count > found.min_count:
            self._scaling(workload.location.cluster_name, service.name)
        self.register_outputs({"service_name": self.service_name})

    def _scaling(self, cluster: pulumi.Input[str], service: pulumi.Output[str]) -> None:
        found = self._context.settings.processes[self._process]
        target = scalable_target(
            f"{self._name}-target",
            (cluster, service),
            (found.min_count, found.highest_count),
            self._context.tags,
            self,
        )
        if self.queue_name is not None:
            QueueScaling(self._name, self._context, self._process, self.queue_name, target, self)
        elif found.cpu_target:
            tracking(self._name, target, "cpu", (found.cpu_target, utilization("CPU")), self)


def processes(
    context: Context,
    workload: Workload,
    queues: Mapping[str, pulumi.Input[str]] | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> dict[str, ProcessService]:
    """Create a service for each process of the settings.

    Args:
        context: the stack.
        workload: what the processes have in common.
        queues: process → the ARN of the queue that it reads and scales by.
        opts: of each component.

    Returns:
        Process → its component.
    """
    queues = queues or {}
    return {
        name: ProcessService(name, context, workload, queues.get(name), opts)
        for name in context.settings.processes
    }


def queue_arns(context: Context) -> dict[str, pulumi.Input[str]]:
    """Process → the queue that the settings name for it."""
    found = context.settings.processes
    return {name: process.queue for name, process in found.items() if process.queue}
