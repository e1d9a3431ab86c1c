"""The pipeline: both ways in, its stages, its roles, its reports, and what refuses to start."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.delivery.git_remote import git_remote_url
from infra.delivery.github_source import webhook_secret
from infra.image.image import Release
from infra.settings.model import PROJECT_ROOT, Settings, SettingsError
from infra.settings.pipeline_files import pipeline_files
from tests.unit.infra.image.running_service import answers
from tests.unit.infra.recorder import ACCOUNT, REGION, Recording, record

REPOSITORY = {"github_owner": "octo", "github_repository": "shop"}
TOKEN = {**REPOSITORY, "github_token": "word"}
CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/1-2"
CONNECTED = {**REPOSITORY, "connection_arn": CONNECTION}
WEBHOOK = "aws:codepipeline/webhook:Webhook"


@cache
def by_token() -> Recording:
    return record({**TOKEN, "notify_emails": '["a@example.org"]', "approval": "true"})


@cache
def made(**settings: str) -> Recording:
    """What a release by token makes, with these settings as well."""
    return record({**TOKEN, **settings})


def stages(recording: Recording) -> dict[str, dict[str, Any]]:
    pipeline = recording.one("Pipeline", "pipeline-pipeline").inputs
    declared = pipeline["stages"]
    if isinstance(declared, dict):  # a secret, as it travels
        declared = declared["value"]
    return {stage["name"]: stage["actions"][0] for stage in declared}


def statements(name: str, recording: Recording | None = None) -> dict[str, dict[str, Any]]:
    policy = (recording or by_token()).one("RolePolicy", name).inputs["policy"]
    return {each["Sid"]: each for each in json.loads(policy)["Statement"]}


def test_the_stages() -> None:
    assert list(stages(by_token())) == ["Source", "Test", "Build", "Approval", "Deploy"]
    assert list(stages(made())) == ["Source", "Test", "Build", "Deploy"]
    deploy = stages(by_token())["Deploy"]
    assert deploy["configuration"]["ServiceName"] == "fargate-cd-dev"
    assert deploy["inputArtifacts"] == stages(by_token())["Build"]["outputArtifacts"]
    pipeline = by_token().one("Pipeline", "pipeline-pipeline").inputs
    assert (pipeline["pipelineType"], pipeline["executionMode"]) == ("V2", "SUPERSEDED")


def built(**settings: str) -> tuple[str, str | None]:
    """The folder and the Dockerfile that the pipeline's build gets."""
    inputs = made(**settings).one("Project", "build-project").inputs
    given = {row["name"]: row["value"] for row in inputs["environment"]["environmentVariables"]}
    return given["APP_PATH"], given.get("DOCKERFILE")


def test_the_build_finds_the_application_in_this_projects_repository() -> None:
    assert built() == ("app", None)
    assert built(pipeline_app_path="services/shop") == ("services/shop", None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("app", "", ""), ("app", "")),
        (("./app/", "app/Dockerfile.prod", ""), ("app", "app/Dockerfile.prod")),
        (("app", "docker/Dockerfile", ""), ("app", "docker/Dockerfile")),
        ((str(PROJECT_ROOT / "app"), "", ""), ("app", "")),
        (("../shop", "", ""), (".", "")),
        (("/srv/shop", "/srv/shop/docker/Dockerfile", ""), (".", "docker/Dockerfile")),
        (("../shop/server", "../shop/server/D", "server"), ("server", "server/D")),
        (("..", "", "."), (".", "")),
    ],
)
def test_where_the_application_lies_in_the_pipelines_repository(
    given: tuple[str, str, str], expected: tuple[str, str]
) -> None:
    assert pipeline_files(*given) == expected


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"pipeline_app_path": "/srv/shop"}, "pipeline_app_path = '/srv/shop'"),
        ({"pipeline_app_path": "a/../../b"}, "pipeline_app_path = 'a/../../b'"),
        ({"app_path": "../shop", "dockerfile": "docker/Dockerfile"}, "dockerfile"),
        ({"dockerfile": "/srv/Dockerfile"}, "dockerfile = '/srv/Dockerfile'"),
        ({"app_path": "/srv/shop", "github_actions": "true"}, "app_path = '/srv/shop'"),
    ],
)
def test_paths_that_the_pipeline_can_not_reach_are_refused(
    settings: dict[str, str], name: str
) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.parse({**TOKEN, **settings})
    (problem,) = error.value.problems
    assert name in problem


def test_with_a_token_a_webhook_starts_it() -> None:
    source = stages(by_token())["Source"]
    assert (source["owner"], source["provider"]) == ("ThirdParty", "GitHub")
    assert source["configuration"]["PollForSourceChanges"] == "false"
    (webhook,) = [each.inputs for each in by_token().resources if each.token == WEBHOOK]
    assert webhook["filters"] == [
        {"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"},
        {"jsonPath": "$.deleted", "matchEquals": "false"},
    ]
    hook = by_token().one("RepositoryWebhook").inputs
    assert hook["events"] == ["push"]
    assert "triggers" not in by_token().one("Pipeline", "pipeline-pipeline").inputs


def encryption(recording: Recording, bucket: str) -> dict[str, Any]:
    (rule,) = recording.one(
        "BucketServerSideEncryptionConfiguration", f"{bucket}-encryption"
    ).inputs["rules"]
    return dict(rule)


def test_the_customer_key_encrypts_what_the_pipeline_passes_on() -> None:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html"""
    settings = {**TOKEN, "customer_managed_key": "true", "release_command": '["migrate"]'}
    recording = record({**settings, "access_logs": "true"})
    rule = encryption(recording, "artifacts")
    default = rule["applyServerSideEncryptionByDefault"]
    assert default["sseAlgorithm"] == "aws:kms"
    assert ":key/" in default["kmsMasterKeyId"]
    assert rule["bucketKeyEnabled"] is True
    (store,) = recording.one("Pipeline", "pipeline-pipeline").inputs["artifactStores"]
    assert store["encryptionKey"] == {"id": default["kmsMasterKeyId"], "type": "KMS"}
    # CodePipeline names its key for each build. A project's own would stay when it is left out.
    assert not any("encryptionKey" in each.inputs for each in recording.of("Project"))
    # Load balancers write logs only under S3's own key:
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    logs = encryption(recording, "access-logs")["applyServerSideEncryptionByDefault"]
    assert logs == {"sseAlgorithm": "AES256"}


def test_without_a_customer_key_s3_encrypts_artifacts_by_its_own() -> None:
    rule = encryption(by_token(), "artifacts")
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    (store,) = by_token().one("Pipeline", "pipeline-pipeline").inputs["artifactStores"]
    assert "encryptionKey" not in store
    assert "ArtifactKey" not in statements("pipeline-policy")


def test_the_token_and_the_secret_are_secrets() -> None:
    for token, name, held in (
        ("Pipeline", "pipeline-pipeline", "stages"),
        ("Webhook", "webhook-webhook", "authenticationConfiguration"),
        ("RepositoryWebhook", "webhook-registration", "configuration"),
    ):
        assert "value" in by_token().one(token, name).inputs[held], token


def test_with_a_connection_a_trigger_starts_it() -> None:
    recording = record({**CONNECTED, "trigger_paths": '["app/**"]', "github_branch": "trunk"})
    assert stages(recording)["Source"]["provider"] == "CodeStarSourceConnection"
    (trigger,) = recording.one("Pipeline", "pipeline-pipeline").inputs["triggers"]
    (push,) = trigger["gitConfiguration"]["pushes"]
    assert push["branches"]["includes"] == ["trunk"]
    assert push["filePaths"]["includes"] == ["app/**"]
    assert not [each for each in recording.resources if each.token == WEBHOOK]
    assert "webhook_url" not in recording.outputs
    use = statements("pipeline-policy", recording)["Connection"]
    both = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
    assert use["Action"] == both
    assert use["Resource"] == [
        CONNECTION,
        CONNECTION.replace("codeconnections", "codestar-connections"),
    ]


def test_the_secret_is_of_letters_and_digits_and_rotates() -> None:
    secrets = {
        webhook_secret("t", "a", 0),
        webhook_secret("t", "b", 0),
        webhook_secret("t", "a", 1),
    }
    assert len(secrets) == 3
    assert all(len(each) == 64 and each.isalnum() for each in secrets)
    assert webhook_secret("t", "a", 0) in secrets


def test_a_webhook_is_replaced_when_its_secret_changes_and_at_no_other_time() -> None:
    """CodePipeline masks the secret, which providers take for a change at each update.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListWebhooks.html
    """
    webhooks = [
        made(**more).one("Webhook", "webhook-webhook")
        for more in ({}, {"webhook_rotation": "1"}, {"github_token": "another"})
    ]
    assert len({each.inputs["name"] for each in webhooks}) == 3
    assert all("another" not in each.inputs["name"] for each in webhooks)
    assert {tuple(each.options["ignoreChanges"]) for each in webhooks} == {
        ("authenticationConfiguration",)
    }


def test_only_the_build_is_privileged() -> None:
    privileged = {
        each.name: each.inputs["environment"]["privilegedMode"] for each in by_token().of("Project")
    }
    assert privileged == {"test-project": False, "build-project": True}


def test_the_test_commands_stand_in_the_buildspec() -> None:
    recording = record({**TOKEN, "test_commands": json.dumps(['echo "a: b"', "make test"])})
    spec = recording.one("Project", "test-project").inputs["source"]["buildspec"]
    assert '      - "echo \\"a: b\\""\n      - "make test"\n' in spec
    assert "{{" not in spec


def test_the_pipeline_passes_the_two_roles_to_tasks_alone() -> None:
    passed = statements("pipeline-policy")["PassTaskRoles"]
    assert passed["Resource"] == [
        f"arn:aws:iam::{ACCOUNT}:role/fargate-cd-dev-execution-{REGION}",
        f"arn:aws:iam::{ACCOUNT}:role/fargate-cd-dev-task-{REGION}",
    ]
    condition = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    assert passed["Condition"] == {"StringEquals": condition}


def test_the_builds_have_no_rights_over_the_service() -> None:
    for name in ("test-policy", "build-policy"):
        actions = [action for each in statements(name).values() for action in each["Action"]]
        assert not [each for each in actions if each.startswith(("ecs:", "iam:", "sts:"))]
    wide = [sid for sid, each in statements("build-policy").items() if each["Resource"] == ["*"]]
    assert wide == ["Login"]


WORKER = {"processes": '{"worker": {"command": ["work"]}}'}


def test_every_process_is_deployed_at_the_same_time_and_all_go_back_together() -> None:
    declared = made(**WORKER).one("Pipeline", "pipeline-pipeline").inputs["stages"]
    declared = declared["value"] if isinstance(declared, dict) else declared
    stage = declared[-1]
    assert stage["onFailure"] == {"result": "ROLLBACK"}
    deployed = {
        each["name"]: (each["configuration"]["ServiceName"], each.get("runOrder"))
        for each in stage["actions"]
    }
    assert deployed == {
        "Deploy": ("fargate-cd-dev", 1),
        "Deploy-worker": ("fargate-cd-dev_worker", 1),
    }
    alone = made().one("Pipeline", "pipeline-pipeline").inputs["stages"]
    alone = alone["value"] if isinstance(alone, dict) else alone
    assert "onFailure" not in alone[-1]


MIGRATING = {"release_command": '["migrate", "--all"]'}


def test_a_release_command_runs_in_the_stage_deploy_before_it_deploys() -> None:
    recording = made(**MIGRATING)
    assert list(stages(recording)) == ["Source", "Test", "Build", "Deploy"]
    declared = recording.one("Pipeline", "pipeline-pipeline").inputs["stages"]
    declared = declared["value"] if isinstance(declared, dict) else declared
    command, deploy = declared[-1]["actions"]
    assert (command["name"], deploy["name"]) == ("ReleaseCommand", "Deploy")
    assert command.get("runOrder", 1) < deploy["runOrder"]
    assert command["inputArtifacts"] == deploy["inputArtifacts"]
    project = recording.one("Project", "release-project").inputs
    assert command["configuration"]["ProjectName"] == project["name"]


def test_the_release_command_gets_what_its_buildspec_names() -> None:
    project = made(**MIGRATING).one("Project", "release-project").inputs
    assert not project["environment"]["privilegedMode"]
    given = {row["name"]: row["value"] for row in project["environment"]["environmentVariables"]}
    assert json.loads(given["COMMAND"]) == ["migrate", "--all"]
    assert given["EVERY_UPDATE"] == "false"
    spec = project["source"]["buildspec"]
    assert all(f"${name}" in spec or f"${{{name}" in spec for name in given)
    always = record({**TOKEN, **MIGRATING, "release_command_on": "every_update"})
    rows = always.one("Project", "release-project").inputs["environment"]["environmentVariables"]
    assert {"name": "EVERY_UPDATE", "value": "true", "type": "PLAINTEXT"} in rows


def test_failed_and_waiting_runs_are_reported() -> None:
    patterns = [
        json.loads(each.inputs["eventPattern"])
        for each in by_token().of("EventRule")
        if each.name.startswith("reports-")
    ]
    assert {pattern["detail"]["state"][0] for pattern in patterns} == {"FAILED", "STARTED"}
    assert all(pattern["detail"]["pipeline"] == ["fargate-cd-dev"] for pattern in patterns)
    assert by_token().one("TopicSubscription").inputs["endpoint"] == "a@example.org"
    assert not made().of("Topic")


def test_the_cache_alone_has_mutable_tags() -> None:
    mutable = {
        each.inputs["name"]: each.inputs["imageTagMutability"]
        for each in by_token().of("Repository")
    }
    assert mutable == {
        "fargate-cd-dev": "IMMUTABLE",
        "fargate-cd-dev-cache": "MUTABLE",
        "fargate-cd-dev-previews": "IMMUTABLE",
    }


def test_the_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_BASE_URL", "http://127.0.0.1:81/")
    monkeypatch.setenv("FARGATE_CD_CONSOLE_URL", "http://127.0.0.1:80")
    outputs = record(TOKEN).outputs
    assert outputs["git_remote_url"] == "http://127.0.0.1:81/octo/shop.git"
    page = "http://127.0.0.1:80/codesuite/codepipeline/pipelines/fargate-cd-dev/view"
    assert outputs["pipeline_url"] == f"{page}?region={REGION}"
    monkeypatch.delenv("GITHUB_BASE_URL")
    assert git_remote_url("octo", "shop") == "https://github.com/octo/shop.git"


def test_up_keeps_the_running_release() -> None:
    running = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/fargate-cd-dev@sha256:{'a' * 64}"
    kept = record({**TOKEN, "cpu": "512", "memory": "1024"}, answers=answers())
    assert kept.container["image"] == running
    assert kept.one("TaskDefinition").inputs["cpu"] == "512"
    assert not kept.of("Image")
    assert record(TOKEN, answers=answers(), release=Release(build=True)).of("Image")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"github_token": "word"}, "github_repository = '': needs a value"),
        ({"github_owner": "octo"}, "needs the other one"),
        ({**CONNECTED, "github_token": "word"}, "use one way in"),
        ({**TOKEN, "trigger_paths": ["app/**"]}, "can't filter paths"),
        ({"connection_arn": "oops"}, "must be the ARN of a connection"),
        ({"notify_emails": ["nobody"]}, "not an e-mail address"),
        ({"github_branch": "a b"}, "must be a branch's name"),
    ],
)
def test_wrong_combinations_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.parse(settings)
    assert said in str(refused.value)


def test_without_a_way_in_there_is_no_pipeline() -> None:
    recording = record(REPOSITORY)
    assert not recording.of("Project")
    assert "pipeline_url" not in recording.outputs


def project(**settings: str) -> dict[str, Any]:
    """The project of the build."""
    given = record({**TOKEN, "image": "a:1", **settings})
    return dict(given.one("Project", "build-project").inputs)


def test_the_build_gets_its_options_and_no_secret_value() -> None:
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:npm-AbCdEf"
    given = project(
        build_args='{"A": "x y"}', build_target="app", build_secrets=json.dumps({"NPM": secret})
    )
    rows = given["environment"]["environmentVariables"]
    by_name = {row["name"]: (row["type"], row["value"]) for row in rows}
    assert json.loads(by_name["BUILD_OPTIONS"][1]) == [
        "--build-arg=A=x y",
        "--target=app",
        "--secret=id=NPM,env=BUILD_SECRET_NPM",
    ]
    assert by_name["BUILD_SECRET_NPM"] == ("SECRETS_MANAGER", secret)


def test_the_build_may_read_exactly_its_secrets() -> None:
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:npm-AbCdEf"
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/pip"
    secrets = json.dumps({"A": f"{secret}:k::", "B": parameter})
    given = record({**TOKEN, "image": "a:1", "build_secrets": secrets})
    allowed = statements("build-policy", given)
    assert allowed["Secrets"]["Action"] == ["secretsmanager:GetSecretValue"]
    assert allowed["Secrets"]["Resource"] == [secret]
    assert allowed["Parameters"]["Action"] == ["ssm:GetParameters"]
    assert allowed["Parameters"]["Resource"] == [parameter]
    assert not {"Secrets", "Parameters"} & statements("build-policy").keys()


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_tests_and_builds_run_on_machines_of_the_size(size: str) -> None:
    for made in record({**TOKEN, "build_compute": size}).of("Project"):
        assert made.inputs["environment"]["computeType"] == f"BUILD_GENERAL1_{size.upper()}"
