"""Who may write the firewall's log."""

from __future__ import annotations

from infra.account import Account
from infra.policies import statements


def log_delivery(account: Account, group_name: str) -> statements.Document:
    """Let AWS's log delivery write into the one log group, for this account alone.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html

    Args:
        account: whose firewall.
        group_name: the log group.
    """
    streams = account.arn("logs", f"log-group:{group_name}:log-stream:*")
    return statements.document(
        {
            **statements.allow(
                "Delivery", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams]
            ),
            "Principal": {"Service": account.principal("delivery.logs")},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account.account_id},
                "ArnLike": {"aws:SourceArn": account.arn("logs", "*")},
            },
        }
    )
