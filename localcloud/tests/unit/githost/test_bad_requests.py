"""Requests to the Git host's API that are anything: an answer in words, never a failure of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from localcloud.githost.api import Api
from localcloud.githost.hooks import Hooks
from localcloud.githost.model import Store
from localcloud.shared.pushes import Pushes

ADDRESS = "http://127.0.0.1:9/"
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
NAMES = ("name", "private", "config", "url", "content_type", "secret", "events", "active", "state")
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
        | st.fixed_dictionaries({"url": st.just("http://a")}, optional={"secret": inner})
    ),
    max_leaves=8,
)
BODIES = st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode())
PATHS = st.sampled_from(
    [
        "/user/repos",
        "/repos/a/b",
        "/repos/a/b/hooks",
        "/repos/a/b/hooks/1",
        "/repos/a/b/branches/main",
        "/repos/a/b/commits",
        "/repos/a/b/commits/main",
        f"/repos/a/b/statuses/{'0' * 40}",
    ]
) | st.binary(max_size=20).map(lambda raw: f"/repos/a/b/commits/{quote_from_bytes(raw)}")
QUERIES = st.dictionaries(
    st.sampled_from(["page", "per_page", "sha"]), st.text(max_size=12), max_size=2
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Api:
    """A Git host with one empty repository; no delivery leaves it, since it is not started."""
    folder: Path = tmp_path_factory.mktemp("githost")
    store = Store(folder)
    made = Api(store, Hooks(store, ADDRESS, Pushes()))
    made.create("a", "b")
    return made


@settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(["GET", "POST", "PATCH", "PUT"]), PATHS, BODIES, QUERIES)
@example("POST", "/repos/a/b/hooks", b'{"config": [{}]}', {})
@example("POST", "/repos/a/b/hooks", b'{"config": {"url": "http://a"}, "events": 5}', {})
@example("POST", "/repos/a/b/hooks", b'{"config": {"url": "http://a", "secret": 5}}', {})
@example("GET", f"/repos/a/b/hooks/{'9' * 5000}", b"", {})
@example("GET", "/repos/a/b/commits/%00", b"", {})
@example("GET", "/repos/a/b/commits", b"", {"sha": "\0", "page": "9" * 5000})
@example("POST", "/user/repos", b"[" * 100_000, {})
def test_any_request_is_answered(
    api: Api, method: str, path: str, body: bytes, query: dict[str, Any]
) -> None:
    text = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    request = EnvironBuilder(path, ADDRESS, text, method, data=body).get_request()
    answer = api.answer(request, request.path, "local")
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert answer.get_json()["message"]
