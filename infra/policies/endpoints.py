"""The AWS services that tasks call, and their endpoints' policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.account import Account
from infra.policies import statements, tasks


@dataclass(frozen=True)
class Uses:
    """What a task reads, writes and opens.

    Attributes:
        repository_arns: it pulls its image from there.
        log_group_arn: it writes its log there.
        preview_log_arn: tasks of previews write theirs there, a pattern.
        secret_arns: it reads these secrets and parameters.
        session_log_arn: sessions are logged there; None where there are none.
        key_arn: the key of sessions; None for TLS alone.
        queue_arns: the queues of processes.
    """

    repository_arns: Sequence[str]
    log_group_arn: str
    preview_log_arn: str
    secret_arns: Sequence[str]
    session_log_arn: str | None
    key_arn: str | None
    queue_arns: Sequence[str] = ()


def interface_services(
    secret_arns: Sequence[str], sessions: bool, key: bool, queues: bool = False
) -> list[str]:
    """The services that need an interface endpoint, by the last part of their names."""
    return [
        "ecr.api",
        "ecr.dkr",
        "logs",
        *tasks.read_secrets(secret_arns),
        *(["ssmmessages"] if sessions else []),
        *(["kms"] if sessions and key else []),
        *(["sqs"] if queues else []),
    ]


def endpoint_policy(service: str, uses: Uses, account: Account) -> statements.Document:
    """The policy of one interface endpoint: what tasks call there, for this account alone."""
    sessions = []
    if uses.session_log_arn is not None:
        sessions = tasks.session_log(uses.session_log_arn)
    allowed = {
        "ecr.api": tasks.pull(uses.repository_arns),
        "ecr.dkr": tasks.pull(uses.repository_arns),
        "logs": [*tasks.log([uses.log_group_arn, uses.preview_log_arn]), *sessions],
        "ssmmessages": [tasks.sessions()],
        "kms": [tasks.session_key(uses.key_arn)] if uses.key_arn else [],
        "sqs": tasks.use_queues(uses.queue_arns),
        **tasks.read_secrets(uses.secret_arns),
    }
    return within(account.account_id, allowed[service])


def within(account_id: str, rows: Sequence[statements.Statement]) -> statements.Document:
    """An endpoint's policy: the statements for the principals of one account."""
    own = {"StringEquals": {"aws:PrincipalAccount": account_id}}
    return statements.document(
        *({**row, "Principal": {"AWS": "*"}, "Condition": own} for row in rows)
    )


def image_layers(account: Account) -> statements.Document:
    """The policy of S3's endpoint: read the layers of ECR's images, and nothing else.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms
    """
    bucket = account.arn(
        "s3", f"prod-{account.region}-starport-layer-bucket/*", region="", account_id=""
    )
    return statements.document(
        {**statements.allow("Layers", ["s3:GetObject"], [bucket]), "Principal": {"AWS": "*"}}
    )
