"""The policies of buckets."""

from __future__ import annotations

from collections.abc import Sequence

from infra.account import Account
from infra.policies import statements


def bucket(
    account: Account, name: str, further: Sequence[statements.Statement]
) -> statements.Document:
    """A bucket's policy: `further` statements, and nothing over plain HTTP."""
    arn = account.arn("s3", name, region="", account_id="")
    plain_http = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return statements.document(plain_http, *further)


def access_log_delivery(account: Account, bucket_name: str) -> statements.Statement:
    """Let load balancers of this account write their access logs.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    logs = f"{bucket_name}/AWSLogs/{account.account_id}/*"
    objects = account.arn("s3", logs, region="", account_id="")
    balancers = account.arn("elasticloadbalancing", "loadbalancer/*")
    return {
        **statements.allow("AccessLogs", ["s3:PutObject"], [objects]),
        "Principal": {"Service": account.principal("logdelivery.elasticloadbalancing")},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account.account_id},
            "ArnLike": {"aws:SourceArn": balancers},
        },
    }
