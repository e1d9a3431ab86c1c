"""Deliveries: signed, new, of the tracked branch; each with its status and one line of the log."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client, TestResponse

from localcloud.codepipeline import webhook_deliveries, webhooks
from localcloud.codepipeline.core import Core, Store
from localcloud.codepipeline.model import Webhook
from localcloud.codepipeline.webhook_deliveries import Deliveries
from localcloud.shared.service import ServiceError
from localcloud.tests.unit.codepipeline.harness import (
    ACCOUNT,
    KEY,
    REGION,
    FakeEvents,
    call,
    pipeline,
    surroundings,
)

TOKEN = "the-token-of-the-address"
DEFINITION = {
    "name": "hook",
    "targetPipeline": "release",
    "targetAction": "Source",
    "filters": [
        {"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"},
        {"jsonPath": "$.deleted", "matchEquals": "false"},
    ],
    "authentication": "GITHUB_HMAC",
    "authenticationConfiguration": {"SecretToken": KEY},
}
MAIN = {"ref": "refs/heads/main", "deleted": False}
DEEP = b'{"ref":' * 100_000 + b"1" + b"}" * 100_000


@pytest.fixture
def core(tmp_path: Path) -> Core:
    """A pipeline with a webhook."""
    made = Core(surroundings(tmp_path), Store(tmp_path), FakeEvents())  # type: ignore[arg-type]
    one = pipeline()
    made.state.pipelines[one.arn] = one
    arn = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:webhook:hook"
    made.state.webhooks[arn] = Webhook(arn, "hook", DEFINITION, TOKEN)
    return made


def signed(body: bytes, key: str = KEY) -> str:
    return f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"


def post(core: Core, payload: Any = MAIN, identifier: str = "d-1", **extra: Any) -> TestResponse:
    body = extra.pop("body", None) or json.dumps(payload).encode()
    headers = {
        "X-GitHub-Delivery": identifier,
        "X-GitHub-Event": extra.pop("event", "push"),
        "X-Hub-Signature-256": extra.pop("signature", None) or signed(body),
        "Content-Type": extra.pop("kind", "application/json"),
    }
    chosen = {name: text for name, text in headers.items() if text != "-"}
    path = f"{webhooks.PATH}?t={extra.pop('token', TOKEN)}&v=1"
    return Client(Deliveries(core)).post(path, data=body, headers=chosen)


def runs(core: Core) -> int:
    return sum(len(one.executions) for one in core.state.pipelines.values())


def test_a_signed_push_of_the_branch_starts_the_pipeline(core: Core) -> None:
    assert post(core).status_code == 200
    assert runs(core) == 1
    execution = next(iter(core.state.pipelines.values())).executions[0]
    assert (execution.trigger_type, execution.source_revisions) == ("Webhook", {})


REFUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "forged": (401, {"signature": signed(json.dumps(MAIN).encode(), "another key")}),
    "of another body": (401, {"signature": signed(b"{}")}),
    "without a signature": (401, {"signature": "-"}),
    "with SHA-1 only": (401, {"signature": "sha1=abc"}),
    "with words as signature": (401, {"signature": "é"}),
    "to another address": (404, {"token": "another"}),
    "of another branch": (200, {"payload": {"ref": "refs/heads/other"}}),
    "of a tag": (200, {"payload": {"ref": "refs/tags/main"}}),
    "of a deleted branch": (200, {"payload": {**MAIN, "deleted": True}}),
    "without a ref": (200, {"payload": {}}),
    "a ping": (200, {"event": "ping"}),
    "no JSON": (400, {"body": b"{"}),
    "a JSON list": (400, {"payload": [1]}),
    "nested deeply": (400, {"body": DEEP}),
    "nested deeply in a form": (
        400,
        {
            "body": urlencode({"payload": DEEP.decode()}).encode(),
            "kind": "application/x-www-form-urlencoded",
        },
    ),
    "without an id": (400, {"identifier": "-"}),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_starts_nothing(kind: str, core: Core, caplog: pytest.LogCaptureFixture) -> None:
    status, extra = REFUSED[kind]
    with caplog.at_level(logging.INFO, "localcloud.codepipeline"):
        assert post(core, **extra).status_code == status
    assert runs(core) == 0
    assert len(caplog.records) == 1
    assert f": {status} " in caplog.records[0].getMessage()
    assert KEY not in caplog.text


def test_a_repeated_delivery_is_handled_once(core: Core) -> None:
    assert [post(core).status_code for _ in range(3)] == [200, 200, 200]
    assert runs(core) == 1
    post(core, identifier="d-2")
    assert runs(core) == 2


def test_an_unsigned_delivery_takes_no_id(core: Core) -> None:
    post(core, signature="-")
    post(core)
    assert runs(core) == 1


def test_ids_outlive_a_restart(core: Core, tmp_path: Path) -> None:
    post(core)
    again = Core(surroundings(tmp_path), Store(tmp_path), FakeEvents())  # type: ignore[arg-type]
    post(again)
    assert runs(again) == 1


def test_a_large_body_is_refused(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_deliveries, "LARGEST_BODY_BYTES", 100)
    assert post(core, {"ref": "refs/heads/main", "filler": "x" * 100}).status_code == 413
    assert runs(core) == 0


def test_a_form_is_read(core: Core) -> None:
    body = urlencode({"payload": json.dumps(MAIN)}).encode()
    answer = post(core, body=body, kind="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert runs(core) == 1


def test_other_methods_are_refused(core: Core) -> None:
    assert Client(Deliveries(core)).get(f"{webhooks.PATH}?t={TOKEN}").status_code == 405


def test_a_pipeline_that_is_gone(core: Core) -> None:
    core.state.pipelines.clear()
    assert post(core).status_code == 404


def test_addresses_and_secrets(core: Core) -> None:
    """PutWebhook keeps the address of a webhook, and tells no secret."""
    first = webhooks.put(core, call("PutWebhook", webhook=DEFINITION))["webhook"]
    assert f"t={TOKEN}&" in first["url"]
    assert first["definition"]["authenticationConfiguration"] == {"SecretToken": "****"}
    listed = webhooks.list_all(core, call("ListWebhooks"))["webhooks"]
    assert KEY not in str(listed)


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "no such pipeline": ("PipelineNotFoundException", {"targetPipeline": "none"}),
    "no such action": ("ValidationException", {"targetAction": "Build"}),
    "no secret": (
        "InvalidWebhookAuthenticationParametersException",
        {"authenticationConfiguration": {}},
    ),
    "a range that is none": (
        "InvalidWebhookAuthenticationParametersException",
        {"authentication": "IP", "authenticationConfiguration": {"AllowedIPRange": "x"}},
    ),
    "no filter": ("ValidationException", {"filters": []}),
    "a path that is not followed": (
        "InvalidWebhookFilterPatternException",
        {"filters": [{"jsonPath": "$..ref"}]},
    ),
    "a variable that is none": (
        "InvalidWebhookFilterPatternException",
        {"filters": [{"jsonPath": "$.ref", "matchEquals": "{Nothing}"}]},
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_put_refuses(what: str, core: Core) -> None:
    code, members = WRONG[what]
    with pytest.raises(ServiceError) as refused:
        webhooks.put(core, call("PutWebhook", webhook={**DEFINITION, **members}))
    assert refused.value.code == code


def test_delete_is_repeatable(core: Core) -> None:
    for _ in range(2):
        webhooks.delete(core, call("DeleteWebhook", name="hook"))
    assert post(core).status_code == 404
