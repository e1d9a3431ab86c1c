"""What the roles of tasks, of their start and of shifted traffic are for."""

from __future__ import annotations

from collections.abc import Mapping

from tests.policy.duties.parts import (
    CHANNELS,
    HERE,
    KEY,
    NAME,
    NAMES,
    OTHER,
    OTHER_PEOPLES,
    SIDECAR,
    Duties,
    pull,
    push,
    read_secrets,
    write_log,
)
from tests.policy.judge import call
from tests.unit.infra.recorder import ACCOUNT, REGION

SESSION_LOG = f"/ecs/{NAME}/exec"

SESSIONS = Duties(
    [
        *CHANNELS,
        call("logs", "DescribeLogGroups"),
        call("logs", "DescribeLogStreams", logGroupName=SESSION_LOG),
        *write_log(SESSION_LOG),
        call("kms", "Decrypt", KeyId=KEY),
    ],
    [*OTHER_PEOPLES, *read_secrets(), *pull(NAME), *write_log(f"/ecs/{NAME}/app")],
)

QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"

MESSAGE = {"QueueUrl": QUEUE_URL, "ReceiptHandle": "1"}

RUNNING = Duties(
    [
        *SESSIONS.must,
        call("sqs", "ReceiveMessage", QueueUrl=QUEUE_URL),
        call("sqs", "DeleteMessage", **MESSAGE),
        call("sqs", "ChangeMessageVisibility", **MESSAGE, VisibilityTimeout=1),
        call("sqs", "GetQueueAttributes", QueueUrl=QUEUE_URL),
    ],
    [
        *SESSIONS.never,
        call("sqs", "ReceiveMessage", QueueUrl=QUEUE_URL.replace("orders", "others")),
        call("sqs", "SendMessage", QueueUrl=QUEUE_URL, MessageBody="x"),
        call("sqs", "PurgeQueue", QueueUrl=QUEUE_URL),
    ],
)

STARTING: Mapping[str, Duties] = {
    "execution": Duties(
        [*pull(NAME), *pull(SIDECAR)[1:], *write_log(f"/ecs/{NAME}/app"), *read_secrets()],
        [*OTHER_PEOPLES, *push(NAME), *pull(OTHER)[1:], *write_log(SESSION_LOG), *CHANNELS],
    ),
    "previews": Duties(
        [
            *pull(NAME),
            *pull(f"{NAME}-previews"),
            *pull(SIDECAR)[1:],
            *write_log(f"/ecs/{NAME}/preview/login/app"),
            *read_secrets(),
        ],
        [*OTHER_PEOPLES, *push(NAME), *write_log(f"/ecs/{NAME}/app")],
    ),
    "previews-task": RUNNING,
    "task": RUNNING,
    "flow-logs": Duties(
        [
            call("logs", "DescribeLogGroups"),
            call("logs", "DescribeLogStreams", logGroupName=f"/ecs/{NAME}/network"),
            *write_log(f"/ecs/{NAME}/network"),
        ],
        write_log(f"/ecs/{NAME}/app"),
    ),
}


def targets(suffix: str) -> str:
    """The ARN of a target group."""
    return f"arn:aws:elasticloadbalancing:{HERE}:targetgroup/{suffix}/73e2d6bc24d8a067"


RULE = f"arn:aws:elasticloadbalancing:{HERE}:listener-rule/app/lb/50dc6c495c0c9188/f2f7/9683"

CIDR = "10.0.0.0/16"

GROUPS = [NAMES.target_group(CIDR), NAMES.alternate_target_group(CIDR)]

SHIFTING = Duties(
    [
        *(
            call("elbv2", f"Describe{what}")
            for what in ("Listeners", "Rules", "TargetGroups", "TargetHealth")
        ),
        *(
            call("elbv2", verb, TargetGroupArn=targets(group), Targets=[])
            for group in GROUPS
            for verb in ("DeregisterTargets", "RegisterTargets")
        ),
        call("elbv2", "ModifyRule", RuleArn=RULE),
    ],
    [
        call("elbv2", "ModifyRule", RuleArn=RULE.replace("9683", "1")),
        call("elbv2", "DeregisterTargets", TargetGroupArn=targets("other"), Targets=[]),
        call("elbv2", "DeleteTargetGroup", TargetGroupArn=targets(GROUPS[0])),
    ],
)
