"""What tasks do: ECS starts one under its execution role, its code runs under its task role."""

from __future__ import annotations

from collections.abc import Sequence

from infra.account import Account
from infra.policies import statements
from infra.settings.structures import Permission

PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)


def task_trust(account: Account) -> statements.Document:
    """Who may take on the roles of a task: ECS tasks of this account and region.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    source = account.arn("ecs", "*")
    return statements.trust("ecs-tasks", account, source)


def execution(
    repository_arns: Sequence[str], log_group_arn: str, secret_arns: Sequence[str]
) -> statements.Document:
    """What ECS does to start a task: pull the image, write its log, read its secrets.

    Args:
        repository_arns: the repositories of its images.
        log_group_arn: the log group, without the trailing `:*`.
        secret_arns: Secrets Manager secrets and SSM parameters.
    """
    secrets = read_secrets(secret_arns)
    return statements.document(
        *pull(repository_arns),
        *log([log_group_arn]),
        *(statement for service in sorted(secrets) for statement in secrets[service]),
    )


def application(permissions: Sequence[Permission]) -> statements.Document:
    """What the application's own code may call, as the setting `permissions` says.

    Args:
        permissions: the statements, checked already.
    """
    return statements.document(
        *(
            {
                **statements.allow(f"Application{number}", row.actions, row.resources),
                **({"Condition": row.conditions} if row.conditions else {}),
            }
            for number, row in enumerate(permissions, start=1)
        )
    )


def run_tasks(account: Account, cluster: str, family: str) -> statements.Statement:
    """Run tasks of one family in one cluster.

    Args:
        account: where.
        cluster: the cluster's name.
        family: the family of task definitions, or a pattern of families.
    """
    revisions = account.arn("ecs", f"task-definition/{family}:*")
    here = {"ArnEquals": {"ecs:cluster": account.arn("ecs", f"cluster/{cluster}")}}
    return {**statements.allow("RunTask", ["ecs:RunTask"], [revisions]), "Condition": here}


def pull(repository_arns: Sequence[str]) -> list[statements.Statement]:
    """Log in to the registry, and pull from the named repositories."""
    return [
        statements.allow("Login", ["ecr:GetAuthorizationToken"], ["*"]),
        statements.allow("Pull", PULL_ACTIONS, repository_arns),
    ]


def log(log_group_arns: Sequence[str]) -> list[statements.Statement]:
    """Write to log groups that exist."""
    streams = [f"{arn}:*" for arn in log_group_arns]
    return [statements.allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], streams)]


def read_secrets(secret_arns: Sequence[str]) -> dict[str, list[statements.Statement]]:
    """Read secrets: service (`secretsmanager`, `ssm`) → statements; only services in use."""
    secrets = sorted({secret_resource(arn) for arn in secret_arns if ":secretsmanager:" in arn})
    parameters = sorted({arn for arn in secret_arns if ":ssm:" in arn})
    found = {}
    if secrets:
        read = ["secretsmanager:GetSecretValue"]
        found["secretsmanager"] = [statements.allow("Secrets", read, secrets)]
    if parameters:
        found["ssm"] = [statements.allow("Parameters", ["ssm:GetParameters"], parameters)]
    return found


def read_queue(arn: str) -> list[statements.Statement]:
    """Take messages from one queue of SQS, and give back or delete what was taken.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    """
    actions = ["ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage"]
    return [statements.allow("ReadQueue", [f"sqs:{action}" for action in actions], [arn])]


def use_queues(arns: Sequence[str]) -> list[statements.Statement]:
    """What an endpoint lets through: taking from queues, and sending to them."""
    further = ["sqs:GetQueueUrl", "sqs:SendMessage"]
    return [
        {**row, "Sid": f"Queue{number}", "Action": sorted([*row["Action"], *further])}
        for number, arn in enumerate(arns, start=1)
        for row in read_queue(arn)
    ]


def secret_resource(arn: str) -> str:
    """The secret's own ARN: what ECS adds to choose a key, stage or version is cut off."""
    return ":".join(arn.split(":")[:7])


def sessions() -> statements.Statement:
    """Open the channels of an `exec` session; these calls know no resources.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
    """
    return statements.allow(
        "Sessions",
        [
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        ["*"],
    )


def task(session_log_arn: str, key_arn: str | None) -> statements.Document:
    """What the agent of `exec` does under the task's role; the application does nothing.

    Args:
        session_log_arn: the log group of sessions, without the trailing `:*`; empty where it is
            not known, in a cluster of somebody else's.
        key_arn: the key of sessions, if there is one.
    """
    rows = [sessions(), *session_log(session_log_arn)]
    if key_arn is not None:
        rows.append(session_key(key_arn))
    return statements.document(*rows)


def session_log(session_log_arn: str) -> list[statements.Statement]:
    """Find and write the log of sessions, if it is known; the search knows no resources."""
    if not session_log_arn:
        return []
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return [
        statements.allow("FindSessionLog", ["logs:DescribeLogGroups"], ["*"]),
        statements.allow("SessionLog", write, [session_log_arn, f"{session_log_arn}:*"]),
    ]


def session_key(key_arn: str) -> statements.Statement:
    """Decrypt the data of sessions."""
    return statements.allow("SessionKey", ["kms:Decrypt"], [key_arn])
