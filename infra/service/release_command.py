"""The release command: it runs once for each release, before any task is replaced.

Pulumi calls the hook after everything that a task needs exists, and before it creates or updates
the service: https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pulumi

from infra.context import Context
from infra.place import Location

NOT_RUN = (
    "release_command is not run by a plain `pulumi up`: `python automation/run.py up` and the "
    "pipeline run it before they replace a task."
)


@dataclass(frozen=True)
class ReleaseTask:
    """The task that runs the release command.

    Attributes:
        definition: the ARN of the new revision of the web process's task definition.
        cluster: the ARN of the cluster.
        subnet_ids: where the task is placed.
        security_group_id: its security group.
        public: whether it gets a public address.
    """

    definition: str
    cluster: str
    subnet_ids: Sequence[str]
    security_group_id: str
    public: bool


Runner = Callable[[ReleaseTask], None]
"""Runs the release command if this release has not had it; raises if it failed."""


def before_service(
    context: Context,
    runner: Runner | None,
    task_arn: Callable[[], pulumi.Input[str]],
    location: Location,
) -> pulumi.ResourceHookBinding | None:
    """Return the hook that runs the release command before a service changes; None for none.

    Args:
        context: the stack.
        runner: runs the command; None where nobody can, as in a plain `pulumi up`.
        task_arn: the revision of the task definition, once every resource is declared: the web
            process's, or that of the process in its place.
        location: where its tasks run.
    """
    if runner is None or not context.settings.release_command:
        return None
    started: list[asyncio.Future[None]] = []

    async def once() -> None:
        known = pulumi.Output.all(
            definition=task_arn(),
            cluster=location.cluster_arn,
            subnet_ids=location.task_subnet_ids,
            security_group_id=location.task_group_id,
            public=location.public_tasks,
        )
        # In a thread, so that the other resources go on meanwhile.
        await asyncio.to_thread(runner, ReleaseTask(**await known.future()))  # type: ignore[arg-type]

    async def run(_args: pulumi.ResourceHookArgs) -> None:
        """Every service of the stack waits for the one run."""
        if not started:
            started.append(asyncio.ensure_future(once()))
        await asyncio.shield(started[0])

    hook = pulumi.ResourceHook("release-command", run)
    return pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
