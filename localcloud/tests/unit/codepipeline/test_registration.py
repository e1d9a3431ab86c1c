"""A webhook that CodePipeline registers itself, against the real local Git host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from localcloud.codepipeline import webhooks
from localcloud.codepipeline.core import Core, Store
from localcloud.githost import GitHost
from localcloud.server.serving import listen
from localcloud.shared.service import ServiceError
from localcloud.tests.unit.codepipeline.harness import KEY, FakeEvents, call, pipeline, surroundings

DEFINITION = {
    "name": "hook",
    "targetPipeline": "release",
    "targetAction": "Source",
    "filters": [{"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"}],
    "authentication": "GITHUB_HMAC",
    "authenticationConfiguration": {"SecretToken": KEY},
}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A pipeline with a webhook, beside a Git host that has its repository."""
    bound = listen("127.0.0.1", 0)
    port = bound.getsockname()[1]
    bound.close()
    around = replace(surroundings(tmp_path), git_host_url=f"http://127.0.0.1:{port}/")
    host = GitHost(around)
    host.start()
    made = Core(around, Store(tmp_path), FakeEvents())  # type: ignore[arg-type]
    one = pipeline()
    made.state.pipelines[one.arn] = one
    webhooks.put(made, call("PutWebhook", webhook=DEFINITION))
    requests.post(f"{repositories(made)}/orgs/acme/repos", json={"name": "hello"}, timeout=30)
    yield made
    host.stop()


def repositories(core: Core) -> str:
    return f"{core.surroundings.git_host_url}api/v3"


def hooks(core: Core) -> list[dict[str, Any]]:
    answer = requests.get(f"{repositories(core)}/repos/acme/hello/hooks", timeout=30)
    return list(answer.json())


def test_it_is_registered_and_taken_away(core: Core) -> None:
    named = {"webhookName": "hook"}
    webhooks.register(core, call("RegisterWebhookWithThirdParty", **named))
    [hook] = hooks(core)
    assert hook["events"] == ["push"]
    assert hook["config"]["url"].startswith(f"{core.surroundings.api_url}{webhooks.PATH}?t=")
    for _ in range(2):
        webhooks.deregister(core, call("DeregisterWebhookWithThirdParty", **named))
    assert hooks(core) == []


def test_refusals(core: Core) -> None:
    with pytest.raises(ServiceError) as refused:
        webhooks.register(core, call("RegisterWebhookWithThirdParty", webhookName="x"))
    assert refused.value.code == "WebhookNotFoundException"
    requests.delete(f"{repositories(core)}/repos/acme/hello", timeout=30)
    with pytest.raises(ServiceError, match="answered 404"):
        webhooks.register(core, call("RegisterWebhookWithThirdParty", webhookName="hook"))
