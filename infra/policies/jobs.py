"""What jobs need: Step Functions runs their tasks, EventBridge Scheduler starts them."""

from __future__ import annotations

from collections.abc import Sequence

from infra.account import Account
from infra.names import Names
from infra.policies import statements, tasks

MANAGED_RULE = "StepFunctionsGetEventsForECSTaskRule"
"""The rule by which Step Functions hears of the end of a task."""


def machines_trust(account: Account, machines: Sequence[str]) -> statements.Document:
    """Who may take on the role of the tasks' runs: Step Functions, for the stack's jobs.

    https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html

    Args:
        account: where they are.
        machines: the names of the state machines.
    """
    arns = [account.arn("states", f"stateMachine:{name}") for name in sorted(machines)]
    return statements.trust("states", account, arns)


def run(account: Account, names: Names, task_role_arns: Sequence[str]) -> statements.Document:
    """Run tasks of the release that the service runs, and stop one that takes too long.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
    """
    cluster, service = names.cluster, names.service
    stop = ["ecs:DescribeTasks", "ecs:StopTask"]
    follow = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
    return statements.document(
        statements.allow(
            "Release",
            ["ecs:DescribeServices"],
            [account.arn("ecs", f"service/{cluster}/{service}")],
        ),
        tasks.run_tasks(account, cluster, service),
        statements.allow("Tasks", stop, [account.arn("ecs", f"task/{cluster}/*")]),
        statements.pass_roles("PassTaskRoles", account, task_role_arns, "ecs-tasks"),
        statements.allow("Follow", follow, [account.arn("events", f"rule/{MANAGED_RULE}")]),
    )


def schedules_trust(account: Account, group: str) -> statements.Document:
    """Who may take on the role of the schedules: EventBridge Scheduler, for the stack's group.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    source = account.arn("scheduler", f"schedule-group/{group}")
    return statements.trust("scheduler", account, source)


def start(machine_arns: Sequence[str]) -> statements.Document:
    """Start the jobs."""
    return statements.document(
        statements.allow("Start", ["states:StartExecution"], sorted(machine_arns))
    )
