"""A pipeline outlives the death of the local cloud: a waiting approval, its webhook, its past."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from localcloud.tests.cloud_process import CloudProcess, await_snapshot, running

ACCOUNT = "123456789012"
SECRET = "0123456789abcdef0123456789abcdef"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "codepipeline.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
STORE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::store/*"}
    ],
}
SOURCE = {
    "name": "Source",
    "actionTypeId": {
        "category": "Source",
        "owner": "ThirdParty",
        "provider": "GitHub",
        "version": "1",
    },
    "configuration": {
        "Owner": "acme",
        "Repo": "hello",
        "Branch": "main",
        "OAuthToken": "word",
        "PollForSourceChanges": "false",
    },
    "outputArtifacts": [{"name": "Source"}],
}
APPROVAL = {
    "name": "Approve",
    "actionTypeId": {
        "category": "Approval",
        "owner": "AWS",
        "provider": "Manual",
        "version": "1",
    },
}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[CloudProcess]:
    with running(tmp_path / "state") as one:
        yield one


def define(cloud: CloudProcess) -> None:
    """A pipeline of source and approval, with its role, its store and its webhook."""
    cloud.client("s3").create_bucket(Bucket="store")
    iam = cloud.client("iam")
    iam.create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="pipeline", PolicyName="p", PolicyDocument=json.dumps(STORE))
    codepipeline = cloud.client("codepipeline")
    codepipeline.create_pipeline(
        pipeline={
            "name": "release",
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
            "pipelineType": "V2",
            "artifactStore": {"type": "S3", "location": "store"},
            "stages": [
                {"name": "Source", "actions": [SOURCE]},
                {"name": "Approval", "actions": [APPROVAL]},
            ],
        }
    )
    webhook = codepipeline.put_webhook(
        webhook={
            "name": "hook",
            "targetPipeline": "release",
            "targetAction": "Source",
            "filters": [{"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"}],
            "authentication": "GITHUB_HMAC",
            "authenticationConfiguration": {"SecretToken": SECRET},
        }
    )["webhook"]
    host = f"{cloud.endpoints.git_host_url}api/v3"
    requests.post(f"{host}/orgs/acme/repos", json={"name": "hello"}, timeout=30)
    config = {"url": webhook["url"], "content_type": "json", "secret": SECRET}
    body = {"name": "web", "events": ["push"], "config": config}
    made = requests.post(f"{host}/repos/acme/hello/hooks", json=body, timeout=30)
    assert made.status_code == 201


def push(cloud: CloudProcess, folder: Path, text: str) -> None:
    def git(*arguments: str) -> None:
        person = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
        subprocess.run(["git", *person, *arguments], cwd=folder, check=True, capture_output=True)

    if not folder.exists():
        folder.mkdir()
        git("init", "--quiet", "--initial-branch", "main")
    (folder / "file").write_text(text)
    git("add", "file")
    git("commit", "--quiet", "--message", text)
    git("push", "--quiet", f"{cloud.endpoints.git_host_url}acme/hello.git", "main")


def wait(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while not (answer := found()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return answer


def token(cloud: CloudProcess) -> str:
    state = cloud.client("codepipeline").get_pipeline_state(name="release")
    action = state["stageStates"][1]["actionStates"][0]
    return str(action.get("latestExecution", {}).get("token", ""))


def statuses(cloud: CloudProcess) -> list[str]:
    """Of the executions that a push started, the newest first."""
    rows = cloud.client("codepipeline").list_pipeline_executions(pipelineName="release")
    return [
        row["status"]
        for row in rows["pipelineExecutionSummaries"]
        if row["trigger"]["triggerType"] == "Webhook"
    ]


def test_a_waiting_approval_outlives_a_kill(cloud: CloudProcess, tmp_path: Path) -> None:
    define(cloud)
    push(cloud, tmp_path / "clone", "first")
    before = wait(lambda: token(cloud))
    await_snapshot(cloud.state_dir, cloud.client("ssm"))
    cloud.kill()
    cloud.start()
    assert token(cloud) == before
    assert statuses(cloud) == ["InProgress"]
    cloud.client("codepipeline").put_approval_result(
        pipelineName="release",
        stageName="Approval",
        actionName="Approve",
        result={"summary": "seen", "status": "Approved"},
        token=before,
    )
    wait(lambda: statuses(cloud) == ["Succeeded"])
    push(cloud, tmp_path / "clone", "second")
    after = wait(lambda: token(cloud))
    assert after != before
    assert statuses(cloud) == ["InProgress", "Succeeded"]
