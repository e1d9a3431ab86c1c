"""Jobs: commands of the running release, each on its schedule.

EventBridge Scheduler starts a state machine of Step Functions, which looks up the release that the
service runs, runs a task of it, stops one that takes too long, and tries a failed one again. So a
job follows every release and every rollback, whoever made it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.monitoring.alarms import Alarm, Metric
from infra.monitoring.monitoring import NAMELESS, Alarms, AlarmsArgs
from infra.names import CONTAINER_NAME, Names
from infra.policies import jobs as policies
from infra.policies import statements
from infra.service.task import TaskRoles
from infra.settings.jobs import Job

RETRY_SECONDS = 30
"""Before a failed job is tried again; each further attempt waits twice as long."""

START_ATTEMPTS = 10
START_SECONDS = 3600
"""How often, and for how long, EventBridge Scheduler tries to start a job."""

HELD_MINUTES = 60
"""How long the alarm of a failed job stays on."""


def definition(job: Job, names: Names, partition: str) -> dict[str, Any]:
    """A job's state machine.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html

    Args:
        job: its settings.
        names: whose service's release and network it uses.
        partition: of the account's ARNs.
    """
    cluster, service = names.cluster, names.service
    container = {"Name": CONTAINER_NAME, "Command": list(job.command)}
    size = {"Cpu": str(job.cpu or ""), "Memory": str(job.memory or "")}
    run: dict[str, Any] = {
        "Type": "Task",
        "Resource": f"arn:{partition}:states:::ecs:runTask.sync",
        "TimeoutSeconds": 60 * job.timeout_minutes,
        "Parameters": {
            "Cluster": cluster,
            "TaskDefinition.$": "$.Services[0].TaskDefinition",
            "LaunchType": "FARGATE",
            "NetworkConfiguration.$": "$.Services[0].NetworkConfiguration",
            "Overrides": {
                "ContainerOverrides": [container],
                **{name: value for name, value in size.items() if value},
            },
        },
        "End": True,
    }
    if job.retries:
        retry = {"IntervalSeconds": RETRY_SECONDS, "BackoffRate": 2.0, "MaxAttempts": job.retries}
        run["Retry"] = [{"ErrorEquals": ["States.ALL"], **retry}]
    look = {
        "Type": "Task",
        "Resource": f"arn:{partition}:states:::aws-sdk:ecs:describeServices",
        "Parameters": {"Cluster": cluster, "Services": [service]},
        "Next": "Run",
    }
    return {"StartAt": "Release", "States": {"Release": look, "Run": run}}


def alarms(context: Context) -> list[Alarm]:
    """Return the alarms of jobs: for runs that failed, and for those that were not started."""
    names, account = context.names, context.account
    machines = {
        job: account.arn("states", f"stateMachine:{names.job(job)}") for job in _jobs(context)
    }
    failed = [
        _alarm(
            f"job-{job}",
            f"The job {job} failed; see `run.py jobs`, and the application's log.",
            Metric("AWS/States", "ExecutionsFailed", "Sum", {"StateMachineArn": arn}),
        )
        for job, arn in machines.items()
    ]
    dropped = {"ScheduleGroup": names.schedule_group}
    return [
        *failed,
        _alarm(
            "jobs-missed",
            "A job could not be started at its time; see `run.py jobs`.",
            Metric("AWS/Scheduler", "InvocationDroppedCount", "Sum", dropped),
        ),
    ]


def _jobs(context: Context) -> dict[str, Job]:
    return context.settings.jobs


def _alarm(kind: str, description: str, metric: Metric) -> Alarm:
    above = "GreaterThanThreshold"
    return Alarm(
        kind, description, {"runs": metric}, "", above, 0, breaching=1, periods=HELD_MINUTES
    )


class Jobs(pulumi.ComponentResource):
    """The schedules of an environment's jobs, what they start, and their alarms."""

    def __init__(
        self,
        name: str,
        context: Context,
        roles: TaskRoles,
        service: pulumi.Resource,
        topic_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Jobs", name, None, opts)
        self._name, self._context, self._service = name, context, service
        machines = self._machines(roles)
        self._schedules(machines)
        if context.settings.monitoring:
            watched = pulumi.Output.from_input(NAMELESS)
            args = AlarmsArgs(lambda _: alarms(context), watched, topic_arn)
            Alarms(f"{name}-alarms", context, args, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})

    def _machines(self, roles: TaskRoles) -> dict[str, aws.sfn.StateMachine]:
        """A state machine for each job."""
        names, account = self._context.names, self._context.account
        role_arns = pulumi.Output.all(roles.execution_role_arn, roles.task_role_arn)
        role, granted = self._role(
            "jobs",
            "Runs the tasks of jobs",
            policies.machines_trust(account, [names.job(job) for job in _jobs(self._context)]),
            role_arns.apply(lambda arns: policies.run(account, names, arns)),
        )
        return {
            job: aws.sfn.StateMachine(
                f"{self._name}-{job}",
                name=names.job(job),
                role_arn=role.arn,
                definition=json.dumps(definition(row, names, account.partition)),
                tags=dict(self._context.tags),
                opts=self._child([granted, self._service]),
            )
            for job, row in _jobs(self._context).items()
        }

    def _schedules(self, machines: dict[str, aws.sfn.StateMachine]) -> None:
        names, account = self._context.names, self._context.account
        group = aws.scheduler.ScheduleGroup(
            f"{self._name}-group",
            name=names.schedule_group,
            tags=dict(self._context.tags),
            opts=self._child(),
        )
        arns = pulumi.Output.all(*(machine.arn for machine in machines.values()))
        role, granted = self._role(
            "schedules",
            "Starts jobs at their times",
            policies.schedules_trust(account, names.schedule_group),
            arns.apply(policies.start),
        )
        for job, row in _jobs(self._context).items():
            aws.scheduler.Schedule(
                f"{self._name}-{job}-schedule",
                name=job,
                group_name=group.name,
                schedule_expression=row.schedule,
                schedule_expression_timezone=row.timezone,
                flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
                target=aws.scheduler.ScheduleTargetArgs(
                    arn=machines[job].arn,
                    role_arn=role.arn,
                    input="{}",
                    retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                        maximum_event_age_in_seconds=START_SECONDS,
                        maximum_retry_attempts=START_ATTEMPTS,
                    ),
                ),
                opts=self._child([granted]),
            )

    def _role(
        self,
        purpose: str,
        description: str,
        trust: statements.Document,
        allowed: pulumi.Output[statements.Document],
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = aws.iam.Role(
            f"{self._name}-{purpose}",
            name=self._context.names.role(purpose),
            description=description,
            assume_role_policy=json.dumps(trust),
            tags=dict(self._context.tags),
            opts=self._child(),
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-{purpose}-policy",
            name=purpose,
            role=role.name,
            policy=pulumi.Output.json_dumps(allowed),
            opts=self._child(),
        )
        return role, policy

    def _child(self, needs: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(needs))
