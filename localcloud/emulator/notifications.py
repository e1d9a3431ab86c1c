"""Who is told of an event: EventBridge's rules with topics as targets, and e-mails of topics.

The emulator matches events with rules and sends them to queues and log groups, but not to topics;
and a topic's e-mails have nowhere to go on a laptop, so each is a line of the local cloud's log
(`run.py local logs`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.events.models import Rule
from moto.events.utils import EventTemplateParser

from localcloud.emulator.emulator import Emulator, backends
from localcloud.iam.directory import parsed
from localcloud.iam.evaluation import Caller, Policies, Request, evaluate
from localcloud.shared.service import Call, Service

log = logging.getLogger("localcloud.emulator.notifications")

EVENTS = "events.amazonaws.com"
ADDRESSES = frozenset({"email", "email-json"})
MESSAGE_SHOWN = 600


def send_to_topics() -> None:
    """Let the emulator's rules send to topics as well, which it refuses to.

    A rule that is disabled sends nothing, see
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
    """
    if getattr(Rule.send_to_targets, "knows_topics", False):
        return
    emulated = Rule.send_to_targets

    def send(self: Rule, original_event: Any, transform_input: bool = True) -> None:
        if self.state == "DISABLED":
            return
        all_targets = self.targets
        topics = [target for target in all_targets if ":sns:" in target["Arn"]]
        self.targets = [target for target in all_targets if target not in topics]
        try:
            emulated(self, original_event, transform_input)
        finally:
            self.targets = all_targets
        if topics and self.event_pattern.matches_event(original_event):
            for target in topics:
                publish(
                    self.account_id,
                    self.region_name,
                    target["Arn"],
                    _message(target, original_event),
                )

    send.knows_topics = True  # type: ignore[attr-defined]
    Rule.send_to_targets = send  # type: ignore[method-assign]


class TopicNotices(Service):
    """SNS: what is published is e-mailed to a topic's addresses, which is a line of the log."""

    name = "sns"
    emulated = True

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator
        self.after: dict[str, Callable[[Call, Mapping[str, Any]], None]] = {"Publish": self._mail}

    def _mail(self, call: Call, _answer: Mapping[str, Any]) -> None:
        arn = call.input.get("TopicArn") or call.input.get("TargetArn")
        if arn:
            with self._emulator.lock:
                mail(
                    call.account, call.region, arn, call.input.get("Subject"), call.input["Message"]
                )


def publish(account: str, region: str, topic: str, message: str) -> None:
    """Hand a message to a topic's subscribers; a topic that is gone gets nothing, as on AWS."""
    sns = backends("sns")[account][region]
    if topic not in sns.topics:
        log.warning("an event was meant for the topic %s, which does not exist", topic)
        return
    refused = _refusal(sns.topics[topic], account, region)
    if refused:
        log.warning("denied: %s may not tell the topic %s: %s", EVENTS, topic, refused)
        return
    sns.topics[topic].publish(message)
    mail(account, region, topic, None, message)


def _refusal(topic: Any, account: str, region: str) -> str:
    """Why EventBridge may not publish: the topic's policy, or that of the key that encrypts it."""
    policies = [("sns:Publish", topic.arn, topic.policy)]
    if topic.kms_master_key_id:
        key = backends("kms")[account][region].describe_key(topic.kms_master_key_id)
        policies += [
            (f"kms:{verb}", key.arn, key.policy) for verb in ("GenerateDataKey", "Decrypt")
        ]
    for action, arn, text in policies:
        request = Request(Caller(service=EVENTS), action, arn, _told)
        own = parsed(f"policy of {arn}", text, "resource")
        decision = evaluate(request, Policies(resource=own, resource_decides=True))
        if not decision.allowed:
            return f"{action}: {decision.nearest or decision.statement}"
    return ""


def _told(key: str) -> list[str] | None:
    """EventBridge tells neither SNS nor KMS an account or a rule, so that conditions on them fail.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions,
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return ["true"] if key.lower() == "aws:securetransport" else None


def mail(account: str, region: str, topic: str, subject: str | None, message: str) -> None:
    """Say in the log which e-mails AWS would send."""
    for subscription in list(backends("sns")[account][region].subscriptions.values()):
        if subscription.topic.arn == topic and subscription.protocol in ADDRESSES:
            words = subject or "AWS Notification Message"
            log.info("e-mail to %s: %s: %s", subscription.endpoint, words, message[:MESSAGE_SHOWN])


def _message(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""
    if target.get("Input"):
        return str(target["Input"])
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps({**event, "time": _iso(event["time"])})
    parsed = EventTemplateParser.parse(
        input_template=transformer["InputTemplate"],
        input_paths_map=transformer.get("InputPathsMap", {}),
        event=event,  # type: ignore[arg-type]
    )
    return parsed if isinstance(parsed, str) else json.dumps(parsed)


def _iso(moment: Any) -> str:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(moment)
