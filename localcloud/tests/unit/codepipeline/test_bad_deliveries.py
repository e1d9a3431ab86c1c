"""Deliveries that are anything: refused, or handled, and nothing starts unless it is signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from localcloud.codepipeline import webhooks
from localcloud.codepipeline.core import Core, Store
from localcloud.codepipeline.model import Webhook
from localcloud.codepipeline.webhook_deliveries import Deliveries
from localcloud.tests.unit.codepipeline.harness import (
    ACCOUNT,
    REGION,
    FakeEvents,
    pipeline,
    surroundings,
)
from localcloud.tests.unit.codepipeline.test_webhook_deliveries import (
    DEFINITION,
    TOKEN,
    runs,
    signed,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["ref", "deleted", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
BODIES = (
    st.binary(max_size=60)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.sampled_from([b"[" * 100_000, b"payload=%5B", b'{"ref": "\\ud800"}', b"9" * 5000])
)
WORDS = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(["X-GitHub-Delivery", "X-GitHub-Event", "X-Hub-Signature-256"]), WORDS
)
KINDS = st.sampled_from(["application/json", "application/x-www-form-urlencoded"]) | WORDS


@settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(["POST", "POST", "GET", "PUT"]), BODIES, HEADERS, KINDS, st.booleans(), WORDS
)
def test_any_delivery_is_answered(
    tmp_path: Path,
    method: str,
    body: bytes,
    headers: dict[str, str],
    kind: str,
    genuine: bool,
    token: str,
) -> None:
    core = Core(surroundings(tmp_path), Store(tmp_path), FakeEvents())  # type: ignore[arg-type]
    one = pipeline()
    core.state.pipelines = {one.arn: one}
    arn = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:webhook:hook"
    core.state.webhooks = {arn: Webhook(arn, "hook", DEFINITION, TOKEN)}
    sent: dict[str, Any] = {**headers, "Content-Type": kind}
    if genuine:
        sent["X-Hub-Signature-256"] = signed(body)
    answer = Client(Deliveries(core)).open(
        webhooks.PATH,
        method=method,
        query_string={"t": TOKEN if genuine else token},
        data=body,
        headers=sent,
    )
    assert answer.status_code in {200, 400, 401, 404, 405, 411}
    assert answer.get_json()["message"]
    if not genuine:
        assert runs(core) == 0
