"""Each cause of a failed run, from the words of CodePipeline and CodeBuild."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from automation.aws.codebuild import Build, build_of, last_lines
from automation.aws.codepipeline import Action, Run
from automation.aws.ecs import ServiceName
from automation.diagnosis import pipeline
from automation.diagnosis.pipeline import CAUSES, Failure, cause_of
from infra.settings.model import Settings
from tests.unit.automation.diagnosis.recorded import PIPELINE_SETTINGS, RecordedCloud

SETTINGS = Settings.parse(PIPELINE_SETTINGS)


def failure(stage: str, error: str, logs: tuple[str, ...] = (), message: str = "") -> Failure:
    action = Action(stage, stage, "Failed", error=error)
    return Failure(action, Build("p:1", "FAILED", "BUILD", message), logs)


TEST_COMMAND = "Error while executing command: python -m pytest app/tests. Reason: exit status 1"
DOCKER = "Error while executing command: docker build --tag x app. Reason: exit status 1"
LEGACY = "The command '/bin/sh -c pip install nothing' returned a non-zero code: 1"
BUILDKIT = 'ERROR: failed to solve: process "/bin/sh -c false" did not complete successfully'

CONNECTION = f"arn:aws:codeconnections:ap-southeast-2:123456789012:connection/{'0' * 36}"

CASES = {
    "tests failed": (
        failure("Test", "Build terminated with state: FAILED", ("1 failed",), TEST_COMMAND),
        "`python -m pytest app/tests` ended with exit status 1",
        "test_commands",
    ),
    "image not built": (
        failure("Build", "Build terminated with state: FAILED", (LEGACY,), DOCKER),
        "returned a non-zero code: 1",
        "app/Dockerfile",
    ),
    "image not built by BuildKit": (
        failure("Build", "Build terminated with state: FAILED", (BUILDKIT,), DOCKER),
        "failed to solve",
        "app/Dockerfile",
    ),
    "image not built by an older BuildKit": (
        failure(
            "Build",
            "Build terminated with state: FAILED",
            ("#14 0.301 nope", "executor failed running [/bin/sh -c false]: exit code: 1"),
            DOCKER,
        ),
        "executor failed running [/bin/sh -c false]: exit code: 1",
        "app/Dockerfile",
    ),
    "build failed": (
        failure("Build", "x", ("denied",), DOCKER.replace("docker build --tag x app", "jq")),
        "The image was not built: denied",
        "app/Dockerfile",
    ),
    "build timed out": (
        failure("Test", "Build terminated with state: TIMED_OUT"),
        "longer than a build may",
        "MINUTES",
    ),
    "buildspec wrong": (
        failure("Test", "", message="YAML_FILE_ERROR: did not find expected key"),
        "can't be read",
        "test_commands",
    ),
    "build not started": (
        failure("Build", "PROVISIONING_ERROR"),
        "could not be started",
        "Service Quotas",
    ),
    "permission missing": (
        failure("Deploy", "User: x is not authorized to perform: ecs:UpdateService on y"),
        "ecs:UpdateService",
        "infra/policies/pipeline.py",
    ),
    "branch not found": (
        failure("Source", "No branch [main] found; branch main does not exist"),
        "octo/shop has no branch main",
        "github_branch",
    ),
    "branch not found by git": (
        failure("Source", "fatal: couldn't find remote ref refs/heads/main (RevisionUnavailable)"),
        "octo/shop has no branch main",
        "push the branch main",
    ),
    "connection not ready": (
        failure("Source", "[CodeStarConnections] Connection " + CONNECTION + " is not available"),
        "not finished",
        "Developer Tools",
    ),
    "repository not readable": (
        failure("Source", "Could not access the GitHub repository (ConfigurationError)"),
        "octo/shop",
        "github_token",
    ),
    "release command failed": (
        failure("Deploy", "The release command failed with exit code 3:"),
        "exit code 3, so nothing was released",
        "release_command",
    ),
    "rejected": (failure("Approval", "", message=""), "not approved", "pipeline start"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_cause_is_told_with_what_to_change(name: str) -> None:
    failed, words, setting = CASES[name]
    if name == "rejected":
        failed = Failure(Action("Approval", "Approval", "Failed", summary="Rejected: not today"))
    found = cause_of(failed, SETTINGS)
    assert name.startswith(found.name)
    assert words in found.cause
    assert found.setting
    assert setting in found.setting
    assert found.evidence
    assert "{" not in found.cause + found.setting


LONG = f"Error while executing command: {'docker build --x ' * 20}. Reason: exit status 1"


@pytest.mark.parametrize(
    ("stage", "logs", "error"),
    [
        (
            "Build",
            ("Step 1/2 : FROM x", "unable to prepare context: path 'app' not found", "bye"),
            "The image was not built: unable to prepare context: path 'app' not found",
        ),
        ("Build", ("only words",), "The image was not built: only words"),
        ("Build", (), "The image was not built: the log names no error"),
        ("Test", ("FAILED test_a.py::test_b", "1 failed in 0.1 s"), "The tests failed: 1 failed"),
    ],
)
def test_a_failed_build_is_told_by_its_error(stage: str, logs: tuple[str, ...], error: str) -> None:
    found = cause_of(failure(stage, "Build terminated", logs, LONG), SETTINGS)
    assert found.cause.startswith(error)
    assert found.evidence[: len(logs)] == list(logs)
    assert max(map(len, found.evidence)) < 130, "the text of a long command is cut"


def test_every_cause_has_a_case() -> None:
    assert {cause.name for cause in CAUSES} <= set(CASES)


def test_the_dockerfile_is_the_settings_own() -> None:
    settings = Settings.parse({**PIPELINE_SETTINGS, "dockerfile": "deploy/Dockerfile.prod"})
    found = cause_of(CASES["image not built"][0], settings)
    assert found.setting
    assert "deploy/Dockerfile.prod" in found.setting


def test_what_no_row_names_is_told_in_its_own_words() -> None:
    found = cause_of(failure("Deploy", "Something else"), SETTINGS)
    assert (found.cause, found.setting, found.name) == ("Something else", None, "unknown")


CLOSING = (
    "[Container] 2026/11/28 Command did not exit successfully if x\n  then y\nfi exit status 1"
)


def test_a_builds_failed_phase_and_its_own_lines() -> None:
    row = {
        "id": "p:1",
        "buildStatus": "FAILED",
        "phases": [
            {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED"},
            {
                "phaseType": "BUILD",
                "phaseStatus": "FAILED",
                "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": TEST_COMMAND}],
            },
            {"phaseType": "COMPLETED"},
        ],
        "logs": {"groupName": "g", "streamName": "s"},
    }
    texts = ["[Container] Entering phase BUILD\n", "one\n", "two\nthree\n", "\n", CLOSING]
    events = [{"timestamp": 1, "message": text} for text in texts]
    pages = {
        None: {"events": events, "nextForwardToken": "a"},
        "a": {"events": [], "nextForwardToken": "a"},
    }
    cloud = RecordedCloud(
        {
            "BatchGetBuilds": {"builds": [row]},
            "GetLogEvents": lambda asked: pages[asked.get("nextToken")],
        }
    )
    build = build_of(cloud, "p:1")
    assert build
    assert (build.phase, build.message) == ("BUILD", TEST_COMMAND)
    assert last_lines(cloud, build, 2) == ["two", "three"]


def test_a_build_that_is_gone() -> None:
    assert build_of(RecordedCloud({"BatchGetBuilds": {"builds": []}}), "p:1") is None


@pytest.mark.parametrize(("action", "service"), [("Deploy", "shop"), ("Deploy-worker", "worker")])
def test_a_failed_deployment_is_of_the_process_that_its_action_deploys(
    action: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = {"web": ServiceName("c", "shop"), "worker": ServiceName("c", "worker")}
    session: Any = SimpleNamespace(
        cloud=None,
        names=SimpleNamespace(pipeline="p", log_group="l"),
        services=services,
        service=services["web"],
        file=SimpleNamespace(settings=SETTINGS),
    )
    failed = Action("Deploy", action, "Failed", error="The deployment failed", category="Deploy")
    gathered: list[str] = []
    monkeypatch.setattr(pipeline, "actions", lambda *_: [failed])
    monkeypatch.setattr(
        pipeline, "service_deployments", lambda _, name, __: [{"serviceDeploymentArn": name}]
    )
    monkeypatch.setattr(pipeline, "gather", lambda _, name, *__: gathered.append(name.service))
    monkeypatch.setattr(pipeline, "diagnose", lambda _, __, arn: arn)
    run = Run("1", "Failed", datetime.now(UTC), datetime.now(UTC))
    pipeline.diagnose_run(session, run)
    assert gathered == [service]
