"""A failed or waiting pipeline is reported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class NotificationsArgs:
    """What is reported, and where.

    Attributes:
        physical_name: the beginning of names.
        pipeline_name: the pipeline.
        topic_arn: where it is reported.
        tags: of every resource.
    """

    physical_name: str
    pipeline_name: str
    topic_arn: pulumi.Input[str]
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
    """The rules that publish at a topic."""

    def __init__(
        self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Notifications", name, None, opts)
        self._name, self._args = name, args
        for what in EVENTS:
            aws.cloudwatch.EventTarget(
                f"{name}-{what}-target",
                rule=self._rule(what).name,
                target_id="topic",
                arn=args.topic_arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})

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
