"""`doctor` says which form the subjects of the repository's tokens have, and what to set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from automation.preflight.github_subjects import judged, subjects
from infra.settings.model import Settings

REPOSITORY = {"full_name": "octo/shop", "id": 22, "owner": {"id": 11}}
NAMES = {"use_default": True, "use_immutable_subject": False}
IDS = {"use_default": True, "use_immutable_subject": True}
OWN = {"use_default": False, "include_claim_keys": ["repo", "job_workflow_ref"]}


def settings(**more: Any) -> Settings:
    named = {"github_owner": "octo", "github_repository": "shop", "github_actions": True}
    return Settings.parse({**named, **more})


@pytest.mark.parametrize(
    ("form", "ids", "good", "words"),
    [
        (NAMES, (0, 0), True, "Before you rename or transfer it"),
        (NAMES, (11, 22), True, "names, without ids"),
        (IDS, (0, 0), False, "github_owner_id: 11 and fargate-cd:github_repository_id: 22"),
        (IDS, (11, 22), True, "repo:octo@11/shop@22"),
        (IDS, (11, 23), False, "the ids 11 and 23, which are not this one's"),
        (OWN, (11, 22), False, "use_default=true"),
    ],
)
def test_what_the_repository_sends_is_held_against_what_is_trusted(
    form: dict[str, Any], ids: tuple[int, int], good: bool, words: str
) -> None:
    given = settings(github_owner_id=ids[0], github_repository_id=ids[1])
    check = judged(given, REPOSITORY, form)
    assert check.good is good
    assert words in f"{check.found} {check.remedy}"


def test_another_spelling_is_told_since_trust_compares_letters() -> None:
    check = judged(settings(), {**REPOSITORY, "full_name": "Octo/shop"}, NAMES)
    assert check.good is False
    assert "fargate-cd:github_owner: Octo" in check.remedy


class Github(BaseHTTPRequestHandler):
    """Two addresses of GitHub's API."""

    def do_GET(self) -> None:
        body = IDS if self.path.endswith("/customization/sub") else REPOSITORY
        known = self.headers["Authorization"] == "Bearer hush"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Github)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_github_is_asked_with_the_users_token(api: str) -> None:
    check = subjects(settings(), {"GH_TOKEN": "hush", "GITHUB_API_URL": api})
    assert check.good is False
    assert "repo:octo@11/shop@22" in check.found


def test_what_github_does_not_tell_is_no_fault(api: str) -> None:
    refused = subjects(settings(), {"GITHUB_TOKEN": "other", "GITHUB_API_URL": api})
    assert refused.good is None
    assert "404" in refused.found
    unasked = subjects(settings(), {})
    assert unasked.good is None
    assert "gh api repos/octo/shop/actions/oidc/customization/sub" in unasked.remedy
