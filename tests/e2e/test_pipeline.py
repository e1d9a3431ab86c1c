"""From `git push` to the new version, and what stops on the way.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.delivery.github_source import webhook_secret
from infra.names import Names
from tests.e2e.checkout import Checkout
from tests.e2e.pipeline_harness import (
    PIPELINE,
    Load,
    Pipeline,
    WorkingCopy,
    body,
    greeting,
    working_copy,
)

APPLICATION = "app/hello/application.py"
TOKEN = "a-token-of-the-test"
TRACKED = {"ref": "refs/heads/main", "deleted": False}
GITHUB = {"github_owner": "acme", "github_repository": "hello", "github_token": TOKEN}


@pytest.fixture(scope="module")
def created(checkout: Checkout) -> dict[str, Any]:
    """The document of the first `up`, of a stack with a pipeline."""
    tree = WorkingCopy(checkout.root, "")
    tree.git("init", "--quiet")
    tree.git("add", "app")
    tree.git("commit", "--quiet", "--message", "As it is at the first `up`")
    commands = ["test ! -e app/BROKEN", "python3 -m compileall app"]
    checkout.configure(**GITHUB, test_commands=commands)
    return checkout.json("up", "--stack", "local", "--yes")


@pytest.fixture(scope="module")
def pipeline(checkout: Checkout, created: dict[str, Any]) -> Pipeline:
    return Pipeline(checkout.client("codepipeline"))


@pytest.fixture(scope="module")
def copy(
    checkout: Checkout, created: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> WorkingCopy:
    """A developer's clone of the application."""
    folder: Path = tmp_path_factory.mktemp("developer") / "hello"
    return working_copy(folder, checkout, created["outputs"]["git_remote_url"], "app")


@pytest.fixture(scope="module")
def url(created: dict[str, Any]) -> str:
    return str(created["outputs"]["service_url"])


@pytest.fixture(scope="module")
def released(pipeline: Pipeline, copy: WorkingCopy, url: str) -> dict[str, Any]:
    """The first push, under load: its execution, and what the load saw."""
    before = next(line for line in body(url).splitlines() if line.startswith("commit: "))
    copy.edit(APPLICATION, "Hello World!", "Hello from a push!")
    with Load(url) as load:
        commit = copy.push("Greet from a push")
        execution = pipeline.wait_for(commit)
        deadline = time.monotonic() + 300
        while "Hello from a push!" not in load.bodies and time.monotonic() < deadline:
            time.sleep(0.2)
    return {
        "before": before.removeprefix("commit: "),
        "commit": commit,
        "execution": execution,
        "load": load,
    }


def test_up_has_the_pipelines_outputs(created: dict[str, Any]) -> None:
    assert created["result"] == "succeeded"
    assert created["outputs"].keys() >= {"pipeline_url", "git_remote_url", "webhook_url"}
    assert TOKEN not in json.dumps(created)


def test_nothing_changes_by_itself(checkout: Checkout, created: dict[str, Any]) -> None:
    assert created
    checkout.json("preview", "--stack", "local", "--expect-no-changes")


def test_a_push_and_nothing_else_releases(released: dict[str, Any], url: str) -> None:
    assert released["execution"]["status"] == "Succeeded"
    assert released["execution"]["trigger"]["triggerType"] == "Webhook"
    assert greeting(url) == "Hello from a push!"


def test_the_rollout_lost_no_request(released: dict[str, Any]) -> None:
    load: Load = released["load"]
    assert load.lost == []
    assert set(load.bodies) == {"Hello World!", "Hello from a push!"}


def test_the_release_is_told(
    checkout: Checkout, released: dict[str, Any], pipeline: Pipeline
) -> None:
    status = checkout.json("status", "--stack", "local")
    stages = {row["name"]: row["status"] for row in status["pipeline"]["stages"]}
    assert stages == dict.fromkeys(("Source", "Test", "Build", "Deploy"), "Succeeded")
    first, second = reversed(checkout.json("releases", "--stack", "local")["releases"])
    assert second["commit"] == released["commit"]
    assert first["commit"] == released["before"]
    assert all("@sha256:" in release["image"] for release in (first, second))
    built = pipeline.actions(released["execution"]["pipelineExecutionId"])["Build"]
    assert built["output"]["outputVariables"]["IMAGE_URI"] == second["image"]


def test_the_page_shows_the_stages(created: dict[str, Any], released: dict[str, Any]) -> None:
    answer = requests.get(created["outputs"]["pipeline_url"], timeout=30)
    assert answer.status_code == 200
    for stage in ("Source", "Test", "Build", "Deploy"):
        assert f'data-stage="{stage}" data-status="Succeeded"' in answer.text
    assert released["commit"][:8] in answer.text
    assert "imageUri" in answer.text, "the end of what the build printed"
    assert "Phase complete" not in answer.text


BROKEN = {
    "Test": ("app/BROKEN", "x", "test ! -e app/BROKEN"),
    "Build": ("app/Dockerfile", "FROM scratch\nRUN false\n", "docker build"),
    "Deploy": ("app/hello/__main__.py", "raise SystemExit('can not start')\n", "failed"),
}


@pytest.mark.parametrize("stage", BROKEN)
def test_what_is_broken_stops_there_and_the_old_version_serves(
    stage: str,
    checkout: Checkout,
    created: dict[str, Any],
    copy: WorkingCopy,
    pipeline: Pipeline,
    released: dict[str, Any],
    url: str,
) -> None:
    path, text, words = BROKEN[stage]
    with Load(url) as load:
        (copy.folder / path).write_text(text)
        execution = pipeline.wait_for(copy.push(f"Break {stage}"))
    copy.git("revert", "--no-edit", "HEAD")
    assert execution["status"] == "Failed"
    stopped, why = pipeline.failure(execution)
    assert stopped == stage
    assert words in why
    assert load.lost == []
    assert set(load.bodies) == {"Hello from a push!"}
    page = requests.get(created["outputs"]["pipeline_url"], timeout=30).text
    order = ("Source", "Test", "Build", "Deploy")
    for position, name in enumerate(order):
        run = "earlier" if position > order.index(stage) else "newest"
        assert re.search(f'data-stage="{name}" .* data-run="{run}"', page)
    told = checkout.json("status", "--stack", "local")["pipeline"]["stages"]
    assert {row["name"]: row["status"] for row in told}[stage] == "Failed"


def delivered(
    webhook: str, payload: dict[str, Any] | bytes, key: str | None, identifier: str = ""
) -> requests.Response:
    """What the Git host would post, perhaps signed with a key."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": identifier or str(uuid.uuid4()),
    }
    if key is not None:
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Hub-Signature-256"] = f"sha256={signature}"
    return requests.post(webhook, data=body, headers=headers, timeout=60)


def test_deliveries_that_start_nothing(
    checkout: Checkout,
    created: dict[str, Any],
    released: dict[str, Any],
    pipeline: Pipeline,
    copy: WorkingCopy,
) -> None:
    webhook, key = created["outputs"]["webhook_url"], webhook_secret(TOKEN, PIPELINE, 0)
    tracked, other = TRACKED, {**TRACKED, "ref": "refs/heads/other"}
    large = {**TRACKED, "filler": "x" * 26 * 1024 * 1024}
    nested = b'{"ref":' * 100_000 + b"1" + b"}" * 100_000
    before = len(pipeline.executions())
    expected = {
        "forged": (401, delivered(webhook, tracked, "another key", "forged")),
        "unsigned": (401, delivered(webhook, tracked, None, "unsigned")),
        "other-branch": (200, delivered(webhook, other, key, "other-branch")),
        "deletion": (200, delivered(webhook, {**TRACKED, "deleted": True}, key, "deletion")),
        "nested": (400, delivered(webhook, nested, key, "nested")),
        "other-address": (
            404,
            delivered(webhook.replace("t=", "t=x"), tracked, key, "other-address"),
        ),
        "too-large": (413, delivered(webhook, large, key, "too-large")),
    }
    copy.push("Work on a branch", branch="other")
    assert {name: answer.status_code for name, (_, answer) in expected.items()} == {
        name: status for name, (status, _) in expected.items()
    }
    assert len(pipeline.executions()) == before
    log = (checkout.state_dir / "localcloud.log").read_text().splitlines()
    for name, (status, _) in expected.items():
        lines = [line for line in log if f"delivery {name} " in line]
        assert len(lines) == 1, lines
        assert f": {status} " in lines[0]


def test_a_repeated_delivery_is_handled_once(
    created: dict[str, Any], released: dict[str, Any], pipeline: Pipeline, url: str
) -> None:
    webhook, identifier = created["outputs"]["webhook_url"], str(uuid.uuid4())
    key, before = webhook_secret(TOKEN, PIPELINE, 0), len(pipeline.executions())
    for _ in range(3):
        assert delivered(webhook, TRACKED, key, identifier).status_code == 200
    newest, *older = pipeline.executions()
    assert len(older) == before
    pipeline.client.stop_pipeline_execution(
        pipelineName=PIPELINE, pipelineExecutionId=newest["pipelineExecutionId"], abandon=True
    )
    assert pipeline.executions()[0]["status"] == "Stopped"
    assert greeting(url) == "Hello from a push!"


NOT_USED_HERE = {
    "pipeline": {
        "s3:GetObjectVersion": "AWS reads artifacts by version",
        "s3:GetBucketVersioning": "AWS asks before it reads by version",
    },
    "test": {"s3:GetObjectVersion": "AWS reads artifacts by version"},
    "build": {
        "s3:GetObjectVersion": "AWS reads artifacts by version",
        "ecr:BatchGetImage": "this machine's Docker has the cache's layers already",
        "ecr:GetDownloadUrlForLayer": "the same",
    },
}


@pytest.mark.parametrize("role", NOT_USED_HERE)
def test_roles_are_allowed_what_they_used_and_nothing_else(
    role: str, checkout: Checkout, released: dict[str, Any]
) -> None:
    """Of the releases above; the local cloud's log says once for each role and action."""
    name = Names("fargate-cd", "local", "us-east-1").role(role)
    iam, allowed = checkout.client("iam"), set[str]()
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for statement in document["Statement"]:
            listed = statement["Action"]
            allowed |= {listed} if isinstance(listed, str) else set(listed)
    log = (checkout.state_dir / "localcloud.log").read_text()
    used = set(re.findall(rf" used: {re.escape(name)} (\S+)", log))
    assert used <= allowed
    assert allowed - used <= set(NOT_USED_HERE[role])
