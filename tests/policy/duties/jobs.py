"""What the roles of scheduled jobs are for."""

from __future__ import annotations

from tests.policy.duties.delivery import REGISTER
from tests.policy.duties.parts import HERE, NAME, OTHER_PEOPLES, Duties
from tests.policy.judge import act, call

MACHINE = f"arn:aws:states:{HERE}:stateMachine:{NAME}-nightly"

RULE = "StepFunctionsGetEventsForECSTaskRule"

JOBS = {
    "jobs": Duties(
        [
            call("ecs", "DescribeServices", cluster=NAME, services=[NAME]),
            call("ecs", "RunTask", cluster=NAME, taskDefinition=f"{NAME}:2"),
            call("ecs", "DescribeTasks", cluster=NAME, tasks=["1"]),
            call("ecs", "StopTask", cluster=NAME, task="1"),
            *(
                act(f"events:{verb}", f"arn:aws:events:{HERE}:rule/{RULE}")
                for verb in ("DescribeRule", "PutRule", "PutTargets")
            ),
        ],
        [
            *OTHER_PEOPLES,
            call("ecs", "RunTask", cluster="other", taskDefinition=f"{NAME}:2"),
            call("ecs", "RegisterTaskDefinition", **REGISTER),
            call("events", "PutRule", Name="other"),
        ],
    ),
    "schedules": Duties(
        [call("stepfunctions", "StartExecution", stateMachineArn=MACHINE)],
        [
            *OTHER_PEOPLES,
            call("stepfunctions", "StartExecution", stateMachineArn=f"{MACHINE}-other"),
            call("ecs", "RunTask", cluster=NAME, taskDefinition=f"{NAME}:2"),
        ],
    ),
}
