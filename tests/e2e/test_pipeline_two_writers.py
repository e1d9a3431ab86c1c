"""An application in its own repository; roles; and `up`, pushes and `destroy` side by side.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import json
import re
from typing import Any

import docker
import pytest

from tests.e2e.checkout import ROOT, Checkout
from tests.e2e.document_commands import typed
from tests.e2e.pipeline_harness import PIPELINE, Pipeline, WorkingCopy, greeting

SERVER = "server.py"
PROGRAM = '''"""Another team's application."""
import http.server
import os


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{GREETING} {os.environ.get('COLOUR', '')}".strip().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


GREETING = "other application"
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
'''
DOCKERFILE = """ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY server.py /server.py
USER 10001:10001
EXPOSE 8080
CMD ["python3", "/server.py"]
"""
ROLE, POLICY = "fargate-cd-local-pipeline-us-east-1", "release"
SETTINGS: dict[str, Any] = {
    "container_port": 8080,
    "github_owner": "octo",
    "github_repository": "shop",
    "github_token": "any-word",
    "stop_timeout": 2,
    "desired_count": 1,
}


@pytest.fixture(scope="module")
def copy(checkout: Checkout) -> WorkingCopy:
    """The application's repository beside the checkout, with one commit."""
    folder = checkout.root.parent / "shop"
    folder.mkdir()
    (folder / SERVER).write_text(PROGRAM)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    made = WorkingCopy(folder, "")
    made.git("init", "--quiet")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "First")
    return made


@pytest.fixture(scope="module")
def created(checkout: Checkout, copy: WorkingCopy) -> dict[str, Any]:
    """The stack's outputs after the first `up`."""
    checkout.configure(app_path=f"../{copy.folder.name}", **SETTINGS)
    outputs = checkout.json("up", "--stack", "local", "--yes")["outputs"]
    copy.git("remote", "add", "origin", outputs["git_remote_url"])
    return {"outputs": outputs}


@pytest.fixture(scope="module")
def pipeline(checkout: Checkout, created: dict[str, Any]) -> Pipeline:
    return Pipeline(checkout.client("codepipeline"))


@pytest.fixture(scope="module")
def url(created: dict[str, Any]) -> str:
    return str(created["outputs"]["service_url"])


def greet(copy: WorkingCopy, text: str) -> str:
    """Change the greeting, and push; returns the commit."""
    file = copy.folder / SERVER
    lines = file.read_text().splitlines()
    changed = [f"GREETING = {text!r}" if line.startswith("GREETING") else line for line in lines]
    file.write_text("\n".join(changed) + "\n")
    return copy.push(f"Say {text}")


def without(document: dict[str, Any], action: str) -> dict[str, Any]:
    """A policy that lacks an action."""
    statements = []
    for statement in document["Statement"]:
        actions = statement["Action"]
        kept = [
            one for one in ([actions] if isinstance(actions, str) else actions) if one != action
        ]
        if kept:
            statements.append({**statement, "Action": kept})
    return {**document, "Statement": statements}


def test_an_application_in_its_own_repository(
    checkout: Checkout, copy: WorkingCopy, created: dict[str, Any], pipeline: Pipeline, url: str
) -> None:
    assert greeting(url) == "other application"
    commit = greet(copy, "own repository")
    assert pipeline.wait_for(commit)["status"] == "Succeeded"
    assert greeting(url) == "own repository"
    assert commit[:7] in checkout.run("releases", "--stack", "local").stdout


def test_a_role_without_one_action_stops_the_release_and_a_retry_goes_on(
    checkout: Checkout, copy: WorkingCopy, pipeline: Pipeline, url: str
) -> None:
    iam = checkout.client("iam")
    whole = iam.get_role_policy(RoleName=ROLE, PolicyName=POLICY)["PolicyDocument"]
    less = without(whole, "ecs:UpdateService")
    iam.put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=json.dumps(less))
    commit = greet(copy, "first release")
    stopped = pipeline.wait_for(commit)
    assert stopped["status"] == "Failed"
    stage, why = pipeline.failure(stopped)
    assert stage == "Deploy"
    assert "ecs:UpdateService" in why
    assert greeting(url) == "own repository"

    iam.put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=json.dumps(whole))
    pipeline.client.retry_stage_execution(
        pipelineName=PIPELINE,
        stageName="Deploy",
        pipelineExecutionId=stopped["pipelineExecutionId"],
        retryMode="FAILED_ACTIONS",
    )
    assert pipeline.wait_for(commit)["status"] == "Succeeded"
    assert greeting(url) == "first release"


def task_definition(checkout: Checkout, created: dict[str, Any]) -> dict[str, Any]:
    """What the service runs now."""
    ecs = checkout.client("ecs")
    outputs = created["outputs"]
    service = ecs.describe_services(
        cluster=outputs["cluster_name"], services=[outputs["service_name"]]
    )["services"][0]
    found: dict[str, Any] = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    return dict(found["taskDefinition"])


def test_up_keeps_the_release(checkout: Checkout, created: dict[str, Any], url: str) -> None:
    released = task_definition(checkout, created)["containerDefinitions"][0]["image"]
    checkout.configure(cpu=512, memory=1024)
    changed = checkout.json("up", "--stack", "local", "--yes")
    assert changed["result"] == "succeeded"
    assert changed["outputs"]["image_uri"] == released
    now = task_definition(checkout, created)
    assert (now["cpu"], now["containerDefinitions"][0]["image"]) == ("512", released)
    assert greeting(url) == "first release"


def deployments(checkout: Checkout, created: dict[str, Any]) -> int:
    """How many deployments of the service ECS has on record."""
    outputs = created["outputs"]
    found = checkout.client("ecs").list_service_deployments(
        cluster=outputs["cluster_name"], service=outputs["service_name"]
    )
    return len(found["serviceDeployments"])


def test_up_after_a_release_rolls_nothing_out(
    checkout: Checkout, created: dict[str, Any], copy: WorkingCopy, pipeline: Pipeline, url: str
) -> None:
    assert pipeline.wait_for(greet(copy, "second release"))["status"] == "Succeeded"
    released, before = task_definition(checkout, created), deployments(checkout, created)
    planned = checkout.json("preview", "--stack", "local", "--expect-no-changes")
    assert [row["urn"] for row in planned["resources"]] == []
    same = checkout.json("up", "--stack", "local", "--yes")
    assert same["result"] == "succeeded"
    assert deployments(checkout, created) == before
    now = task_definition(checkout, created)
    assert now["taskDefinitionArn"] == released["taskDefinitionArn"]
    assert greeting(url) == "second release"


def test_a_rollback_and_the_release_after_it_have_the_settings_of_the_last_up(
    checkout: Checkout, created: dict[str, Any], copy: WorkingCopy, pipeline: Pipeline, url: str
) -> None:
    checkout.configure(memory=2048)
    checkout.json("up", "--stack", "local", "--yes")
    checkout.json("rollback", "--stack", "local", "--yes")
    assert greeting(url) == "first release"
    assert task_definition(checkout, created)["memory"] == "2048"
    before = deployments(checkout, created)
    assert checkout.json("up", "--stack", "local", "--yes")["result"] == "succeeded"
    assert deployments(checkout, created) == before
    assert greeting(url) == "first release"
    assert pipeline.wait_for(greet(copy, "third release"))["status"] == "Succeeded"
    assert task_definition(checkout, created)["memory"] == "2048"
    assert greeting(url) == "third release"


def test_two_pushes_and_an_up_at_once(
    checkout: Checkout,
    created: dict[str, Any],
    copy: WorkingCopy,
    pipeline: Pipeline,
    url: str,
) -> None:
    """The newer push is live at the end, with the settings of both `up`s."""
    older, newer = greet(copy, "older push"), greet(copy, "newer push")
    pipeline.wait_for_action("Build", newer, "InProgress")
    checkout.configure(environment={"COLOUR": "blue"})
    changed = checkout.json("up", "--stack", "local", "--yes")
    assert changed["result"] == "succeeded"
    assert pipeline.wait_for(newer)["status"] == "Succeeded"
    assert greeting(url) == "newer push blue"
    assert task_definition(checkout, created)["cpu"] == "512"
    order = [row for row in pipeline.executions() if row.get("sourceRevisions")]
    commits = [row["sourceRevisions"][0]["revisionId"] for row in order]
    assert commits[0] == newer
    overtaken = pipeline.of_commit(older)
    assert overtaken is None or overtaken["status"] in ("Superseded", "Succeeded")


def test_a_connection_takes_the_place_of_the_token(
    checkout: Checkout, copy: WorkingCopy, pipeline: Pipeline, url: str
) -> None:
    """By the commands of docs/pipeline.md; only pushes that touch `trigger_paths` start a run."""
    document = (ROOT / "docs/pipeline.md").read_text()
    (commands,) = re.findall(r"^```sh\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    arn = typed(checkout, commands).splitlines()[-1]
    checkout.configure(github_token=None, connection_arn=arn, trigger_paths=[SERVER])
    changed = checkout.json("up", "--stack", "local", "--yes")
    assert "webhook_url" not in changed["outputs"]
    assert pipeline.client.list_webhooks()["webhooks"] == []
    (copy.folder / "README").write_text("nothing that runs\n")
    before, unseen = len(pipeline.executions()), copy.push("Describe it")
    commit = greet(copy, "by a connection")
    assert pipeline.wait_for(commit)["status"] == "Succeeded"
    assert greeting(url) == "by a connection blue"
    assert pipeline.of_commit(unseen) is None
    newest, *older = pipeline.executions()
    assert (newest["trigger"]["triggerType"], len(older)) == ("WebhookV2", before)
    unchanged = checkout.json("up", "--stack", "local", "--yes")
    assert unchanged["changes"]["create"] + unchanged["changes"]["delete"] == 0


def test_destroy_while_a_build_runs_leaves_nothing(
    checkout: Checkout, copy: WorkingCopy, pipeline: Pipeline
) -> None:
    pipeline.wait_for_action("Build", greet(copy, "never released"), "InProgress")
    destroyed = checkout.json("destroy", "--stack", "local", "--yes")
    assert destroyed["leftovers"] == []
    assert pipeline.client.list_pipelines()["pipelines"] == []
    assert pipeline.client.list_webhooks()["webhooks"] == []
    codebuild = checkout.client("codebuild")
    assert codebuild.list_projects()["projects"] == []
    assert checkout.client("s3").list_buckets()["Buckets"] == []
    instance = checkout.json("local", "status")["instance"]
    label = f"fargate-cd.instance={instance}"
    left = docker.from_env().containers.list(
        all=True, ignore_removed=True, filters={"label": label}
    )
    assert [container.name for container in left] == []
