"""Sidecars: further containers in the tasks of the application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra.settings.sidecars import Sidecar
from tests.unit.infra.recorder import ACCOUNT, REGION, Recording, custom, record, start_tasks

IMAGE = "registry.example.com/team/app:1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
SECRET = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/otel"
OTEL: dict[str, Any] = {
    "image": "registry.example.com/otel/collector:1",
    "command": ["--config", "env:CONFIG"],
    "entry_point": ["/otelcol"],
    "environment": {"CONFIG": "receivers"},
    "secrets": {"KEY": SECRET},
    "port": 4317,
    "cpu": 32,
    "memory": 128,
    "health_check_command": ["/healthcheck"],
    "startup_seconds": 5,
    "app_depends_on": "HEALTHY",
    "stop_timeout": 7,
    "writable_paths": ["/queue:8"],
}


def made(sidecars: Mapping[str, Any], **settings: str) -> Recording:
    return record({"image": IMAGE, "sidecars": json.dumps(sidecars), **settings})


def of_worker(recording: Recording) -> dict[str, dict[str, Any]]:
    definition = recording.one("TaskDefinition", "process-worker-definition")
    return {each["name"]: each for each in json.loads(definition.inputs["containerDefinitions"])}


def test_a_sidecar_has_the_words_of_the_application() -> None:
    found = made({"otel": OTEL}).containers
    assert list(found) == ["app", "otel"]
    assert found["otel"] == {
        "name": "otel",
        "image": OTEL["image"],
        "essential": True,
        "user": "10001:10001",
        "readonlyRootFilesystem": True,
        "privileged": False,
        "linuxParameters": {
            "capabilities": {"drop": ["ALL"]},
            "initProcessEnabled": True,
            "tmpfs": [{"containerPath": "/queue", "size": 8}],
        },
        "stopTimeout": 7,
        "portMappings": [{"containerPort": 4317, "hostPort": 4317, "protocol": "tcp"}],
        "environment": [
            {"name": "CONFIG", "value": "receivers"},
            {"name": "DRAIN_SECONDS", "value": "5"},
            {"name": "PORT", "value": "4317"},
        ],
        "secrets": [{"name": "KEY", "valueFrom": SECRET}],
        "mountPoints": [
            {
                "sourceVolume": f"session-{kind}-otel",
                "containerPath": folder,
                "readOnly": False,
            }
            for kind, folder in (("state", "/var/lib/amazon"), ("logs", "/var/log/amazon"))
        ],
        "logConfiguration": found["app"]["logConfiguration"],
        "command": OTEL["command"],
        "entryPoint": OTEL["entry_point"],
        "healthCheck": {
            "command": ["CMD", "/healthcheck"],
            "interval": 10,
            "timeout": 5,
            "retries": 3,
            "startPeriod": 5,
        },
        "cpu": 32,
        "memory": 128,
        "startTimeout": 120,
    }


def test_the_application_starts_after_what_it_depends_on() -> None:
    init = {"image": "init:1", "essential": False, "app_depends_on": "SUCCESS"}
    found = made({"otel": OTEL, "init": init, "late": {"image": "late:1"}}).containers
    assert found["app"]["dependsOn"] == [
        {"containerName": "init", "condition": "SUCCESS"},
        {"containerName": "otel", "condition": "HEALTHY"},
    ]
    assert (found["init"]["essential"], found["init"]["startTimeout"]) == (False, 120)
    assert "startTimeout" not in found["late"]


def test_a_sidecar_may_start_after_the_application_or_another_one() -> None:
    proxy = {"image": "proxy:1", "depends_on": {"app": "START", "otel": "START"}}
    found = made({"otel": {"image": "otel:1"}, "proxy": proxy}).containers
    assert found["proxy"]["dependsOn"] == [
        {"containerName": "app", "condition": "START"},
        {"containerName": "otel", "condition": "START"},
    ]
    assert "startTimeout" not in found["app"]
    assert "dependsOn" not in found["app"]


@pytest.mark.parametrize(
    ("processes", "web", "worker"),
    [([], True, True), (["web"], True, False), (["worker"], False, True)],
)
def test_it_runs_in_the_tasks_of_the_processes_that_it_names(
    processes: list[str], web: bool, worker: bool
) -> None:
    sidecar = {"image": "otel:1", "app_depends_on": "START", "processes": processes}
    found = made({"otel": sidecar}, processes='{"worker": {"command": ["work"]}}')
    for containers, has in ((found.containers, web), (of_worker(found), worker)):
        assert ("otel" in containers) is has
        assert ("dependsOn" in containers["app"]) is has
    if worker:
        options = of_worker(found)["otel"]["logConfiguration"]["options"]
        assert options["awslogs-stream-prefix"] == "worker"


def test_root_must_be_said() -> None:
    assert Sidecar(image="a:1").user == "10001:10001"
    assert made({"otel": {"image": "a:1", "user": "root"}}).containers["otel"]["user"] == "root"


def test_a_low_port_of_one_container_is_a_system_control_of_all() -> None:
    found = made({"proxy": {"image": "proxy:1", "port": 80}}).containers
    control = [{"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    assert [each["systemControls"] for each in found.values()] == [control, control]


@pytest.mark.parametrize(
    ("image", "further"),
    [
        (f"{HOST}/team/otel:1", ["team/otel"]),
        (f"{HOST}/team/otel@sha256:{'0' * 64}", ["team/otel"]),
        ("public.ecr.aws/aws-observability/aws-otel-collector:v0.43.0", []),
        ("otel/opentelemetry-collector:0.115.0", []),
    ],
)
def test_an_image_in_ecr_is_pulled_by_exact_rights(image: str, further: list[str]) -> None:
    found = made({"otel": {"image": image}})
    policies = [start_tasks(found), found.one("RolePolicy", "roles-start-previews")]
    for policy in policies:
        statements = json.loads(policy.inputs["policy"])["Statement"]
        (pull,) = (each["Resource"] for each in statements if each["Sid"] == "Pull")
        names = {arn.partition(":repository/")[2] for arn in pull}
        assert names - {"fargate-cd-dev", "fargate-cd-dev-previews"} == set(further)


def test_its_secrets_are_read_under_the_execution_role() -> None:
    policy = json.loads(start_tasks(made({"otel": OTEL})).inputs["policy"])
    assert [SECRET] in [each["Resource"] for each in policy["Statement"]]


def test_sidecars_add_no_resource() -> None:
    without = sorted(each.token for each in custom(made({}).resources))
    found = custom(made({"otel": OTEL}).resources)
    assert sorted(each.token for each in found) == without
