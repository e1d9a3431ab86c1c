"""The policy of the stack's KMS key: which services use it, and for what."""

from __future__ import annotations

from collections.abc import Sequence

from infra.account import Account
from infra.policies import statements

KEY_USES = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")
PUBLISHER_USES = ("kms:Decrypt", "kms:GenerateDataKey*")


def key(account: Account, log_groups: Sequence[str]) -> statements.Document:
    """A key's policy: the account decides by its own policies; the log and its reporters use it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html,
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html

    Args:
        account: whose key it is.
        log_groups: the names of the log groups, or patterns of them.
    """
    groups = [account.arn("logs", f"log-group:{each}") for each in log_groups]
    root = account.arn("iam", "root", region="")
    return statements.document(
        {**statements.allow("Account", ["kms:*"], ["*"]), "Principal": {"AWS": root}},
        {
            **statements.allow("Logs", [*KEY_USES, "kms:DescribeKey"], ["*"]),
            "Principal": {"Service": account.principal("logs")},
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": groups if groups[1:] else groups[0]
                }
            },
        },
        {
            **statements.allow("Alarms", PUBLISHER_USES, ["*"]),
            "Principal": {"Service": account.principal("cloudwatch")},
            "Condition": {"StringEquals": {"aws:SourceAccount": account.account_id}},
        },
        {
            # EventBridge tells no source, so that a condition would refuse it.
            **statements.allow("Events", PUBLISHER_USES, ["*"]),
            "Principal": {"Service": account.principal("events")},
        },
    )
