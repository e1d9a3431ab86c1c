"""A topic, and who hears of what is published there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.account import Account
from infra.policies import pipeline


@dataclass(frozen=True)
class TopicArgs:
    """Who publishes and who listens.

    Attributes:
        physical_name: its name.
        account: where it is.
        publishers: how the names of the alarms and EventBridge rules that publish begin.
        emails: who is written to, once each has confirmed.
        key_arn: encrypts messages at rest; None for the disks' own encryption.
        tags: of every resource.
    """

    physical_name: str
    account: Account
    publishers: str
    emails: Sequence[str]
    key_arn: pulumi.Input[str] | None
    tags: Mapping[str, str]


class Topic(pulumi.ComponentResource):
    """An SNS topic for the stack's own alarms and rules.

    Attributes:
        arn: the topic; whoever uses it waits for its policy.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: TopicArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Topic", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            f"{name}-topic",
            name=args.physical_name,
            kms_master_key_id=args.key_arn,
            tags=dict(args.tags),
            opts=child,
        )
        arn = args.account.arn("sns", args.physical_name)
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=json.dumps(pipeline.topic(args.account, arn, args.publishers)),
            opts=child,
        )
        for email in args.emails:
            aws.sns.TopicSubscription(
                f"{name}-to-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=child
            )
        self.arn = policy.arn
        self.register_outputs({"arn": self.arn})
