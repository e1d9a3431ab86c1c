"""Which AWS services tasks call, and the policies of the endpoints that lead there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.account import Account
from infra.policies import statements as policies


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
    """

    repository_arns: Sequence[str]
    log_group_arn: str
    preview_log_arn: str
    secret_arns: Sequence[str]
    session_log_arn: str | None
    key_arn: str | None


def interface_services(secret_arns: Sequence[str], sessions: bool, key: bool) -> list[str]:
    """The services that need an interface endpoint, by the last part of their names."""
    return [
        "ecr.api",
        "ecr.dkr",
        "logs",
        *policies.read_secrets(secret_arns),
        *(["ssmmessages"] if sessions else []),
        *(["kms"] if sessions and key else []),
    ]


def endpoint_policy(service: str, uses: Uses, account: Account) -> policies.Document:
    """The policy of one interface endpoint: what tasks call there, for this account alone."""
    sessions = []
    if uses.session_log_arn is not None:
        sessions = policies.session_log(uses.session_log_arn)
    statements = {
        "ecr.api": policies.pull(uses.repository_arns),
        "ecr.dkr": policies.pull(uses.repository_arns),
        "logs": [*policies.log([uses.log_group_arn, uses.preview_log_arn]), *sessions],
        "ssmmessages": [policies.sessions()],
        "kms": [policies.session_key(uses.key_arn)] if uses.key_arn else [],
        **policies.read_secrets(uses.secret_arns),
    }
    return policies.within(account.account_id, statements[service])
