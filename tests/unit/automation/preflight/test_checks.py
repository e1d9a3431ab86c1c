"""What would fail is told before anything is touched; what can't be asked is no fault."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.aws import ecr as images
from automation.aws.clients import NO_ANSWER, Cloud
from automation.aws.ecr import Found
from automation.diagnosis.evidence import Facts
from automation.errors import ConfigurationError
from automation.machine.docker_engine import DockerError, Engine
from automation.preflight import checks as preflight
from automation.preflight import container_run, first_use, permissions, quotas, smoke_test
from automation.preflight.plan import Flight, plan
from automation.preflight.zones import zones
from automation.stack.target import TARGETS
from infra.names import Names
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"


@dataclass
class Stage:
    """A flight with everything around it faked but the account."""

    captured: Captured
    cloud: Any
    folder: Path
    docker: Any = None
    target: str = "aws"
    new: bool = True
    settings: dict[str, Any] = field(default_factory=dict)

    def flight(self, image: str | None = None, kept: str | None = None) -> Flight:
        settings = Settings.parse({"target": self.target} | self.settings)
        session = SimpleNamespace(
            screen=self.captured.screen,
            file=SimpleNamespace(name="dev", settings=settings),
            target=replace(TARGETS[self.target], lock_dir=lambda: self.folder / "locks"),
            cloud=self.cloud,
            names=Names("fargate-cd", "dev"),
        )
        return Flight(session, image, None, self.new, self.docker, kept)  # type: ignore[arg-type]

    def problems(self, image: str | None = None) -> list[str]:
        flight = self.flight(image)
        simulated = (permissions.permissions, first_use.service_linked_roles)  # not in moto
        checks = [ask for ask in preflight.CHECKS if ask not in simulated]
        return [found.name for ask in checks for found in ask(flight)]


@pytest.fixture
def stage(captured: Captured, cloud: Cloud, tmp_path: Path) -> Stage:
    return Stage(captured, cloud, tmp_path)


def test_a_sound_plan_has_no_problems(stage: Stage) -> None:
    assert stage.problems() == []


def registry(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, architecture: str) -> str:
    """A repository with the tag `good`, whose image is built for an architecture."""
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName="web")
    manifest = {
        "schemaVersion": 2,
        "mediaType": images.MANIFESTS[0],
        "config": {"digest": "sha256:" + "c" * 64, "size": 1, "mediaType": "x"},
        "layers": [{"digest": "sha256:" + "d" * 64, "size": 1, "mediaType": "x"}],
    }
    ecr.put_image(repositoryName="web", imageManifest=json.dumps(manifest), imageTag="good")
    monkeypatch.setattr(images, "_blob", lambda *_: {"architecture": architecture, "os": "linux"})
    endpoint = ecr.get_authorization_token()["authorizationData"][0]["proxyEndpoint"]
    return str(endpoint.partition("://")[2])


def test_images_in_ecr_are_looked_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    host = registry(monkeypatch, stage.cloud, "amd64")
    assert stage.problems(f"{host}/web:good") == []
    assert stage.problems(f"{host}/web:bad") == ["image not found"]
    assert stage.problems(f"{host}/web@sha256:{'0' * 64}") == ["image not found"]
    assert stage.problems(f"{host}/other:good") == ["image not found"]


def test_images_of_sidecars_in_ecr_are_looked_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = registry(monkeypatch, stage.cloud, "amd64")
    for image, architecture, problems in (
        (f"{host}/web:good", "X86_64", []),
        (f"{host}/web:bad", "X86_64", ["image not found"]),
        (f"{host}/web:good", "ARM64", ["image for another architecture"]),
        ("registry.example.com/otel:1", "X86_64", []),
    ):
        sidecars = {"otel": {"image": image}}
        stage.settings = {"sidecars": sidecars, "architecture": architecture}
        assert stage.problems() == problems


def test_an_image_for_another_architecture_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = registry(monkeypatch, stage.cloud, "arm64")
    assert stage.problems(f"{host}/web:good") == ["image for another architecture"]
    stage.settings = {"architecture": "ARM64"}
    assert stage.problems(f"{host}/web:good") == []


@pytest.mark.parametrize(
    ("found", "target", "problems"),
    [
        (Found(True, frozenset({"amd64", "arm64"})), "aws", []),
        (Found(True), "aws", []),
        (Found(True, frozenset({"arm64"})), "aws", ["image for another architecture"]),
        (Found(False, why="manifest unknown"), "aws", ["image not found"]),
        (Found(None, why="no such host"), "aws", []),
        (Found(None, why="no such host"), "local", ["no route to an endpoint"]),
    ],
)
def test_images_elsewhere_are_looked_up_by_docker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, found: Found, target: str, problems: list[str]
) -> None:
    monkeypatch.setattr(smoke_test, "look_up", lambda *_: found)
    stage.docker, stage.target = object(), target
    assert stage.problems("docker.io/library/nginx:1") == problems


def test_without_docker_an_image_elsewhere_is_left_to_the_update(stage: Stage) -> None:
    assert stage.problems("docker.io/library/nginx:1") == []
    assert "can't be looked up" in stage.captured.err.getvalue()


def test_secrets_must_resolve(stage: Stage) -> None:
    manager, parameters = stage.cloud.client("secretsmanager"), stage.cloud.client("ssm")
    plain = manager.create_secret(Name="plain", SecretString="x")["ARN"]
    keyed = manager.create_secret(Name="keyed", SecretString='{"password": "x"}')["ARN"]
    gone = manager.create_secret(Name="gone", SecretString="x")["ARN"]
    manager.delete_secret(SecretId=gone)
    parameters.put_parameter(Name="/prod/db", Value="x", Type="SecureString")
    parameter = "arn:aws:ssm:us-east-1:123456789012:parameter"
    stage.settings = {
        "secrets": {"A": plain, "B": f"{keyed}:password::", "C": f"{parameter}/prod/db"}
    }
    assert stage.problems() == []
    wrong = {
        "A": gone,
        "B": f"{keyed}:other::",
        "C": f"{parameter}/prod/other",
        "D": f"{ARN}nope-AbCdEf",
        "E": f"{plain}:key::",
    }
    stage.settings = {"secrets": wrong}
    assert stage.problems() == ["secret not readable"] * 5


class Quotas:
    """Service Quotas with one value for all, beside a moto account."""

    def __init__(self, cloud: Cloud, value: float) -> None:
        self._cloud, self.value = cloud, value
        self.pages = cloud.pages

    def client(self, service: str) -> Any:
        return self if service == "service-quotas" else self._cloud.client(service)

    def get_service_quota(self, **_: str) -> dict[str, Any]:
        return {"Quota": {"Value": self.value}}


def test_a_quota_that_must_be_exceeded_is_refused(stage: Stage) -> None:
    stage.cloud = Quotas(stage.cloud, 1.0)
    # The account's default VPC is the only one allowed.
    assert [p.evidence for p in quotas.quotas(stage.flight())] == [["vpc L-F678F1CE"]]
    stage.new = False
    assert list(quotas.quotas(stage.flight())) == []
    stage.settings = {"desired_count": 5}
    assert [p.name for p in quotas.quotas(stage.flight())] == ["quota"]
    stage.settings = {"processes": {"worker": {"command": ["w"], "min_count": 3}}}
    assert [p.name for p in quotas.quotas(stage.flight())] == ["quota"]
    stage.target = "local"
    assert list(quotas.quotas(stage.flight())) == []


CONNECTION = "arn:aws:codeconnections:us-east-1:123456789012:connection/1a2b"
CONNECTED = {
    "connection_arn": CONNECTION,
    "github_owner": "octo",
    "github_repository": "shop",
}


def test_a_new_account_may_have_no_builds_and_no_spot(stage: Stage) -> None:
    stage.cloud = Quotas(stage.cloud, 0.0)
    stage.new = False
    stage.settings = {**CONNECTED, "build_compute": "medium", "spot": True}
    found = list(quotas.quotas(stage.flight()))
    assert [each.evidence[0] for each in found] == [
        "codebuild L-2DC20C30",
        "fargate L-36FBB829",
        "fargate L-3032A538",
    ]
    assert "request-service-quota-increase --service-code codebuild" in found[0].setting


class Fresh:
    """An account without service-linked roles, and with a connection in a state."""

    meta = SimpleNamespace(region_name="us-east-1")

    def __init__(self, decision: str = "allowed", connection: str = "AVAILABLE") -> None:
        self.decision, self.connection = decision, connection
        self.asked: list[dict[str, Any]] = []

    def client(self, _: str) -> Any:
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/u"}

    def get_role(self, **_: str) -> None:
        raise ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetRole")

    def get_connection(self, **_: str) -> dict[str, Any]:
        if not self.connection:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetConnection")
        return {"Connection": {"ConnectionStatus": self.connection}}

    def pages(self, *_: str, **given: Any) -> list[dict[str, Any]]:
        self.asked.append(given)
        (name,) = given["ActionNames"]
        return [{"EvalActionName": name, "EvalDecision": self.decision}]


def test_service_linked_roles_that_nobody_can_make_are_named(stage: Stage) -> None:
    stage.cloud = Fresh()
    assert list(first_use.service_linked_roles(stage.flight())) == []
    stage.cloud = Fresh("implicitDeny")
    found = list(first_use.service_linked_roles(stage.flight()))
    assert len(found) == 3
    assert "--aws-service-name ecs.amazonaws.com`" in found[0].setting
    asked = stage.cloud.asked[0]
    role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    assert asked["ResourceArns"] == [f"arn:aws:iam::123456789012:{role}"]
    context = {e["ContextKeyName"]: e["ContextKeyValues"] for e in asked["ContextEntries"]}
    assert context["iam:AWSServiceName"] == ["ecs.amazonaws.com"]
    stage.new = False
    assert list(first_use.service_linked_roles(stage.flight())) == []


@pytest.mark.parametrize(
    ("status", "problems"),
    [("AVAILABLE", []), ("PENDING", ["connection not ready"]), ("", ["connection not found"])],
)
def test_a_connection_must_be_there_and_finished(
    stage: Stage, status: str, problems: list[str]
) -> None:
    stage.cloud = Fresh(connection=status)
    assert list(first_use.connection(stage.flight())) == []
    stage.settings = CONNECTED
    assert [each.name for each in first_use.connection(stage.flight())] == problems


class Simulator:
    """IAM's simulator with given decisions, for a user."""

    meta = SimpleNamespace(region_name="us-east-1")

    def __init__(self, missing: tuple[str, ...] = (), **decisions: str) -> None:
        self.decisions = decisions
        self.missing = list(missing)
        self.context: dict[str, list[str]] = {}

    def client(self, service: str) -> Any:
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/u"}

    def pages(self, *_: str, **given: Any) -> list[dict[str, Any]]:
        self.context = {e["ContextKeyName"]: e["ContextKeyValues"] for e in given["ContextEntries"]}
        return [
            {
                "EvalActionName": name,
                "EvalDecision": self.decisions.get(name.partition(":")[2], "allowed"),
                "MissingContextValues": self.missing,
            }
            for name in given["ActionNames"]
        ]


def test_an_action_that_is_denied_is_refused_and_one_that_may_be_allowed_is_told(
    stage: Stage,
) -> None:
    stage.cloud = Simulator(CreateVpc="explicitDeny", CreateRole="implicitDeny")
    found = list(permissions.permissions(stage.flight()))
    assert [problem.name for problem in found] == ["permission missing"]
    assert "ec2:CreateVpc" in found[0].cause
    assert "iam:CreateRole" in stage.captured.err.getvalue()


def test_a_denial_that_depends_on_an_unknown_key_is_no_refusal(stage: Stage) -> None:
    stage.cloud = Simulator(missing=("aws:MultiFactorAuthPresent",), CreateVpc="explicitDeny")
    assert list(permissions.permissions(stage.flight())) == []
    told = stage.captured.err.getvalue()
    assert "Can't tell whether you may call ec2:CreateVpc" in told
    assert "aws:MultiFactorAuthPresent" in told


def test_the_simulator_is_told_the_context_that_is_known(stage: Stage) -> None:
    stage.cloud = Simulator()
    stage.settings = {"tags": {"team": "shop"}}
    assert list(permissions.permissions(stage.flight())) == []
    context = stage.cloud.context
    assert context["aws:RequestedRegion"] == ["us-east-1"]
    assert context["aws:RequestTag/team"] == ["shop"]
    assert context["aws:TagKeys"] == ["environment", "project", "stack", "team"]
    assert context["iam:PassedToService"] == ["ecs-tasks.amazonaws.com"]


@pytest.mark.parametrize("code", sorted(NO_ANSWER))
def test_a_question_that_this_user_may_not_ask_is_no_problem(stage: Stage, code: str) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": code}}, "Any")

    for asked in (quotas.quotas, permissions.permissions):
        stage.cloud = SimpleNamespace(
            client=lambda _: SimpleNamespace(
                get_service_quota=refuse, get_caller_identity=refuse, describe_addresses=refuse
            ),
            pages=refuse,
        )
        assert list(asked(stage.flight())) == []


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were run; each answers at once."""
    seen: list[str] = []

    def run(_client: Any, image: str, _settings: Settings) -> container_run.Outcome:
        seen.append(image)
        return container_run.Outcome(0.4, Facts())

    monkeypatch.setattr(container_run, "run", run)
    return seen


class Docker(Engine):
    """An engine that has every image."""

    def has_image(self, _name: str) -> bool:
        return True


def docker() -> Engine:
    return Docker("amd64")


def test_the_container_is_run_once_until_something_changes(stage: Stage, ran: list[str]) -> None:
    stage.docker = docker()
    for _ in range(2):
        assert list(smoke_test.run(stage.flight("web:1"))) == []
    assert ran == ["web:1"]
    for settings in ({"health_check_path": "/up"}, {"environment": {"A": "b"}}, {"memory": 1024}):
        stage.settings = settings
        list(smoke_test.run(stage.flight("web:1")))
    assert ran == ["web:1"] * 4


def test_settings_are_judged_with_the_image_that_is_kept(stage: Stage, ran: list[str]) -> None:
    stage.docker = docker()
    for _ in range(2):
        assert list(smoke_test.run(stage.flight(kept="web@sha256:4"))) == []
    stage.settings = {"health_check_path": "/up"}
    assert list(smoke_test.run(stage.flight(kept="web@sha256:4"))) == []
    assert ran == ["web@sha256:4"] * 2


def test_a_kept_image_is_pulled_from_the_stacks_repository(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = registry(monkeypatch, stage.cloud, "amd64")
    pulled: list[tuple[str, tuple[str, str] | None]] = []
    monkeypatch.setattr(Engine, "has_image", lambda *_: False)
    monkeypatch.setattr(Engine, "pull", lambda _, *arguments: pulled.append(arguments))
    stage.docker = Engine("amd64")
    assert list(smoke_test.run(stage.flight(kept=f"{host}/web:good"))) == []
    ((image, login),) = pulled
    assert (image, ran) == (f"{host}/web:good", [image])
    assert login is not None
    assert login[0] == host
    assert base64.b64decode(login[1]).startswith(b"AWS:")


def test_a_kept_image_that_can_not_be_pulled_is_told(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DockerError("no basic auth credentials")

    monkeypatch.setattr(Engine, "has_image", lambda *_: False)
    monkeypatch.setattr(Engine, "pull", refuse)
    stage.docker = Engine("amd64")
    assert list(smoke_test.run(stage.flight(kept="registry.example/web:1"))) == []
    assert ran == []
    assert "no basic auth credentials" in stage.captured.err.getvalue()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"github_branch": "release", "app_path": "../shop"}, ("../shop", "a push to release")),
        ({"promotion": True}, ("(app)", "`up --image` promotes")),
    ],
)
def test_that_nothing_is_built_is_said_in_one_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    stage.settings = settings
    monkeypatch.setattr(preflight, "plan", lambda *_: stage.flight(kept="web@sha256:4"))
    monkeypatch.setattr(preflight, "CHECKS", ())
    preflight.check(stage.flight().session, None, False, smoke=False)
    (line,) = re.findall(
        r"running image is kept.*", " ".join(stage.captured.err.getvalue().split())
    )
    assert all(word in line for word in (*words, "`up --build`"))


@pytest.mark.parametrize(
    ("tag", "architecture", "problem", "words"),
    [
        ("bad", "X86_64", "image not found", "up --build"),
        ("good", "ARM64", "image for another architecture", "fargate-cd:architecture"),
    ],
)
def test_a_kept_image_must_be_there_and_fit(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    tag: str,
    architecture: str,
    problem: str,
    words: str,
) -> None:
    host = registry(monkeypatch, stage.cloud, "amd64")
    stage.settings = {"architecture": architecture}
    (found,) = preflight._image(stage.flight(kept=f"{host}/web:{tag}"))
    assert found.name == problem
    assert words in (found.setting or "")


def test_a_run_that_fails_is_a_cause_and_is_not_remembered(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts(
        events=("unhealthy in the first 30 s: Health checks failed with these codes: [500]",)
    )
    monkeypatch.setattr(container_run, "run", lambda *_: container_run.Outcome(None, facts))
    stage.docker = docker()
    for _ in range(2):
        (found,) = smoke_test.run(stage.flight("web:1"))
        assert found.name == "health path answered"
        assert "--no-smoke" in (found.setting or "")
    assert ran == []


def test_an_engine_that_does_not_run_it_is_no_fault_of_the_application(
    stage: Stage, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> container_run.Outcome:
        raise DockerError("no docker-init")

    monkeypatch.setattr(container_run, "run", refuse)
    stage.docker = docker()
    assert list(smoke_test.run(stage.flight("web:1"))) == []
    assert ran == []
    assert "no docker-init" in stage.captured.err.getvalue()


@pytest.mark.parametrize(
    ("settings", "with_docker", "words"),
    [({}, False, "No Docker engine"), ({"secrets": {"A": f"{ARN}a-AbCdEf"}}, True, "secrets")],
)
def test_what_can_not_be_run_here_is_told(
    stage: Stage, ran: list[str], settings: dict[str, Any], with_docker: bool, words: str
) -> None:
    stage.settings, stage.docker = settings, docker() if with_docker else None
    assert list(smoke_test.run(stage.flight("web:1"))) == []
    assert ran == []
    assert words in stage.captured.err.getvalue()


def test_problems_are_told_together_with_exit_code_2(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.settings = {"secrets": {"A": f"{ARN}a-AbCdEf", "B": f"{ARN}b-AbCdEf"}}
    monkeypatch.setattr(preflight, "plan", lambda *_: stage.flight())
    monkeypatch.setattr(permissions, "_principal", lambda *_: None)
    with pytest.raises(ConfigurationError) as refused:
        preflight.check(None, None, False, smoke=False)  # type: ignore[arg-type]
    assert refused.value.exit_code == 2
    assert "nothing was touched" in refused.value.message
    assert sum("can't be read" in line for line in refused.value.evidence) == 2


RUNNING = {"taskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:4"}
CONTAINERS = [{"name": "proxy", "image": "proxy:1"}, {"name": "app", "image": "web@sha256:4"}]


@pytest.mark.parametrize(
    ("service", "token", "arguments", "what"),
    [
        (None, "", (None, False), "build"),
        (RUNNING, "", (None, False), "build"),
        (RUNNING, "t", (None, False), "kept"),
        (RUNNING, "t", (None, True), "build"),
        (RUNNING, "t", ("web:1", False), "image"),
        (None, "t", (None, False), "build"),
    ],
)
def test_the_plan_is_what_the_program_will_choose(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    service: dict[str, Any] | None,
    token: str,
    arguments: tuple[str | None, bool],
    what: str,
) -> None:
    stage.settings = (
        {"github_owner": "o", "github_repository": "r", "github_token": token} if token else {}
    )
    session = stage.flight().session
    session.__dict__["service"] = None
    monkeypatch.setattr("automation.preflight.plan.describe_service", lambda *_: service)
    revisions = {RUNNING["taskDefinition"]: {"containerDefinitions": CONTAINERS}}
    monkeypatch.setattr(
        "automation.preflight.plan.task_definition", lambda _cloud, arn: revisions[arn]
    )
    monkeypatch.setattr("automation.preflight.plan.find_engine", lambda: None)
    flight = plan(session, *arguments)
    assert flight.new == (service is None)
    chosen = {"image": flight.image, "build": flight.build, "kept": flight.kept}
    assert [name for name, value in chosen.items() if value] == [what]
    assert flight.kept in (None, "web@sha256:4")


def encrypted_repository(cloud: Cloud, **encryption: str) -> None:
    cloud.client("ecr").create_repository(
        repositoryName=Names("fargate-cd", "dev").repository,
        encryptionConfiguration={"encryptionType": "AES256"} | encryption,
    )


def test_the_key_of_the_images_is_not_taken_away(stage: Stage) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/one"
    encrypted_repository(stage.cloud, encryptionType="KMS", kmsKey=key)
    assert stage.problems() == ["key in use"]
    stage.settings = {"customer_managed_key": True}
    assert stage.problems() == []
    assert "ECR's own key" not in stage.captured.err.getvalue()


def test_a_key_that_comes_too_late_for_the_images_is_told(stage: Stage) -> None:
    encrypted_repository(stage.cloud)
    assert stage.problems() == []
    assert "ECR's own key" not in stage.captured.err.getvalue()
    stage.settings = {"customer_managed_key": True}
    assert stage.problems() == []
    assert "stay encrypted with ECR's own key" in stage.captured.err.getvalue()


def test_who_may_not_look_the_key_up_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    denied: Any = {"Error": {"Code": "AccessDeniedException", "Message": ""}}

    def refuse(**_names: Any) -> None:
        raise ClientError(denied, "DescribeRepositories")

    monkeypatch.setattr(stage.cloud.client("ecr"), "describe_repositories", refuse)
    assert stage.problems() == []
    assert "can't be looked up" in stage.captured.err.getvalue()


ZONES = (
    ("us-east-1a", "available", "opt-in-not-required", "availability-zone", "use1-az1"),
    ("us-east-1b", "available", "opt-in-not-required", "availability-zone", "use1-az2"),
    ("us-east-1c", "impaired", "opt-in-not-required", "availability-zone", "use1-az3"),
    ("us-east-1d", "available", "opt-in-not-required", "availability-zone", "usw1-az2"),
)
ZONE_MEMBERS = ("ZoneName", "State", "OptInStatus", "ZoneType", "ZoneId")


@pytest.mark.parametrize(
    ("second", "found"),
    [("b", []), ("c", ["zone"]), ("d", ["zone"]), ("z", ["zone"])],
)
def test_named_zones_must_be_there_and_run_fargate(
    stage: Stage, second: str, found: list[str]
) -> None:
    rows = [dict(zip(ZONE_MEMBERS, values, strict=True)) for values in ZONES]
    ec2 = SimpleNamespace(describe_availability_zones=lambda: {"AvailabilityZones": rows})
    stage.cloud = SimpleNamespace(client=lambda _service: ec2)
    stage.settings = {"zones": ["us-east-1a", f"us-east-1{second}"]}
    assert [each.name for each in zones(stage.flight())] == found
