"""Reports a failed or waiting pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from infra.context import Context

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
        self,
        name: str,
        context: Context,
        topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Notifications", name, None, opts)
        self._name, self._context = name, context
        for what in EVENTS:
            aws.cloudwatch.EventTarget(
                f"{name}-{what}-target",
                rule=self._rule(what).name,
                target_id="topic",
                arn=topic_arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})

    def _rule(self, what: str) -> aws.cloudwatch.EventRule:
        kind, detail = EVENTS[what]
        pattern = {
            "source": ["aws.codepipeline"],
            "detail-type": [kind],
            "detail": {"pipeline": [self._context.names.pipeline], **detail},
        }
        return aws.cloudwatch.EventRule(
            f"{self._name}-{what}",
            name=f"{self._context.names.notifications}-{what}",
            description=f"The pipeline {self._context.names.pipeline} is {what}",
            event_pattern=json.dumps(pattern),
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
