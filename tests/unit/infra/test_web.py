"""An application without a web process: nothing of a load balancer, and a process in its place."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any

import pulumi
import pytest

from infra.image.image import Release
from infra.settings.contradictions import OF_WEB
from infra.settings.model import Settings, SettingsError
from infra.shared import EnvironmentMissing
from tests.unit.infra import recorder
from tests.unit.infra.recorder import REGION, Recording, record

WORKERS = {"worker": {"command": ["work"]}, "archiver": {"command": ["archive"], "min_count": 2}}
SETTINGS = {"web": "false", "processes": json.dumps(WORKERS)}
OF_REQUESTS = {
    *("LoadBalancer", "TargetGroup", "Listener", "ListenerRule", "Certificate", "Record"),
    *("WebAcl", "SecurityGroupIngressRule", "Parameter"),
}


@cache
def made(**settings: str) -> Recording:
    return record({**SETTINGS, **settings})


def kinds(recording: Recording) -> set[str]:
    return {each.token.rsplit(":", 1)[-1] for each in recorder.custom(recording.resources)}


def test_nothing_takes_requests_and_nobody_reaches_a_task() -> None:
    assert not kinds(made()) & OF_REQUESTS
    (group,) = made().of("SecurityGroup")
    assert group.inputs["name"] == "fargate-cd-dev-tasks"
    assert {each.inputs["name"] for each in made().of("Service")} == {
        "fargate-cd-dev_worker",
        "fargate-cd-dev_archiver",
    }
    assert all(not each.inputs.get("loadBalancers") for each in made().of("Service"))


def test_nothing_is_made_for_previews() -> None:
    assert [each.inputs["name"] for each in made().of("Repository")] == ["fargate-cd-dev"]
    assert {each.name for each in made().of("Role")} == {"roles-execution", "roles-task"}


def test_the_outputs_have_no_address_and_name_the_first_process() -> None:
    assert made().outputs.keys() == {
        *("repository_url", "cluster_name", "service_name", "log_group_name", "image_uri"),
        "built_tag",
    }
    assert made().outputs["service_name"] == "fargate-cd-dev_archiver"


def test_alarms_and_graphs_are_of_the_processes() -> None:
    alarms = {each.inputs["name"] for each in made().of("MetricAlarm")}
    assert alarms == {f"fargate-cd-dev_{name}-too-few-tasks" for name in WORKERS}
    body = json.loads(made().one("Dashboard", "dashboard-dashboard").inputs["dashboardBody"])
    titles = [each["properties"]["title"] for each in body["widgets"]]
    graphs = ("CPU and memory in percent", "Running tasks")
    assert titles == ["Alarms", *(f"{name}: {graph}" for name in WORKERS for graph in graphs)]
    assert "ApplicationELB" not in str(body)
    assert "fargate-cd-dev_archiver" in str(body)
    assert body["widgets"][-1]["properties"]["annotations"]["horizontal"][0]["value"] == 2


def test_jobs_and_the_release_command_use_the_first_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hooks: list[Any] = []
    monkeypatch.setattr(pulumi, "ResourceHook", lambda _name, run: hooks.append(run))
    monkeypatch.setattr(pulumi, "ResourceHookBinding", lambda **_: None)
    ran: list[Any] = []
    job = {"nightly": {"command": ["tidy"], "schedule": "rate(1 day)"}}
    settings = {"jobs": json.dumps(job), "release_command": '["migrate"]'}
    found = record({**SETTINGS, **settings}, release=Release(runner=ran.append))
    machine = json.loads(found.one("StateMachine").inputs["definition"])
    asked = machine["States"]["Release"]["Parameters"]["Services"]
    assert asked == ["fargate-cd-dev_archiver"]
    loop = asyncio.new_event_loop()
    loop.run_until_complete(hooks[0](None))
    loop.close()
    assert "process-archiver" in ran[0].definition or "_archiver" in ran[0].definition


def test_the_pipeline_deploys_every_process() -> None:
    connection = f"arn:aws:codeconnections:{REGION}:123456789012:connection/1-2"
    found = made(github_owner="octo", github_repository="shop", connection_arn=connection)
    stage = found.one("Pipeline", "pipeline-pipeline").inputs["stages"][-1]
    deployed = {each["name"]: each["configuration"]["ServiceName"] for each in stage["actions"]}
    assert deployed == {
        "Deploy": "fargate-cd-dev_archiver",
        "Deploy-worker": "fargate-cd-dev_worker",
    }


def test_it_runs_in_the_place_of_an_environment() -> None:
    told = recorder.shared(record({}))
    found = record(
        {**SETTINGS, "in_environment": "dev"},
        stack="jobs",
        answers={recorder.READ_SHARED: recorder.telling(told)},
    )
    assert not kinds(found) & {*OF_REQUESTS, "Vpc", "Cluster"}
    assert found.outputs["cluster_name"] == "fargate-cd-dev"
    assert found.outputs["service_name"] == "fargate-cd-jobs_archiver"


def test_it_shares_no_place() -> None:
    with pytest.raises(EnvironmentMissing, match="`web: false`"):
        record(
            {"in_environment": "dev", "route_paths": '["/api/*"]'},
            stack="api",
            answers={recorder.READ_SHARED: lambda _: {"names": [], "values": []}},
        )


OTHER: dict[str, object] = {
    "container_port": 8080,
    "health_check_path": "/ok",
    "domain": "app.example.com",
    "strategy": "canary",
    "requests_per_target": 5,
    "internal": True,
    "route_paths": ["/api/*"],
    "github_actions": True,
    "preview_settings": {"cpu": 512, "memory": 1024},
    "command": ["serve"],
    "cpu": 512,
}


@pytest.mark.parametrize("name", OTHER)
def test_what_only_a_web_process_has_is_refused_by_name(name: str) -> None:
    assert name in OF_WEB
    given = {"web": False, "processes": WORKERS, name: OTHER[name], "memory": 1024}
    with pytest.raises(SettingsError, match=rf"fargate-cd:web = .*: leave out .*\b{name}\b"):
        Settings.parse(given)


def test_its_processes_have_sidecars_and_its_jobs_those_of_the_first() -> None:
    sidecars = {"otel": {"image": "otel:1", "port": 9292, "processes": ["archiver"]}}
    job = {"nightly": {"command": ["tidy"], "schedule": "rate(1 day)"}}
    recording = made(sidecars=json.dumps(sidecars), jobs=json.dumps(job))
    containers = {
        each.inputs["family"]: [c["name"] for c in json.loads(each.inputs["containerDefinitions"])]
        for each in recording.of("TaskDefinition")
    }
    assert containers == {
        "fargate-cd-dev_archiver": ["app", "otel"],
        "fargate-cd-dev_worker": ["app"],
    }


def test_a_preview_of_it_is_refused() -> None:
    with pytest.raises(SettingsError, match="dev has no web process, so there is nothing to prev"):
        Settings.parse({"web": False, "processes": WORKERS, "preview_of": "dev"})


def test_every_setting_of_the_web_process_is_one() -> None:
    assert set(OF_WEB) <= set(Settings.model_fields)
