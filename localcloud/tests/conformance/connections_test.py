"""CodeConnections and CodePipeline's triggers: one row a behaviour that AWS documents.

Each row runs against a gateway with real signatures, roles and sessions, a real Git host and the
pipeline's real executor; no Docker.
"""

from __future__ import annotations

import io
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from localcloud.codepipeline import CodePipeline
from localcloud.connections import CodeConnections, CodeStarConnections
from localcloud.githost import GitHost
from localcloud.server.serving import listen
from localcloud.shared.service import Surroundings
from localcloud.tests.unit.iam.running import ACCOUNT, REGION, Aws, allow, policy, running_gateway

API = "https://docs.aws.amazon.com/codeconnections/latest/APIReference/"
TOOLS = "https://docs.aws.amazon.com/dtconsole/latest/userguide/"
PIPELINES = "https://docs.aws.amazon.com/codepipeline/latest/userguide/"
ACTION = PIPELINES + "action-reference-CodestarConnectionSource.html"
TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "codepipeline.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
)
BUCKET = "artifacts"
SECONDS = 300.0


@dataclass
class Stage:
    """Services behind a gateway, and a developer's clone."""

    aws: Aws
    git_host: str
    folder: Path

    def client(self, service: str = "codeconnections") -> Any:
        return self.aws.client(service)

    def connection(self, *, authorized: bool = True, api: str = "codeconnections") -> str:
        """A new connection's ARN."""
        name = f"c-{uuid.uuid4().hex[:8]}"
        arn = str(
            self.client(api).create_connection(ConnectionName=name, ProviderType="GitHub")[
                "ConnectionArn"
            ]
        )
        if authorized:
            page = f"{self.aws.api_url}/connections/{arn.rpartition('/')[2]}"
            assert urllib3.PoolManager().request("POST", page).status == 200
        return arn

    def pipeline(
        self,
        arn: str,
        triggers: list[dict[str, Any]] | None = None,
        allowed: bool = True,
        **settings: str,
    ) -> str:
        """A new pipeline of a repository that has its own name; its name."""
        name = f"p-{uuid.uuid4().hex[:8]}"
        statements = [allow("s3:PutObject", "*")]
        if allowed:
            statements.append(allow(f"{arn.split(':')[2]}:UseConnection", arn))
        role = self.aws.role(name, *statements, trust=TRUST)
        configuration = {"ConnectionArn": arn, "FullRepositoryId": f"acme/{name}"}
        configuration |= {"BranchName": "main", "DetectChanges": "false", **settings}
        kind = {"category": "Source", "owner": "AWS", "version": "1"}
        source = {
            "name": "Source",
            "actionTypeId": {**kind, "provider": "CodeStarSourceConnection"},
            "configuration": configuration,
            "outputArtifacts": [{"name": "Source"}],
        }
        kind = {"category": "Approval", "owner": "AWS", "version": "1", "provider": "Manual"}
        self.client("codepipeline").create_pipeline(
            pipeline={
                "name": name,
                "roleArn": role,
                "pipelineType": "V2",
                "artifactStore": {"type": "S3", "location": BUCKET},
                "stages": [
                    {"name": "Source", "actions": [source]},
                    {"name": "Wait", "actions": [{"name": "Wait", "actionTypeId": kind}]},
                ],
                **({"triggers": triggers} if triggers else {}),
            }
        )
        return name

    def push(self, name: str, path: str, branch: str = "main") -> str:
        """Push a commit that adds a file; the commit."""
        clone = self.folder / name
        if not clone.exists():
            clone.mkdir()
            self.git(name, "init", "--quiet", "--initial-branch=main")
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(uuid.uuid4().hex)
        self.git(name, "add", "--all")
        self.git(name, "commit", "--quiet", "--message", f"Add {path}")
        self.git(name, "push", "--quiet", self.address(name), f"HEAD:refs/heads/{branch}")
        return self.git(name, "rev-parse", "HEAD")

    def address(self, name: str) -> str:
        return f"{self.git_host}acme/{name}.git"

    def git(self, name: str, *arguments: str) -> str:
        person = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
        command = ["git", *person, *arguments]
        done = subprocess.run(
            command, cwd=self.folder / name, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def started(self, name: str) -> list[dict[str, Any]]:
        """The executions that a push started, newest first."""
        listed = self.client("codepipeline").list_pipeline_executions(pipelineName=name)
        return [
            one
            for one in listed["pipelineExecutionSummaries"]
            if one["trigger"]["triggerType"] != "CreatePipeline"
        ]

    def source(self, name: str, execution: str | None = None) -> dict[str, Any]:
        """How the source action of an execution ended; of the newest by default."""
        chosen = {"filter": {"pipelineExecutionId": execution}} if execution else {}
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            rows = self.client("codepipeline").list_action_executions(pipelineName=name, **chosen)
            found = [r for r in rows["actionExecutionDetails"] if r["actionName"] == "Source"]
            if found and found[0]["status"] != "InProgress":
                return dict(found[0])
            time.sleep(0.1)
        raise AssertionError(f"the source action of {name} does not end")


def refused(code: str, act: Callable[..., Any], **members: Any) -> str:
    """Assert that a call is refused with a code; the words."""
    with pytest.raises(ClientError) as caught:
        act(**members)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def pushes(*filters: dict[str, Any], action: str = "Source") -> list[dict[str, Any]]:
    """A trigger by pushes."""
    configuration = {"sourceActionName": action, "push": list(filters)}
    return [{"providerType": "CodeStarSourceConnection", "gitConfiguration": configuration}]


@dataclass(frozen=True)
class Row:
    """One documented behaviour, with the page that says so."""

    page: str
    check: Callable[[Stage], None]


ROWS: dict[str, Row] = {}


def row(page: str, behaviour: str) -> Callable[[Callable[[Stage], None]], None]:
    """Add a row."""

    def add(check: Callable[[Stage], None]) -> None:
        ROWS[behaviour] = Row(page, check)

    return add


@row(TOOLS + "connections-create-github.html", "a new connection is PENDING until a person acts")
def _(stage: Stage) -> None:
    arn, client = stage.connection(authorized=False), stage.client()
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    page = f"{stage.aws.api_url}/connections/{arn.rpartition('/')[2]}"
    foreign = {"Origin": "https://elsewhere.example"}
    assert urllib3.PoolManager().request("POST", page, headers=foreign).status == 403
    assert b"Authorize" in urllib3.PoolManager().request("GET", page).data
    urllib3.PoolManager().request("POST", page)
    assert client.get_connection(ConnectionArn=arn)["Connection"] == {
        "ConnectionName": client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionName"],
        "ConnectionArn": arn,
        "ProviderType": "GitHub",
        "OwnerAccountId": ACCOUNT,
        "ConnectionStatus": "AVAILABLE",
    }


@row(TOOLS + "rename.html", "both names of the service show one list of connections")
def _(stage: Stage) -> None:
    present, former = stage.connection(), stage.connection(api="codestar-connections")
    assert present.startswith(f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/")
    assert former.startswith(f"arn:aws:codestar-connections:{REGION}:{ACCOUNT}:connection/")
    for api in ("codeconnections", "codestar-connections"):
        listed = stage.client(api).list_connections()["Connections"]
        assert {present, former} <= {one["ConnectionArn"] for one in listed}


@row(API + "API_Connection.html", "the name of a connection is unique in its account")
def _(stage: Stage) -> None:
    create = stage.client().create_connection
    create(ConnectionName="twice", ProviderType="GitHub")
    refused("InvalidInputException", create, ConnectionName="twice", ProviderType="GitHub")


@row(API + "API_CreateConnection.html", "a connection needs a provider type or a host")
def _(stage: Stage) -> None:
    refused("InvalidInputException", stage.client().create_connection, ConnectionName="none")


@row(API + "API_ListConnections.html", "a list comes in pages")
def _(stage: Stage) -> None:
    wanted, found, token = {stage.connection() for _ in range(3)}, set(), {}
    while True:
        answer = stage.client().list_connections(MaxResults=2, **token)
        assert len(answer["Connections"]) <= 2
        found |= {one["ConnectionArn"] for one in answer["Connections"]}
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert wanted <= found


@row(API + "API_TagResource.html", "tags are kept, replaced by key, and removed")
def _(stage: Stage) -> None:
    client, arn = stage.client(), stage.connection()
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    client.untag_resource(ResourceArn=arn, TagKeys=["a", "unknown"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == []


@row(API + "API_DeleteConnection.html", "a connection that is deleted is not found any more")
def _(stage: Stage) -> None:
    client, arn = stage.client(), stage.connection()
    client.delete_connection(ConnectionArn=arn)
    for act in (client.get_connection, client.delete_connection):
        refused("ResourceNotFoundException", act, ConnectionArn=arn)


@row(TOOLS + "connections-update.html", "a PENDING connection can't be used")
def _(stage: Stage) -> None:
    name = stage.pipeline(stage.connection(authorized=False))
    ended = stage.source(name)
    assert ended["status"] == "Failed"
    assert "is not available" in ended["output"]["executionResult"]["errorDetails"]["message"]


@row(TOOLS + "security_iam_id-based-policy-examples-connections.html", "UseConnection is needed")
def _(stage: Stage) -> None:
    ended = stage.source(stage.pipeline(stage.connection(), allowed=False))
    assert ended["status"] == "Failed"
    words = ended["output"]["executionResult"]["errorDetails"]["message"]
    assert "codeconnections:UseConnection" in words


@row(PIPELINES + "pipelines-triggers.html", "a push that passes the filter runs its very commit")
def _(stage: Stage) -> None:
    paths = {"includes": ["app/**", "*.txt"], "excludes": ["**/README.md"]}
    only = pushes({"branches": {"includes": ["main", "release/*"]}, "filePaths": paths})
    name = stage.pipeline(stage.connection(), only)
    first = stage.push(name, "app/deep/server.py")
    (execution,) = stage.started(name)
    assert execution["trigger"]["triggerType"] == "WebhookV2"
    ended = stage.source(name, execution["pipelineExecutionId"])
    assert ended["status"] == "Succeeded"
    assert ended["output"]["outputVariables"]["CommitId"] == first
    place = ended["output"]["outputArtifacts"][0]["s3location"]
    packed = stage.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist()[-1] == "app/deep/server.py"
    for path, branch in (
        ("docs/page.html", "main"),
        ("app/README.md", "main"),
        ("app/other.py", "feature"),
        ("app/third.py", "release/a/b"),
    ):
        stage.push(name, path, branch)
    stage.git(name, "push", "--quiet", stage.address(name), ":refs/heads/feature")
    assert len(stage.started(name)) == 1, "other paths, other branches, a deletion"
    stage.push(name, "notes.txt", "release/1")
    assert len(stage.started(name)) == 2


@row(PIPELINES + "pipelines-triggers.html", "a tag starts what filters tags")
def _(stage: Stage) -> None:
    only = pushes({"tags": {"includes": ["v*"], "excludes": ["v0*"]}})
    name = stage.pipeline(stage.connection(), only)
    commit = stage.push(name, "file")
    for tag in ("v0.1", "other", "v1"):
        stage.git(name, "tag", "--annotate", "--message", tag, tag)
        stage.git(name, "push", "--quiet", stage.address(name), tag)
    (execution,) = stage.started(name)
    ended = stage.source(name, execution["pipelineExecutionId"])
    assert ended["output"]["outputVariables"]["CommitId"] == commit


@row(ACTION, "without a filter the action's branch starts the pipeline, as DetectChanges says")
def _(stage: Stage) -> None:
    detecting = stage.pipeline(stage.connection(), DetectChanges="true")
    silent = stage.pipeline(stage.connection())
    for name in (detecting, silent):
        stage.push(name, "file")
        stage.push(name, "other", "feature")
    assert (len(stage.started(detecting)), stage.started(silent)) == (1, [])


@row(PIPELINES + "pipelines-filter-cli.html", "filters that do not go together are refused")
def _(stage: Stage) -> None:
    branches, paths = {"branches": {"includes": ["main"]}}, {"filePaths": {"includes": ["a"]}}
    tags, arn = {"tags": {"includes": ["v1"]}}, stage.connection()
    for wrong in (paths, {**branches, **tags}, {**tags, **paths}, {}):
        words = refused(
            "InvalidStructureException", stage.pipeline, arn=arn, triggers=pushes(wrong)
        )
        assert "valid filter combinations" in words
    other = pushes(branches, action="Other")
    refused("InvalidStructureException", stage.pipeline, arn=arn, triggers=other)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("connections")
    bound = listen("127.0.0.1", 0)
    git_host = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    bound.close()
    with running_gateway(folder) as aws:
        around = Surroundings(
            state_dir=str(folder),
            instance="test",
            account=ACCOUNT,
            region=REGION,
            api_url=aws.api_url,
            registry_host="",
            docker_network="",
            docker_gateway="",
            git_host_url=git_host,
            shared_dir=str(folder),
            client=aws.client,
        )

        def own(name: str) -> Surroundings:
            """As the local cloud does: each service has a folder of its own."""
            (folder / name).mkdir()
            return replace(around, state_dir=str(folder / name))

        host, pipelines = GitHost(own("git")), CodePipeline(own("pipeline"))
        present, former = CodeConnections(own("present")), CodeStarConnections(own("former"))
        for service in (present, former, pipelines):
            aws.gateway.add(service)
        aws.client("s3").create_bucket(Bucket=BUCKET)
        host.start()
        pipelines.start()
        yield Stage(aws, git_host, folder)
        pipelines.stop()
        host.stop()


@pytest.mark.parametrize("behaviour", ROWS)
def test_conformance(behaviour: str, stage: Stage) -> None:
    assert ROWS[behaviour].page.startswith("https://docs.aws.amazon.com/")
    ROWS[behaviour].check(stage)
