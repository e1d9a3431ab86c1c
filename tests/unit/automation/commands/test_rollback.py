"""A rollback puts back a whole release, or in a stack with a pipeline its image alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from automation.aws.ecs import ServiceName
from automation.commands import rollback as module
from automation.commands.rollback import deployable, require_ports, require_secrets, rollback
from automation.deployment.releases import Release
from automation.errors import ConfigurationError
from infra.policies.tasks import execution
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

ARN = "arn:aws:ecs:us-east-1:1:task-definition/fargate-cd-dev:"


def definition(number: int, image: str, port: int = 9292, **more: Any) -> dict[str, Any]:
    container = {"name": "app", "image": image, "portMappings": [{"containerPort": port}]}
    told = {"taskDefinitionArn": f"{ARN}{number}", "revision": number, "status": "ACTIVE"}
    return {"family": "f", "containerDefinitions": [container], **told, **more}


class FakeEcs:
    """Task definitions by number; remembers what is registered and deployed."""

    meta = boto3.client("ecs", region_name="us-east-1").meta

    def __init__(self, serving: int, *definitions: dict[str, Any]) -> None:
        self.definitions = {row["taskDefinitionArn"]: row for row in definitions}
        balancer = {"targetGroupArn": "g", "containerName": "app", "containerPort": 9292}
        self.service: dict[str, Any] = {
            "status": "ACTIVE",
            "taskDefinition": f"{ARN}{serving}",
            "loadBalancers": [balancer],
            "runningCount": 2,
        }
        self.healthy = True
        self.updates: list[dict[str, Any]] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def client(self, _service: str) -> FakeEcs:
        return self

    def pages(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": [self.service]}

    def describe_target_health(self, **_: Any) -> dict[str, Any]:
        state = "healthy" if self.healthy else "unhealthy"
        row = {"Target": {"Id": "10.0.0.1", "Port": 9292}, "TargetHealth": {"State": state}}
        return {"TargetHealthDescriptions": [row]}

    def describe_task_definition(self, taskDefinition: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"taskDefinition": self.definitions[taskDefinition]}

    def register_task_definition(self, **given: Any) -> dict[str, Any]:
        number = len(self.definitions) + 1
        row = {**given, "taskDefinitionArn": f"{ARN}{number}", "status": "ACTIVE"}
        self.definitions[row["taskDefinitionArn"]] = row
        return {"taskDefinition": row}

    def update_service(self, **given: Any) -> dict[str, Any]:
        self.updates.append(given)
        return {}


def release(number: int, image: str, state: str = "superseded") -> Release:
    return Release(number, image, None, datetime.now(UTC), state, f"{ARN}{number}")


def session(captured: Captured, ecs: FakeEcs, pipeline: str | None = None) -> Any:
    return SimpleNamespace(
        screen=captured.screen,
        cloud=ecs,
        service=ServiceName("c", "s"),
        services={"web": ServiceName("c", "s")},
        pipeline=pipeline,
        file=SimpleNamespace(name="dev", path=Path("Pulumi.dev.yaml"), settings=Settings.parse({})),
        outputs=dict,
    )


def rolled_back(
    monkeypatch: pytest.MonkeyPatch, one: Any, found: list[Release], to: int | None = None
) -> None:
    class Opened:
        def __enter__(self) -> Any:
            return one

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(module, "opened", lambda *_, **__: Opened())
    monkeypatch.setattr(module, "stack_releases", lambda *_: found)
    monkeypatch.setattr(module, "report", lambda *_: 0)
    assert rollback("dev", one.screen, to) == 0


def test_a_whole_release_is_put_back_where_no_pipeline_releases(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs = FakeEcs(3, definition(1, "web:1"), definition(2, "web:1", cpu="512"))
    ecs.definitions[f"{ARN}3"] = definition(3, "web:1", cpu="512")
    found = [release(3, "web:1", "current"), release(2, "web:1"), release(1, "web:1")]
    rolled_back(monkeypatch, session(captured, ecs), found)
    assert ecs.updates[0]["taskDefinition"] == f"{ARN}1"  # 2 has the content that runs
    assert ecs.updates[0]["forceNewDeployment"] is False


def test_with_a_pipeline_the_image_goes_back_and_the_settings_stay(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs = FakeEcs(3, definition(1, "web:1"), definition(2, "web:2"))
    ecs.definitions[f"{ARN}3"] = definition(3, "web:2", cpu="512", memory="1024")
    found = [release(3, "web:2", "current"), release(2, "web:2"), release(1, "web:1")]
    rolled_back(monkeypatch, session(captured, ecs, "pipeline"), found)
    made = ecs.definitions[ecs.updates[0]["taskDefinition"]]
    assert made["taskDefinitionArn"] == f"{ARN}4"
    assert (made["containerDefinitions"][0]["image"], made["cpu"]) == ("web:1", "512")
    assert "settings of the last `up`" in captured.err.getvalue()
    assert "Release 1 is now release 4" in captured.err.getvalue()


def test_a_revision_that_is_deregistered_is_registered_anew(captured: Captured) -> None:
    ecs = FakeEcs(2, definition(1, "web:1", status="INACTIVE"), definition(2, "web:2"))
    assert deployable(session(captured, ecs), release(1, "web:1")) == f"{ARN}3"


def test_the_release_that_runs_is_put_back_only_where_the_service_is_down(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs = FakeEcs(1, definition(1, "web:1"))
    one, found = session(captured, ecs), [release(1, "web:1", "current")]
    with pytest.raises(ConfigurationError, match="is the one that runs"):
        rolled_back(monkeypatch, one, found, to=1)
    ecs.healthy = False
    rolled_back(monkeypatch, one, found, to=1)
    assert ecs.updates[0]["forceNewDeployment"] is True


def test_a_release_of_another_process_leaves_this_one_alone(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs = FakeEcs(1, definition(1, "web:1"))
    of_worker = "arn:aws:ecs:us-east-1:1:task-definition/worker:"
    for number in (1, 2):
        ecs.definitions[f"{of_worker}{number}"] = definition(number, "web:1", cpu=str(number))
    runs = {"web": f"{ARN}1", "worker": f"{of_worker}2"}
    monkeypatch.setattr(module.processes, "running", lambda _session: runs)
    followed: list[tuple[str, Release]] = []
    monkeypatch.setattr(module.processes, "follow", lambda _session, *given: followed.append(given))
    one = session(captured, ecs)
    one.services["worker"] = ServiceName("c", "worker")
    before = {"web": f"{ARN}1", "worker": f"{of_worker}1"}
    found = [
        replace(release(1, "web:1", "current"), processes=runs),
        replace(release(1, "web:1"), processes=before),
    ]
    for to in (None, 1):
        rolled_back(monkeypatch, one, found, to)
    assert ecs.updates == []
    assert followed == [("worker", found[1])] * 2


def test_another_port_is_refused_with_what_to_do(captured: Captured) -> None:
    ecs = FakeEcs(2, definition(1, "web:1", 3000), definition(2, "web:2"))
    with pytest.raises(ConfigurationError, match="listens on port 3000") as refused:
        require_ports(session(captured, ecs), ecs.service, release(1, "web:1"))
    assert "container_port: 3000 in Pulumi.dev.yaml" in refused.value.evidence[0]
    assert "up --stack dev --image web:1" in refused.value.evidence[0]


SECRET = "arn:aws:secretsmanager:us-east-1:1:secret:dsn-AbCdEf"


def rights(*arns: str) -> dict[str, Any]:
    """The state of a stack whose tasks may read these secrets."""
    policy = json.dumps(execution(["arn:aws:ecr:us-east-1:1:repository/web"], "arn:log", arns))
    urn = "urn:pulumi:dev::fargate-cd::aws:iam/rolePolicy:RolePolicy::roles-"
    rows = [
        {"urn": f"{urn}start-tasks-a1b2", "outputs": {"policy": policy}},
        {"urn": f"{urn}start-previews", "outputs": {"policy": "{}"}},
        {"urn": "urn:pulumi:dev::fargate-cd::pulumi:pulumi:Stack::stack"},
    ]
    return {"deployment": {"resources": rows}}


def reading(value_from: str) -> FakeEcs:
    first = definition(1, "web:1")
    first["containerDefinitions"][0]["secrets"] = [{"name": "DSN", "valueFrom": value_from}]
    return FakeEcs(2, first, definition(2, "web:2"))


def test_a_secret_that_was_taken_away_is_refused_with_what_to_do(captured: Captured) -> None:
    one = session(captured, reading(f"{SECRET}:key::"))
    one.state = rights
    with pytest.raises(ConfigurationError):
        require_secrets(one, release(1, "web:1"))
    one.state = lambda: rights("arn:aws:ssm:us-east-1:1:parameter/other")
    with pytest.raises(ConfigurationError, match="taken from the tasks' rights: DSN") as refused:
        require_secrets(one, release(1, "web:1"))
    assert f"DSN: {SECRET}:key::" in refused.value.evidence[0]
    assert "up --stack dev --image web:1" in refused.value.evidence[0]


@pytest.mark.parametrize("state", [rights(SECRET), rights(f"{SECRET[:-6]}??????"), {}])
def test_a_secret_that_the_tasks_may_read_is_no_hindrance(
    captured: Captured, state: dict[str, Any]
) -> None:
    """Nor are rights that another stack's role has, as for a preview."""
    one = session(captured, reading(f"{SECRET}:key::"))
    one.state = lambda: state
    require_secrets(one, release(1, "web:1"))
    one.state = rights
    require_secrets(one, release(2, "web:2"))
