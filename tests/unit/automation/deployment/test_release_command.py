"""The release command: when it runs, when it does not, and how its failure is told."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from automation.aws.ecs import ServiceName
from automation.deployment import one_off, release_command
from automation.deployment.release_command import ReleaseCommand
from automation.errors import DriverError, ReleaseCommandFailed
from automation.stack.operations import Session
from infra.names import Names, release_mark
from infra.service.release_command import ReleaseTask
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

RUNNING, NEW = ("repository@sha256:" + digit * 64 for digit in "12")
TASK = ReleaseTask("web:2", "shop", ["subnet-1"], "sg-1", public=True)
IMAGES = {"web:1": RUNNING, "web:2": NEW}
OPTIONS = {"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "app"}


class Account:
    """ECS and CloudWatch Logs, as far as the release command asks them."""

    def __init__(self) -> None:
        self.service: str | None = "web:1"
        self.streams: set[str] = set()
        self.tasks: dict[str, tuple[str, int | None]] = {}
        self.status: int | None = 0
        self.started: list[dict[str, Any]] = []
        self.group = "family:fargate-cd-dev"

    def client(self, _service: str) -> Account:
        return self

    def pages(self, _service: str, operation: str, key: str, **asked: Any) -> list[Any]:
        found: list[Any] = getattr(self, operation)(**asked)[key]
        return found

    def describe_services(self, **_: Any) -> dict[str, Any]:
        row = {"status": "ACTIVE", "taskDefinition": self.service}
        return {"services": [row] if self.service else []}

    def describe_task_definition(self, **asked: Any) -> dict[str, Any]:
        image = IMAGES[asked["taskDefinition"]]
        container = {"name": "app", "image": image, "logConfiguration": {"options": OPTIONS}}
        return {"taskDefinition": {"containerDefinitions": [container]}}

    def describe_log_streams(self, **asked: Any) -> dict[str, Any]:
        assert asked["logGroupName"] == "/ecs/fargate-cd-dev/app"
        prefix = asked["logStreamNamePrefix"]
        return {"logStreams": [name for name in self.streams if name.startswith(prefix)]}

    def create_log_stream(self, **asked: Any) -> None:
        self.streams.add(asked["logStreamName"])

    def list_tasks(self, **asked: Any) -> dict[str, Any]:
        assert asked["startedBy"] == release_mark(NEW)
        status = asked["desiredStatus"]
        return {"taskArns": [arn for arn, (state, _) in self.tasks.items() if state == status]}

    def describe_tasks(self, **asked: Any) -> dict[str, Any]:
        rows = []
        for arn in asked["tasks"]:
            code = self.tasks[arn][1]
            container = {"name": "app"} | ({} if code is None else {"exitCode": code})
            row = {"taskArn": arn, "lastStatus": "STOPPED", "containers": [container]}
            rows.append({**row, "group": self.group})
        return {"tasks": rows}

    def run_task(self, **asked: Any) -> dict[str, Any]:
        self.started.append(asked)
        self.tasks["task/new"] = ("RUNNING", self.status)
        return {"failures": [], "tasks": [{"taskArn": "task/new"}]}

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        if self.status is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetLogEvents")
        events = [] if asked.get("nextToken") == "end" else [{"message": "no table"}]
        return {"events": events, "nextForwardToken": "end"}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    account = Account()
    monkeypatch.setattr(one_off, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(one_off, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(release_command, "Cloud", lambda **_: account)
    return account


@pytest.fixture
def command(captured: Captured) -> ReleaseCommand:
    return prepared(captured)


def prepared(captured: Captured, **settings: object) -> ReleaseCommand:
    command = ReleaseCommand(captured.screen)
    values = Settings.parse({"release_command": ["migrate", "--all"], **settings})
    session = SimpleNamespace(
        file=SimpleNamespace(settings=values),
        service=ServiceName("shop", "web"),
        names=Names("fargate-cd", "dev"),
        provider=None,
    )
    command.session = cast(Session, session)
    return command


def test_a_new_image_runs_it_as_the_web_process_would_run(
    command: ReleaseCommand, account: Account
) -> None:
    command(TASK)
    (asked,) = account.started
    assert asked["taskDefinition"] == "web:2"
    assert asked["cluster"] == "shop"
    assert asked["startedBy"] == release_mark(NEW)
    (override,) = asked["overrides"]["containerOverrides"]
    assert override == {"name": "app", "command": ["migrate", "--all"]}
    network = asked["networkConfiguration"]["awsvpcConfiguration"]
    assert network == {
        "subnets": ["subnet-1"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "ENABLED",
    }


def test_it_runs_before_there_is_a_service(command: ReleaseCommand, account: Account) -> None:
    account.service = None
    command(TASK)
    assert account.started


def test_it_never_runs_twice_for_one_image(captured: Captured, account: Account) -> None:
    for _ in range(2):
        prepared(captured)(TASK)
    assert len(account.started) == 1
    assert "it is not repeated" in captured.err.getvalue()


def test_an_image_that_runs_already_is_no_release(
    command: ReleaseCommand, account: Account
) -> None:
    account.service = "web:2"
    command(TASK)
    assert not account.started


def test_every_update_runs_it_once_where_that_is_asked_for(
    captured: Captured, account: Account
) -> None:
    account.service = "web:2"
    for _ in range(2):
        command = prepared(captured, release_command_on="every_update")
        command(TASK)
        command(TASK)
        account.tasks.clear()
    assert len(account.started) == 2


@pytest.mark.parametrize("state", ["RUNNING", "STOPPED"])
def test_a_task_that_a_killed_driver_left_behind_is_followed(
    state: str, command: ReleaseCommand, account: Account
) -> None:
    account.tasks = {"task/old": (state, 0)}
    command(TASK)
    assert not account.started
    assert account.streams == {release_mark(NEW)}


def test_a_task_of_the_pipeline_is_followed_and_one_of_a_preview_is_not(
    captured: Captured, account: Account
) -> None:
    account.tasks = {"task/old": ("RUNNING", 0)}
    account.group = "family:fargate-cd-dev__release"
    prepared(captured)(TASK)
    assert not account.started
    account.streams.clear()
    account.group = "family:fargate-cd-dev-preview-login"
    prepared(captured)(TASK)
    assert account.started


def test_a_failed_one_is_run_again(command: ReleaseCommand, account: Account) -> None:
    account.tasks = {"task/old": ("STOPPED", 1)}
    command(TASK)
    assert account.started


def test_a_failure_is_told_with_its_log_and_not_remembered_as_done(
    command: ReleaseCommand, account: Account
) -> None:
    account.status = 3
    with pytest.raises(ReleaseCommandFailed, match=r"migrate --all ended with exit code 3") as it:
        command(TASK)
    assert it.value.evidence[-1] == "no table"
    assert command.failure is it.value
    assert not account.streams


def test_a_command_that_never_ran_is_told_with_the_reason(
    command: ReleaseCommand, account: Account
) -> None:
    account.status = None
    with pytest.raises(DriverError, match="never ran; nothing was released"):
        command(TASK)
    assert not isinstance(command.failure, ReleaseCommandFailed)


@pytest.mark.parametrize("image", [NEW, "registry.example.com:5000/team/app:1"])
def test_the_mark_is_one_that_ecs_and_the_log_take(image: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9/_-]{1,128}", release_mark(image))
