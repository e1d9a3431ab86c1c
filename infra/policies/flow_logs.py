"""What the network's flow logs write."""

from __future__ import annotations

from infra.account import Account
from infra.policies import statements


def flow_log_trust(account: Account) -> statements.Document:
    """Who may take on the role of flow logs: the service, for flow logs of this account.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    source = account.arn("ec2", "vpc-flow-log/*")
    return statements.trust("vpc-flow-logs", account, source)


def flow_log(log_group_arn: str) -> statements.Document:
    """Write flow logs to one log group.

    Args:
        log_group_arn: without the trailing `:*`.
    """
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return statements.document(
        statements.allow("FindLog", ["logs:DescribeLogGroups"], ["*"]),
        statements.allow("WriteLog", write, [log_group_arn, f"{log_group_arn}:*"]),
    )
