"""Who hears of a failed or waiting pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra import pipeline_policies
from infra.account import Account


@dataclass(frozen=True)
class NotificationsArgs:
    """What is reported, to whom.

    Attributes:
        physical_name: the beginning of names.
        account: where the pipeline is.
        pipeline_name: its name.
        emails: who is written to, once each has confirmed.
        tags: of every resource.
    """

    physical_name: str
    account: Account
    pipeline_name: str
    emails: Sequence[str]
    tags: Mapping[str, str]


EVENTS: Mapping[str, tuple[str, dict[str, object]]] = {
    "failed": ("CodePipeline Pipeline Execution State Change", {"state": ["FAILED"]}),
    "waiting": (
        "CodePipeline Action Execution State Change",
        {"state": ["STARTED"], "type": {"category": ["Approval"]}},
    ),
}
"""https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html"""


class Notifications(pulumi.ComponentResource):
    """A topic with its subscribers, and the rules that publish there."""

    def __init__(
        self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Notifications", name, None, opts)
        self._name, self._args = name, args
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            f"{name}-topic", name=args.physical_name, tags=dict(args.tags), opts=child
        )
        rules = {what: self._rule(what) for what in EVENTS}
        arns = pulumi.Output.all(*(rule.arn for rule in rules.values()))
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(topic.arn, arns).apply(
                    lambda known: pipeline_policies.topic(args.account, known[0], known[1])
                )
            ),
            opts=child,
        )
        for what, rule in rules.items():
            aws.cloudwatch.EventTarget(
                f"{name}-{what}-target",
                rule=rule.name,
                target_id="topic",
                arn=topic.arn,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )
        for email in args.emails:
            aws.sns.TopicSubscription(
                f"{name}-to-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=child
            )
        self.register_outputs({"topic": topic.arn})

    def _rule(self, what: str) -> aws.cloudwatch.EventRule:
        kind, detail = EVENTS[what]
        pattern = {
            "source": ["aws.codepipeline"],
            "detail-type": [kind],
            "detail": {"pipeline": [self._args.pipeline_name], **detail},
        }
        return aws.cloudwatch.EventRule(
            f"{self._name}-{what}",
            name=f"{self._args.physical_name}-{what}",
            description=f"The pipeline {self._args.pipeline_name} is {what}",
            event_pattern=json.dumps(pattern),
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
