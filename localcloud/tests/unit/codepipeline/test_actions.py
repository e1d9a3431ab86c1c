"""Actions against recorded answers: what they ask of other services, and what they make of it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from localcloud.codepipeline.actions import approval, build, ecs
from localcloud.codepipeline.actions.work import ActionError, Work
from localcloud.codepipeline.model import Artifact
from localcloud.tests.unit.codepipeline.harness import REGION, surroundings

SOURCE = Artifact("Source", "bucket", "release/Source/abc")
IMAGE = Artifact("Image", "bucket", "release/Image/def")
OLD = "arn:aws:ecs:us-east-1:123456789012:task-definition/hello:7"
NEW = "arn:aws:ecs:us-east-1:123456789012:task-definition/hello:8"
NEW_IMAGE = "registry/hello@sha256:new"


class Fake:
    """A client that answers by operation, and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, dict[str, Any]()

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.asked[operation] = arguments
            return self.answers[operation]

        return call


def work(tmp_path: Any, clients: dict[str, Fake], **members: Any) -> Work:
    whole = {
        "surroundings": surroundings(tmp_path),
        "region": REGION,
        "pipeline": "release",
        "execution_id": "e",
        "stage": "S",
        "action": "A",
        "run_id": "run-1",
        "started": time.time(),
        "configuration": {},
        "inputs": [],
        "outputs": [],
        "progress": {},
        "client": clients.__getitem__,
        **members,
    }
    return Work(**whole)


def started(tmp_path: Any, **members: Any) -> tuple[Any, dict[str, Any]]:
    """A build action's first advance: its outcome, and its request."""
    client = Fake(start_build={"build": {"id": "b:1", "logs": {"cloudWatchLogsArn": "arn:log"}}})
    settings = {"configuration": {"ProjectName": "test"}, "inputs": [SOURCE], **members}
    outcome = build.advance(work(tmp_path, {"codebuild": client}, **settings))
    return outcome, client.asked["start_build"]


def test_a_build_gets_its_artifacts_and_its_commit(tmp_path: Any) -> None:
    outcome, asked = started(tmp_path, outputs=[IMAGE], revisions={"Source": "c0ffee"})
    assert outcome.progress == {"build": "b:1"}
    assert (outcome.external_id, outcome.log_stream_arn) == ("b:1", "arn:log")
    assert asked["idempotencyToken"] == "run-1"
    assert asked["sourceTypeOverride"] == "S3"
    assert asked["sourceLocationOverride"] == "bucket/release/Source/abc"
    stored = asked["artifactsOverride"]
    assert (stored["path"], stored["name"], stored["packaging"]) == ("release/Image", "def", "ZIP")
    [variable] = asked["environmentVariablesOverride"]
    assert (variable["name"], variable["value"]) == (
        "CODEBUILD_RESOLVED_SOURCE_VERSION",
        "c0ffee",
    )


def test_a_build_without_outputs_stores_none(tmp_path: Any) -> None:
    assert started(tmp_path)[1]["artifactsOverride"] == {"type": "NO_ARTIFACTS"}


def test_a_build_encrypts_with_the_key_of_the_artifact_store(tmp_path: Any) -> None:
    """https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html"""
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"
    assert started(tmp_path, encryption_key=key)[1]["encryptionKeyOverride"] == key
    assert "encryptionKeyOverride" not in started(tmp_path)[1]


def test_a_build_of_two_sources_names_its_primary(tmp_path: Any) -> None:
    both = [SOURCE, IMAGE]
    settings = {"ProjectName": "test", "PrimarySource": "Image"}
    _, asked = started(tmp_path, inputs=both, configuration=settings)
    assert asked["sourceLocationOverride"] == "bucket/release/Image/def"
    assert asked["secondarySourcesOverride"][0]["sourceIdentifier"] == "Source"
    with pytest.raises(ActionError, match="PrimarySource"):
        started(tmp_path, inputs=both)


STATES: dict[str, tuple[dict[str, Any], str, str]] = {
    "running": ({"buildStatus": "IN_PROGRESS", "currentPhase": "BUILD"}, "InProgress", ""),
    "done": (
        {
            "buildStatus": "SUCCEEDED",
            "exportedEnvironmentVariables": [{"name": "IMAGE_URI", "value": "x"}],
        },
        "Succeeded",
        "",
    ),
    "failed": (
        {
            "buildStatus": "FAILED",
            "phases": [
                {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED"},
                {
                    "phaseType": "BUILD",
                    "phaseStatus": "FAILED",
                    "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "make"}],
                },
            ],
        },
        "Failed",
        "state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: make",
    ),
    "stopped": ({"buildStatus": "STOPPED"}, "Failed", "state: STOPPED"),
}


@pytest.mark.parametrize("state", STATES)
def test_a_build_is_followed(state: str, tmp_path: Any) -> None:
    told, status, words = STATES[state]
    client = Fake(batch_get_builds={"builds": [{"id": "b:1", **told}]})
    outcome = build.advance(work(tmp_path, {"codebuild": client}, progress={"build": "b:1"}))
    assert outcome.status == status
    assert words in outcome.error_message
    assert dict(outcome.variables) == ({"IMAGE_URI": "x"} if state == "done" else {})


def packed(name: str, text: str) -> dict[str, Any]:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, text)
    content.seek(0)
    return {"Body": content}


def images(text: str | None = None, name: str = "imagedefinitions.json") -> Fake:
    listed = [{"name": "app", "imageUri": NEW_IMAGE}]
    return Fake(get_object=packed(name, text if text is not None else json.dumps(listed)))


def deployment(identifier: str, status: str, state: str, task: str = NEW) -> dict[str, Any]:
    return {
        "id": identifier,
        "status": status,
        "rolloutState": state,
        "rolloutStateReason": f"the reason of {identifier}",
        "taskDefinition": task,
        "runningCount": 1,
        "desiredCount": 2,
    }


def service(*deployments: dict[str, Any], **members: Any) -> dict[str, Any]:
    row = {"status": "ACTIVE", "taskDefinition": OLD, "deployments": list(deployments), **members}
    return {"services": [row]}


CURRENT = {
    "taskDefinition": {
        "taskDefinitionArn": OLD,
        "revision": 7,
        "status": "ACTIVE",
        "compatibilities": ["FARGATE"],
        "registeredAt": "then",
        "family": "hello",
        "cpu": "512",
        "containerDefinitions": [
            {"name": "app", "image": "old", "environment": [{"name": "A", "value": "b"}]},
            {"name": "sidecar", "image": "side"},
        ],
    },
    "tags": [{"key": "stack", "value": "dev"}],
}
SETTINGS = {"ClusterName": "c", "ServiceName": "s"}


def deploy(tmp_path: Any, ecs_client: Fake, s3: Fake | None = None, **members: Any) -> Work:
    clients = {"ecs": ecs_client, "s3": s3 or images()}
    return work(tmp_path, clients, configuration=SETTINGS, inputs=[IMAGE], **members)


def test_the_revision_is_the_services_own_with_the_new_image(tmp_path: Any) -> None:
    client = Fake(
        describe_services=service(),
        describe_task_definition=CURRENT,
        register_task_definition={"taskDefinition": {"taskDefinitionArn": NEW}},
    )
    outcome = ecs.advance(deploy(tmp_path, client))
    assert (outcome.progress, outcome.at_once) == ({"taskDefinition": NEW}, True)
    made = client.asked["register_task_definition"]
    assert made == {
        "family": "hello",
        "cpu": "512",
        "containerDefinitions": [
            {"name": "app", "image": NEW_IMAGE, "environment": [{"name": "A", "value": "b"}]},
            {"name": "sidecar", "image": "side"},
        ],
        "tags": [{"key": "stack", "value": "dev"}],
    }


def test_the_service_is_told_to_run_it(tmp_path: Any) -> None:
    primary = deployment("d-2", "PRIMARY", "IN_PROGRESS")
    client = Fake(update_service={"service": {"deployments": [primary]}})
    outcome = ecs.advance(deploy(tmp_path, client, progress={"taskDefinition": NEW}))
    assert outcome.progress == {"taskDefinition": NEW, "deployment": "d-2"}
    assert client.asked["update_service"] == {"cluster": "c", "service": "s", "taskDefinition": NEW}


UNREADABLE = {
    "no file": (images(name="other.json"), "Did not find the image definition file"),
    "no JSON": (images("{"), "must be a JSON list"),
    "no container": (images("[]"), "names no container"),
    "another container": (
        images(json.dumps([{"name": "web", "imageUri": "x"}])),
        "no container named 'web'",
    ),
    "a huge file": (images("x" * 200_000), "too large"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_image_definitions_that_are_none(what: str, tmp_path: Any) -> None:
    s3, words = UNREADABLE[what]
    client = Fake(describe_services=service(), describe_task_definition=CURRENT)
    with pytest.raises(ActionError, match=words):
        ecs.advance(deploy(tmp_path, client, s3))


ENDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "in progress": (service(deployment("d-2", "PRIMARY", "IN_PROGRESS")), "InProgress", ""),
    "completed": (service(deployment("d-2", "PRIMARY", "COMPLETED")), "Succeeded", ""),
    "failed": (
        service(
            deployment("d-3", "PRIMARY", "IN_PROGRESS", OLD),
            deployment("d-2", "ACTIVE", "FAILED"),
        ),
        "Failed",
        "d-2 failed: the reason of d-2",
    ),
    "rolled back and forgotten": (
        service(deployment("d-3", "PRIMARY", "COMPLETED", OLD)),
        "Failed",
        "replaced by d-3",
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_deployment_is_followed_to_its_end(end: str, tmp_path: Any) -> None:
    told, status, words = ENDS[end]
    progress = {"taskDefinition": NEW, "deployment": "d-2"}
    outcome = ecs.advance(deploy(tmp_path, Fake(describe_services=told), progress=progress))
    assert outcome.status == status
    assert words in outcome.error_message


def test_a_deployment_beyond_its_time_fails(tmp_path: Any) -> None:
    told = service(deployment("d-2", "PRIMARY", "IN_PROGRESS"))
    progress = {"taskDefinition": NEW, "deployment": "d-2"}
    late = deploy(tmp_path, Fake(describe_services=told), progress=progress)
    settings = {**SETTINGS, "DeploymentTimeout": "1"}
    late = replace(late, configuration=settings, started=time.time() - 61)
    assert "did not end within 1 minutes" in ecs.advance(late).error_message


@pytest.mark.parametrize(
    "told",
    [
        {"services": []},
        service(status="INACTIVE"),
        service(deploymentController={"type": "CODE_DEPLOY"}),
    ],
)
def test_a_service_that_can_not_be_deployed(told: dict[str, Any], tmp_path: Any) -> None:
    with pytest.raises(ActionError) as refused:
        ecs.advance(deploy(tmp_path, Fake(describe_services=told)))
    assert refused.value.code == "ConfigurationError"


def test_an_approval_asks_once_and_waits(tmp_path: Any) -> None:
    sns = Fake(publish={})
    settings = {"NotificationArn": "arn:topic", "CustomData": "look here"}
    first = approval.advance(work(tmp_path, {"sns": sns}, configuration=settings))
    message = json.loads(sns.asked["publish"]["Message"])
    assert message["approval"]["token"] == first.token
    assert message["approval"]["customData"] == "look here"
    again = approval.advance(work(tmp_path, {}, configuration=settings, progress=first.progress))
    assert (again.status, again.token) == ("InProgress", first.token)
