"""The command that removes a resource, by its ARN."""

from __future__ import annotations

import re

REMOVALS: tuple[tuple[str, str], ...] = (
    (r"arn:[^:]+:s3:::(?P<name>.+)", "aws s3 rb --force s3://{name}"),
    (r".*:sns:.*", "aws sns delete-topic --topic-arn {arn}"),
    (r".*:codebuild:.*:project/(?P<name>.+)", "aws codebuild delete-project --name {name}"),
    (r".*:codepipeline:.*:webhook:(?P<name>.+)", "aws codepipeline delete-webhook --name {name}"),
    (r".*:codepipeline:[^:]*:[^:]*:(?P<name>.+)", "aws codepipeline delete-pipeline --name {name}"),
    (
        r".*:events:.*:rule/(?P<name>.+)",
        "aws events delete-rule --force --name {name} (its targets first: remove-targets)",
    ),
    (
        r".*:kms:.*:key/(?P<name>.+)",
        "aws kms schedule-key-deletion --pending-window-in-days 7 --key-id {name}",
    ),
    (r".*:cloudwatch:.*:alarm:(?P<name>.+)", "aws cloudwatch delete-alarms --alarm-names {name}"),
    (r".*:acm:.*", "aws acm delete-certificate --certificate-arn {arn}"),
    (
        r".*:codestar-notifications:.*",
        "aws codestar-notifications delete-notification-rule --arn {arn}",
    ),
)
"""An ARN → the command that removes it."""


def removal(arn: str) -> str:
    """The command that removes a resource that is found by its tags alone."""
    for pattern, command in REMOVALS:
        if found := re.fullmatch(pattern, arn):
            return command.format(arn=arn, **found.groupdict())
    service = arn.split(":")[2]
    return f"find its delete command with `aws {service} help`"
