"""Rows of EventBridge Scheduler and of Step Functions.

https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html
https://docs.aws.amazon.com/step-functions/latest/apireference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.spec import AutoName, Op, Spec, Step, Wait, tagged_by_arn

_MISSING = frozenset({"ResourceNotFoundException"})

SCHEDULE_GROUP = Spec(
    "aws:scheduler/scheduleGroup:ScheduleGroup",
    "scheduler",
    create=Op("CreateScheduleGroup"),
    read=Op("GetScheduleGroup", {"Name": "id"}),
    delete=Op("DeleteScheduleGroup", {"Name": "id"}),
    id="inputs.name",
    found_id="Name",
    replaces=frozenset({"name"}),
    outputs={"arn": "Arn", "state": "State"},
    ready=Wait("State", frozenset({"ACTIVE"}), timeout=300),
    gone=300,
    name=AutoName(64),
    tags=tagged_by_arn("ResourceArn"),
    absent=_MISSING,
)

_NAMED = {"Name": "inputs.name", "GroupName": "outputs.groupName || inputs.groupName"}

SCHEDULE = Spec(
    "aws:scheduler/schedule:Schedule",
    "scheduler",
    create=Op("CreateSchedule"),
    read=Op("GetSchedule", _NAMED),
    delete=Op("DeleteSchedule", _NAMED),
    id="join('/', [inputs.groupName || 'default', inputs.name])",
    found_id="join('/', [GroupName, Name])",
    replaces=frozenset({"name", "groupName"}),
    update=(
        Step(
            Op("UpdateSchedule", _NAMED),
            properties=(
                "actionAfterCompletion",
                "description",
                "endDate",
                "flexibleTimeWindow",
                "kmsKeyArn",
                "scheduleExpression",
                "scheduleExpressionTimezone",
                "startDate",
                "state",
                "target",
            ),
        ),
    ),
    defaults={"scheduleExpressionTimezone": "UTC", "state": "ENABLED"},
    nested={
        "target.ecsParameters": {"taskCount": 1},
        "target.ecsParameters.networkConfiguration": {"assignPublicIp": False},
        "target.retryPolicy": {"maximumEventAgeInSeconds": 86400, "maximumRetryAttempts": 185},
    },
    sticky=frozenset({"actionAfterCompletion", "groupName"}),
    outputs={"arn": "Arn"},
    name=AutoName(64),
    imports=r"(?P<groupName>[^/]+)/(?P<name>[^/]+)",
    absent=_MISSING,
)

STATE_MACHINE = Spec(
    "aws:sfn/stateMachine:StateMachine",
    "stepfunctions",
    create=Op("CreateStateMachine"),
    read=Op("DescribeStateMachine", {"stateMachineArn": "id"}),
    delete=Op("DeleteStateMachine", {"stateMachineArn": "id"}),
    id="stateMachineArn",
    found_id="stateMachineArn",
    replaces=frozenset({"name", "type"}),
    update=(
        Step(
            Op("UpdateStateMachine", {"stateMachineArn": "id"}),
            properties=("definition", "roleArn", "loggingConfiguration", "tracingConfiguration"),
        ),
    ),
    defaults={"type": "STANDARD", "publish": False},
    sticky=frozenset({"loggingConfiguration", "tracingConfiguration", "encryptionConfiguration"}),
    outputs={"arn": "stateMachineArn", "creationDate": "creationDate", "status": "status"},
    gone=300,
    name=AutoName(80),
    tags=tagged_by_arn("resourceArn", "id", tags="tags", form="lower"),
    absent=frozenset({"StateMachineDoesNotExist"}),
)

ROWS = (SCHEDULE_GROUP, SCHEDULE, STATE_MACHINE)
