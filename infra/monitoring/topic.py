"""An SNS topic and its subscriptions."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.policies import pipeline


class Topic(pulumi.ComponentResource):
    """An SNS topic for the stack's own alarms and rules.

    Attributes:
        arn: the topic; whoever uses it waits for its policy.
    """

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        key_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Topic", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            f"{name}-topic",
            name=context.names.notifications,
            kms_master_key_id=key_arn,
            tags=dict(context.tags),
            opts=child,
        )
        arn = context.account.arn("sns", context.names.notifications)
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=json.dumps(pipeline.topic(context.account, arn, context.names.publishers)),
            opts=child,
        )
        for email in context.settings.notify_emails:
            aws.sns.TopicSubscription(
                f"{name}-to-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=child
            )
        self.arn = policy.arn
        self.register_outputs({"arn": self.arn})
