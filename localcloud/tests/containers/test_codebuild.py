"""Builds for real: containers, buildspecs, roles, logs, artifacts, and what is left of them."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.server.docker_network import connect
from localcloud.server.process import instance_of
from localcloud.tests.checkout import BUILDSPECS
from localcloud.tests.cloud_process import CloudProcess, running

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/build"
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/codebuild/*",
}
OBJECTS = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
    "Resource": "arn:aws:s3:::artifacts/*",
}
REPOSITORIES = {
    "Effect": "Allow",
    "Action": [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    ],
    "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*",
}
LOGIN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
DOCKERFILE = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN %s\nEXPOSE 8123\n"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with running(tmp_path_factory.mktemp("state")) as cloud:
        cloud.client("iam").create_role(
            RoleName="build", AssumeRolePolicyDocument=_policy(_trust("project/*"))
        )
        _allow(cloud, LOGS, OBJECTS, REPOSITORIES, LOGIN)
        cloud.client("s3").create_bucket(Bucket="artifacts")
        yield cloud


def _trust(resource: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:codebuild:us-east-1:{ACCOUNT}:{resource}"},
        },
    }


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _allow(cloud: CloudProcess, *statements: dict[str, Any]) -> None:
    cloud.client("iam").put_role_policy(
        RoleName="build", PolicyName="build", PolicyDocument=_policy(*statements)
    )


def _project(cloud: CloudProcess, name: str, buildspec: str, **environment: Any) -> None:
    cloud.client("codebuild").create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": buildspec},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": IMAGE,
            "computeType": "BUILD_GENERAL1_SMALL",
            **environment,
        },
        serviceRole=ROLE,
    )


def _phases(*commands: str, phase: str = "build") -> str:
    """A buildspec of commands, each as a quoted line."""
    rows = "".join(f"      - {json.dumps(command)}\n" for command in commands)
    return f"version: 0.2\nphases:\n  {phase}:\n    commands:\n{rows}"


def _start(cloud: CloudProcess, name: str, **overrides: Any) -> dict[str, Any]:
    build: dict[str, Any] = cloud.client("codebuild").start_build(projectName=name, **overrides)[
        "build"
    ]
    return build


def _get(cloud: CloudProcess, build: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("codebuild").batch_get_builds(ids=[build["id"]])["builds"][
        0
    ]
    return found


def _until(
    cloud: CloudProcess, build: dict[str, Any], reached: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    deadline = time.monotonic() + 300
    while not reached(build := _get(cloud, build)):
        assert time.monotonic() < deadline, build
        time.sleep(0.2)
    return build


def _finished(cloud: CloudProcess, build: dict[str, Any]) -> dict[str, Any]:
    return _until(cloud, build, lambda b: bool(b["buildComplete"]))


def _log(cloud: CloudProcess, build: dict[str, Any]) -> str:
    events = cloud.client("logs").get_log_events(
        logGroupName=build["logs"]["groupName"],
        logStreamName=build["logs"]["streamName"],
        startFromHead=True,
    )["events"]
    return "\n".join(event["message"] for event in events)


def _contexts(build: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Phase → its status and what went wrong."""
    return {
        phase["phaseType"]: (phase["phaseStatus"], phase["contexts"][0]["message"])
        for phase in build["phases"]
        if "phaseStatus" in phase
    }


def _containers(cloud: CloudProcess) -> list[Any]:
    labels = [f"fargate-cd.instance={instance_of(cloud.state_dir)}", "fargate-cd.build"]
    found: list[Any] = connect().containers.list(
        all=True, ignore_removed=True, filters={"label": labels}
    )
    return found


def _zip(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return packed.getvalue()


def test_commands_share_a_shell_and_see_their_variables(cloud: CloudProcess) -> None:
    cloud.client("ssm").put_parameter(Name="/app/word", Value="xyzzy", Type="SecureString")
    _allow(
        cloud,
        LOGS,
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameters",
            "Resource": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/app/word",
        },
    )
    spec = """
version: 0.2
env:
  variables: {FROM: buildspec, ONLY: here}
  parameter-store: {WORD: /app/word}
  exported-variables: [RESULT]
phases:
  pre_build:
    commands:
      - cd /tmp
      - greet() { echo "hello $1"; }
      - PLAIN=kept
    finally:
      - echo finally-one
  build:
    commands:
      - test "$PWD" = /tmp && greet "$PLAIN"
      - test "$FROM" = request && test "$ONLY" = here
      - echo "the word is $WORD"
      - RESULT="$CODEBUILD_BUILD_NUMBER $CODEBUILD_BUILD_SUCCEEDING"
      - aws sts get-caller-identity --query Arn
      - exit 0
      - test ! -e /var/run/docker.sock
"""
    _project(cloud, "shell", spec, environmentVariables=[{"name": "FROM", "value": "project"}])
    build = _finished(
        cloud,
        _start(cloud, "shell", environmentVariablesOverride=[{"name": "FROM", "value": "request"}]),
    )
    said = _log(cloud, build)
    assert build["buildStatus"] == "SUCCEEDED", said
    assert build["exportedEnvironmentVariables"] == [{"name": "RESULT", "value": "1 1"}]
    assert "hello kept" in said
    assert "finally-one" in said
    assert "the word is ***" in said
    assert "xyzzy" not in said
    assert f":assumed-role/build/AWSCodeBuild-{build['id'].split(':')[1]}" in said
    assert build["logs"]["groupName"] == "/aws/codebuild/shell"
    assert [phase["phaseType"] for phase in build["phases"]][-1] == "COMPLETED"
    assert _containers(cloud) == []


@pytest.mark.parametrize(
    ("name", "text", "failed", "said", "reached"),
    [
        ("fails-install", _phases("exit 3", phase="install"), "INSTALL", "exit status 3", False),
        ("fails-build", _phases("exit 4"), "BUILD", "exit status 4", True),
        ("wrong-spec", _phases("true") + "reports: {}\n", "DOWNLOAD_SOURCE", "reports", False),
        (
            "wrong-runtime",
            "version: 0.2\nphases:\n  install:\n    runtime-versions: {python: 2.7}\n",
            "DOWNLOAD_SOURCE",
            "following versions: 3.11",
            False,
        ),
    ],
)
def test_the_failing_phase_says_why(
    cloud: CloudProcess, name: str, text: str, failed: str, said: str, reached: bool
) -> None:
    _allow(cloud, LOGS)
    _project(cloud, name, text)
    build = _finished(cloud, _start(cloud, name))
    assert build["buildStatus"] == "FAILED"
    status, message = _contexts(build)[failed]
    assert status == "FAILED"
    assert said in message
    assert ("POST_BUILD" in _contexts(build)) is reached
    assert _containers(cloud) == []


@pytest.fixture
def application(cloud: CloudProcess) -> dict[str, Any]:
    """A project with the pipeline's own buildspec, and its overrides of StartBuild."""
    _allow(cloud, LOGS, OBJECTS, REPOSITORIES, LOGIN)
    ecr, codebuild = cloud.client("ecr"), cloud.client("codebuild")
    if codebuild.batch_get_projects(names=["image"])["projectsNotFound"]:
        settings = {"APP_PATH": "service", "CONTAINER_NAME": "web"}
        for variable, name, mutability in (
            ("REPOSITORY_URL", "web", "IMMUTABLE"),
            ("CACHE_REPOSITORY_URL", "web-cache", "MUTABLE"),
        ):
            settings[variable] = ecr.create_repository(
                repositoryName=name, imageTagMutability=mutability
            )["repository"]["repositoryUri"]
        text = (BUILDSPECS / "build.yml").read_text()
        codebuild.create_project(
            name="image",
            source={"type": "CODEPIPELINE", "buildspec": text},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": IMAGE,
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": True,
                "environmentVariables": [
                    {"name": name, "value": value} for name, value in settings.items()
                ],
            },
            serviceRole=ROLE,
        )
    return {
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": "artifacts/web/Source/a.zip",
        "artifactsOverride": {
            "type": "S3",
            "location": "artifacts",
            "path": "web/Build",
            "name": "b",
            "packaging": "ZIP",
        },
    }


def _with_commit(commit: str) -> list[dict[str, str]]:
    return [{"name": "COMMIT", "value": commit}]


def test_the_pipelines_buildspec_builds_once_by_digest(
    cloud: CloudProcess, application: dict[str, Any]
) -> None:
    s3 = cloud.client("s3")
    source = _zip(service__Dockerfile=DOCKERFILE % "echo one > /one")
    s3.put_object(Bucket="artifacts", Key="web/Source/a.zip", Body=source)
    overrides = {**application, "environmentVariablesOverride": _with_commit("abc123")}
    first = _finished(cloud, _start(cloud, "image", **overrides))
    assert first["buildStatus"] == "SUCCEEDED", _log(cloud, first)
    found = cloud.client("ecr").describe_images(
        repositoryName="web", imageIds=[{"imageTag": "abc123"}]
    )["imageDetails"][0]
    exported = {row["name"]: row["value"] for row in first["exportedEnvironmentVariables"]}
    assert exported["IMAGE_URI"].endswith(f"/web@{found['imageDigest']}")
    assert exported["COMMIT"] == "abc123"
    written = s3.get_object(Bucket="artifacts", Key="web/Build/b")
    assert written["ServerSideEncryption"] == "aws:kms"
    with zipfile.ZipFile(io.BytesIO(written["Body"].read())) as packed:
        definitions = json.loads(packed.read("imagedefinitions.json"))
    assert definitions == [{"name": "web", "imageUri": exported["IMAGE_URI"]}]
    assert first["artifacts"]["location"] == "arn:aws:s3:::artifacts/web/Build/b"

    again = _finished(cloud, _start(cloud, "image", **overrides))
    assert again["buildStatus"] == "SUCCEEDED"
    assert again["exportedEnvironmentVariables"] == first["exportedEnvironmentVariables"]
    assert "is there already" in _log(cloud, again)


def test_a_broken_dockerfile_fails_the_build_phase(
    cloud: CloudProcess, application: dict[str, Any]
) -> None:
    source = _zip(service__Dockerfile=DOCKERFILE % "exit 7")
    cloud.client("s3").put_object(Bucket="artifacts", Key="web/Source/a.zip", Body=source)
    overrides = {**application, "environmentVariablesOverride": _with_commit("broken")}
    build = _finished(cloud, _start(cloud, "image", **overrides))
    assert build["buildStatus"] == "FAILED"
    assert _contexts(build)["BUILD"][0] == "FAILED"
    assert "docker build" in _contexts(build)["BUILD"][1]
    assert "exit code: 7" in _log(cloud, build)


@pytest.mark.parametrize(
    ("allowed", "phase", "said"),
    [
        ([OBJECTS, REPOSITORIES, LOGIN], "PROVISIONING", "logs:CreateLogStream"),
        ([LOGS, REPOSITORIES, LOGIN], "DOWNLOAD_SOURCE", "AccessDenied"),
        ([LOGS, OBJECTS, REPOSITORIES], "PRE_BUILD", "get-login-password"),
        ([LOGS, OBJECTS, LOGIN], "PRE_BUILD", "describe-images"),
    ],
)
def test_a_role_that_lacks_one_thing_fails(
    cloud: CloudProcess,
    application: dict[str, Any],
    allowed: list[dict[str, Any]],
    phase: str,
    said: str,
) -> None:
    source = _zip(service__Dockerfile=DOCKERFILE % "true")
    cloud.client("s3").put_object(Bucket="artifacts", Key="web/Source/a.zip", Body=source)
    _allow(cloud, *allowed)
    overrides = {**application, "environmentVariablesOverride": _with_commit("denied")}
    build = _finished(cloud, _start(cloud, "image", **overrides))
    assert build["buildStatus"] == "FAILED"
    status, message = _contexts(build)[phase]
    assert status == "FAILED"
    assert said in message


def test_a_role_that_does_not_trust_is_refused(cloud: CloudProcess) -> None:
    cloud.client("iam").create_role(
        RoleName="other", AssumeRolePolicyDocument=_policy(_trust("project/another"))
    )
    codebuild = cloud.client("codebuild")
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        codebuild.create_project(
            name="untrusted",
            source={"type": "NO_SOURCE", "buildspec": _phases("true")},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": IMAGE,
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=f"arn:aws:iam::{ACCOUNT}:role/other",
        )


def _running_long(cloud: CloudProcess, name: str) -> dict[str, Any]:
    _allow(cloud, LOGS)
    _project(cloud, name, _phases("sleep 600"))
    build = _until(cloud, _start(cloud, name), lambda b: b["currentPhase"] == "BUILD")
    assert len(_containers(cloud)) == 1
    return build


def test_stop_ends_a_build_and_its_container(cloud: CloudProcess) -> None:
    build = _running_long(cloud, "stopped")
    started = time.monotonic()
    cloud.client("codebuild").stop_build(id=build["id"])
    build = _finished(cloud, build)
    assert time.monotonic() - started < 60, "the command takes ten minutes"
    assert build["buildStatus"] == "STOPPED"
    assert _contexts(build)["BUILD"][0] == "STOPPED"
    assert _containers(cloud) == []
    again = cloud.client("codebuild").retry_build(id=build["id"])["build"]
    assert again["buildNumber"] == 2
    cloud.client("codebuild").delete_project(name="stopped")
    assert _containers(cloud) == []


def test_deleting_the_project_leaves_nothing(cloud: CloudProcess) -> None:
    build = _running_long(cloud, "deleted")
    codebuild = cloud.client("codebuild")
    codebuild.delete_project(name="deleted")
    assert _containers(cloud) == []
    assert codebuild.batch_get_builds(ids=[build["id"]])["buildsNotFound"] == [build["id"]]
    assert "deleted" not in codebuild.list_projects()["projects"]


def test_a_killed_cloud_fails_its_builds_and_removes_their_containers(cloud: CloudProcess) -> None:
    build = _running_long(cloud, "killed")
    cloud.kill()
    assert len(_containers(cloud)) == 1
    cloud.start()
    build = _get(cloud, build)
    assert build["buildStatus"] == "FAULT"
    assert "restarted while the build ran" in _contexts(build)["BUILD"][1]
    assert _containers(cloud) == []
