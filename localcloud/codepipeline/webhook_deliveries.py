"""Deliveries: what the Git host posts to a webhook's address.

A delivery starts its pipeline when it is signed, new, and on the tracked branch. Each one leaves
one line in the log, and an answer that the Git host keeps with it.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from werkzeug.wrappers import Request, Response

from localcloud.codepipeline import lifecycle
from localcloud.codepipeline.core import Core
from localcloud.codepipeline.model import KEPT_DELIVERIES, Pipeline, Webhook
from localcloud.codepipeline.pipelines import defaults
from localcloud.codepipeline.webhooks import VARIABLE, source_action

log = logging.getLogger("localcloud.codepipeline")

STARTED_BY_WEBHOOK = "Webhook"
LARGEST_BODY_BYTES = 25 * 1024 * 1024
"""GitHub's own cap: https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap"""
MOST_DISCARDED_BYTES = 4 * LARGEST_BODY_BYTES
CHUNK = 1 << 16


@dataclass(frozen=True)
class Verdict:
    """What became of a delivery.

    Attributes:
        status: the HTTP status.
        words: for the answer and the log.
    """

    status: int
    words: str


@dataclass(frozen=True)
class Deliveries:
    """The WSGI application behind webhooks' addresses.

    Args:
        core: the state.
    """

    core: Core

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one delivery, and log it in one line."""
        request = Request(environ)
        token = request.args.get("t", "")
        delivery = request.headers.get("X-GitHub-Delivery", "")
        with self.core.lock:
            webhook = self._webhook(token)
        verdict = self._judge(request, webhook, delivery)
        level = logging.INFO if verdict.status < 400 else logging.WARNING
        text = "webhook %s: delivery %s of %s from %s: %d %s"
        name = webhook.name if webhook else "(unknown)"
        event = request.headers.get("X-GitHub-Event", "-")
        told = (_plain(delivery) or "-", _plain(event), request.remote_addr)
        log.log(level, text, name, *told, verdict.status, verdict.words)
        answer = Response(
            json.dumps({"message": verdict.words}),
            verdict.status,
            content_type="application/json",
        )
        return answer(environ, start_response)

    def _webhook(self, token: str) -> Webhook | None:
        for webhook in list(self.core.state.webhooks.values()):
            if hmac.compare_digest(webhook.token.encode(), token.encode()):
                return webhook
        return None

    def _judge(self, request: Request, webhook: Webhook | None, delivery: str) -> Verdict:
        body = _body(request)
        if isinstance(body, Verdict):
            return body
        if request.method != "POST":
            return Verdict(405, "use POST")
        if webhook is None:
            return Verdict(404, "no webhook has this address")
        if not _authentic(request, webhook, body):
            return Verdict(401, "the signature is missing or wrong")
        if request.headers.get("X-GitHub-Event") == "ping":
            return Verdict(200, "pong")
        payload = _payload(request, body)
        if payload is None:
            return Verdict(400, "the body is no JSON object, or nested too deeply")
        return self._handle(webhook, payload, delivery)

    def _handle(self, webhook: Webhook, payload: Mapping[str, Any], delivery: str) -> Verdict:
        """Once for each delivery id: note it, and start the pipeline if the filters match."""
        with self.core.change() as state:
            pipeline = self._pipeline(webhook)
            if state.webhooks.get(webhook.arn) is not webhook or pipeline is None:
                return Verdict(404, "the webhook's pipeline is gone")
            if not delivery:
                return Verdict(400, "the header X-GitHub-Delivery is missing")
            if delivery in webhook.deliveries:
                return Verdict(200, "this delivery was handled before; nothing was started")
            webhook.deliveries.append(delivery)
            del webhook.deliveries[:-KEPT_DELIVERIES]
            missed = _missed(webhook, pipeline, payload)
            if missed:
                return Verdict(200, f"nothing was started: {missed}")
            webhook.last_triggered = time.time()
            execution = lifecycle.begin(
                pipeline,
                (STARTED_BY_WEBHOOK, webhook.arn),
                self.core.events,
                defaults(pipeline.definition),
            )
        return Verdict(200, f"started execution {execution.id} of {pipeline.name}")

    def _pipeline(self, webhook: Webhook) -> Pipeline | None:
        prefix = webhook.arn.rpartition(":webhook:")[0]
        return self.core.state.pipelines.get(f"{prefix}:{webhook.definition['targetPipeline']}")


def _plain(text: str) -> str:
    """A header on one line of the log."""
    return "".join(c for c in text[:80] if c.isprintable())


def _body(request: Request) -> bytes | Verdict:
    """The body within its limit; what is beyond is read and thrown away, so that who sends it
    gets to read the answer."""
    length = request.content_length
    if length is None:
        return (
            b""
            if request.method != "POST"
            else Verdict(411, "the header Content-Length is missing")
        )
    if length <= LARGEST_BODY_BYTES:
        return request.stream.read()
    left = min(length, MOST_DISCARDED_BYTES)
    while left > 0 and (read := request.stream.read(min(CHUNK, left))):
        left -= len(read)
    return Verdict(413, f"the body has {length} bytes; at most {LARGEST_BODY_BYTES} are taken")


def _authentic(request: Request, webhook: Webhook, body: bytes) -> bool:
    settings = webhook.definition["authenticationConfiguration"]
    kind = webhook.definition["authentication"]
    if kind == "GITHUB_HMAC":
        key = settings["SecretToken"].encode()
        expected = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        sent = request.headers.get("X-Hub-Signature-256", "")
        return hmac.compare_digest(expected.encode(), sent.encode())
    if kind == "IP":
        allowed = ipaddress.ip_network(settings["AllowedIPRange"])
        sender = request.remote_addr
        return sender is not None and ipaddress.ip_address(sender) in allowed
    return True


def _payload(request: Request, body: bytes) -> dict[str, Any] | None:
    """The event, sent as JSON or as a form with the member `payload`."""
    text = body
    if request.mimetype == "application/x-www-form-urlencoded":
        text = parse_qs(body.decode(errors="replace")).get("payload", [""])[0].encode()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _missed(webhook: Webhook, pipeline: Pipeline, payload: Mapping[str, Any]) -> str:
    """Words for the first filter that does not match; empty when all do."""
    action = source_action(pipeline, webhook.definition["targetAction"])
    if action is None:
        return f"the pipeline has no source action {webhook.definition['targetAction']}"
    configuration = action.get("configuration", {})
    for one in webhook.definition["filters"]:
        found: Any = payload
        for name in one["jsonPath"].split(".")[1:]:
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None:
            return f"the event has no {one['jsonPath']}"
        if "matchEquals" not in one:
            continue
        wanted = VARIABLE.sub(lambda match: configuration.get(match[1], ""), one["matchEquals"])
        shown = found if isinstance(found, str) else json.dumps(found)
        if shown != wanted:
            return f"{one['jsonPath']} is {_plain(shown)}, not {wanted}"
    return ""
