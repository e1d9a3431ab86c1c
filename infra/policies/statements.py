"""IAM documents, as pure functions of the ARNs they speak about.

Actions, their resource types and condition keys:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.account import Account

Document = dict[str, Any]
Statement = dict[str, Any]

PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)


def document(*statements: Statement) -> Document:
    """A policy document of the current version."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
    """A statement that allows `actions` on `resources`."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def trust(service: str, account: Account, source_arn: str | None) -> Document:
    """Who may take on a role: one service, and only on behalf of this account.

    Args:
        service: the service's principal, such as `ecs-tasks.amazonaws.com`.
        account: whose resources the service acts for.
        source_arn: a pattern of these resources, where the service tells them.
    """
    conditions: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": account.account_id}}
    if source_arn is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return document(
        {
            "Sid": "OnBehalfOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": conditions,
        }
    )


def task_trust(account: Account) -> Document:
    """Who may take on the roles of a task: ECS tasks of this account and region.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    source = account.arn("ecs", "*")
    return trust("ecs-tasks.amazonaws.com", account, source)


def execution(
    repository_arns: Sequence[str], log_group_arn: str, secret_arns: Sequence[str]
) -> Document:
    """What ECS does to start a task: pull the image, write its log, read its secrets.

    Args:
        repository_arns: the repositories of its images.
        log_group_arn: the log group, without the trailing `:*`.
        secret_arns: Secrets Manager secrets and SSM parameters.
    """
    secrets = read_secrets(secret_arns)
    return document(
        *pull(repository_arns),
        *log([log_group_arn]),
        *(statement for service in sorted(secrets) for statement in secrets[service]),
    )


def pull(repository_arns: Sequence[str]) -> list[Statement]:
    """Log in to the registry, and pull from the named repositories."""
    return [
        allow("Login", ["ecr:GetAuthorizationToken"], ["*"]),
        allow("Pull", PULL_ACTIONS, repository_arns),
    ]


def log(log_group_arns: Sequence[str]) -> list[Statement]:
    """Write to log groups that exist."""
    streams = [f"{arn}:*" for arn in log_group_arns]
    return [allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], streams)]


def shift_trust(account: Account) -> Document:
    """Who may take on the role of traffic shifts: ECS, on behalf of this account.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
    """
    return trust("ecs.amazonaws.com", account, None)


def shift(rule_arn: str, target_group_arns: Sequence[str]) -> Document:
    """Shift traffic between two target groups of one rule.

    The actions are those of AWS's own policy for it, without those for listeners, and on these
    resources alone: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
    """
    verbs = ("DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth")
    move = ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"]
    return document(
        allow("Look", [f"elasticloadbalancing:{verb}" for verb in verbs], ["*"]),
        allow("MoveTargets", move, target_group_arns),
        allow("ShiftWeights", ["elasticloadbalancing:ModifyRule"], [rule_arn]),
    )


def read_secrets(secret_arns: Sequence[str]) -> dict[str, list[Statement]]:
    """Read secrets: service (`secretsmanager`, `ssm`) → statements; only services in use."""
    secrets = sorted({secret_resource(arn) for arn in secret_arns if ":secretsmanager:" in arn})
    parameters = sorted({arn for arn in secret_arns if ":ssm:" in arn})
    statements = {}
    if secrets:
        read = ["secretsmanager:GetSecretValue"]
        statements["secretsmanager"] = [allow("Secrets", read, secrets)]
    if parameters:
        statements["ssm"] = [allow("Parameters", ["ssm:GetParameters"], parameters)]
    return statements


def secret_resource(arn: str) -> str:
    """The secret's own ARN: what ECS adds to choose a key, stage or version is cut off."""
    return ":".join(arn.split(":")[:7])


def sessions() -> Statement:
    """Open the channels of an `exec` session; these calls know no resources.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
    """
    return allow(
        "Sessions",
        [
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        ["*"],
    )


def task(session_log_arn: str, key_arn: str | None) -> Document:
    """What the agent of `exec` does under the task's role; the application does nothing.

    Args:
        session_log_arn: the log group of sessions, without the trailing `:*`.
        key_arn: the key of sessions, if there is one.
    """
    statements = [sessions(), *session_log(session_log_arn)]
    if key_arn is not None:
        statements.append(session_key(key_arn))
    return document(*statements)


def session_log(session_log_arn: str) -> list[Statement]:
    """Find and write the log of sessions; the search knows no resources."""
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return [
        allow("FindSessionLog", ["logs:DescribeLogGroups"], ["*"]),
        allow("SessionLog", write, [session_log_arn, f"{session_log_arn}:*"]),
    ]


def session_key(key_arn: str) -> Statement:
    """Decrypt the data of sessions."""
    return allow("SessionKey", ["kms:Decrypt"], [key_arn])


def within(account_id: str, statements: Sequence[Statement]) -> Document:
    """An endpoint's policy: `statements` for the principals of one account."""
    own = {"StringEquals": {"aws:PrincipalAccount": account_id}}
    return document(
        *({**statement, "Principal": {"AWS": "*"}, "Condition": own} for statement in statements)
    )


def image_layers(account: Account) -> Document:
    """The policy of S3's endpoint: read the layers of ECR's images, and nothing else.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms
    """
    bucket = account.arn(
        "s3", f"prod-{account.region}-starport-layer-bucket/*", region="", account_id=""
    )
    return document({**allow("Layers", ["s3:GetObject"], [bucket]), "Principal": {"AWS": "*"}})


KEY_USES = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")


def key(account: Account, log_group_prefix: str) -> Document:
    """A key's policy: the account decides by its own policies; the log and its reporters use it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html,
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html

    Args:
        account: whose key it is.
        log_group_prefix: how the names of the log groups begin.
    """
    groups = account.arn("logs", f"log-group:{log_group_prefix}*")
    root = account.arn("iam", "root", region="")
    return document(
        {**allow("Account", ["kms:*"], ["*"]), "Principal": {"AWS": root}},
        {
            **allow("Logs", [*KEY_USES, "kms:DescribeKey"], ["*"]),
            "Principal": {"Service": f"logs.{account.region}.amazonaws.com"},
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        },
        {
            **allow("Reports", ["kms:Decrypt", "kms:GenerateDataKey*"], ["*"]),
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
            "Condition": {"StringEquals": {"aws:SourceAccount": account.account_id}},
        },
    )


def flow_log_trust(account: Account) -> Document:
    """Who may take on the role of flow logs: the service, for flow logs of this account.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    source = account.arn("ec2", "vpc-flow-log/*")
    return trust("vpc-flow-logs.amazonaws.com", account, source)


def flow_log(log_group_arn: str) -> Document:
    """Write flow logs to one log group.

    Args:
        log_group_arn: without the trailing `:*`.
    """
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return document(
        allow("FindLog", ["logs:DescribeLogGroups"], ["*"]),
        allow("WriteLog", write, [log_group_arn, f"{log_group_arn}:*"]),
    )


def bucket(account: Account, name: str, statements: Sequence[Statement]) -> Document:
    """A bucket's policy: `statements`, and nothing over plain HTTP."""
    arn = account.arn("s3", name, region="", account_id="")
    plain_http = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return document(plain_http, *statements)


def access_log_delivery(account: Account, bucket_name: str) -> Statement:
    """Let load balancers of this account write their access logs.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    logs = f"{bucket_name}/AWSLogs/{account.account_id}/*"
    objects = account.arn("s3", logs, region="", account_id="")
    balancers = account.arn("elasticloadbalancing", "loadbalancer/*")
    return {
        **allow("AccessLogs", ["s3:PutObject"], [objects]),
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account.account_id},
            "ArnLike": {"aws:SourceArn": balancers},
        },
    }
