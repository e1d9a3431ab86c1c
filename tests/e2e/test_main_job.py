"""The main job, in the order in which a team meets it: up, again, change, refuse, destroy.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import docker
import pytest

from tests.e2e.checkout import Checkout

OUTPUTS = {
    "service_url",
    "repository_url",
    "cluster_name",
    "service_name",
    "log_group_name",
    "image_uri",
}


def get(url: str) -> str:
    """The body behind a URL, on a connection of its own."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def inventory(checkout: Checkout) -> dict[str, list[str]]:
    """What exists in the local cloud, by kind, as plain boto3 sees it."""
    ec2, ecs, elbv2 = (checkout.client(name) for name in ("ec2", "ecs", "elbv2"))
    found: dict[str, tuple[list[Any], str | None]] = {
        "vpcs": (ec2.describe_vpcs()["Vpcs"], "VpcId"),
        "subnets": (ec2.describe_subnets()["Subnets"], "SubnetId"),
        "security groups": (ec2.describe_security_groups()["SecurityGroups"], "GroupId"),
        "gateways": (ec2.describe_internet_gateways()["InternetGateways"], "InternetGatewayId"),
        "route tables": (ec2.describe_route_tables()["RouteTables"], "RouteTableId"),
        "clusters": (ecs.list_clusters()["clusterArns"], None),
        "active revisions": (
            ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"],
            None,
        ),
        "inactive revisions": (
            ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"],
            None,
        ),
        "repositories": (
            checkout.client("ecr").describe_repositories()["repositories"],
            "repositoryArn",
        ),
        "log groups": (checkout.client("logs").describe_log_groups()["logGroups"], "logGroupName"),
        "roles": (checkout.client("iam").list_roles()["Roles"], "RoleName"),
        "load balancers": (elbv2.describe_load_balancers()["LoadBalancers"], "LoadBalancerArn"),
        "target groups": (elbv2.describe_target_groups()["TargetGroups"], "TargetGroupArn"),
        "scalable targets": (
            checkout.client("application-autoscaling").describe_scalable_targets(
                ServiceNamespace="ecs"
            )["ScalableTargets"],
            "ResourceId",
        ),
    }
    return {
        kind: sorted(str(row if key is None else row[key]) for row in rows)
        for kind, (rows, key) in found.items()
    }


def containers(checkout: Checkout) -> list[str]:
    """The ids of the containers that this checkout's local cloud runs."""
    instance = checkout.json("local", "status")["instance"]
    filters = {"label": f"fargate-cd.instance={instance}"}
    found = docker.from_env().containers.list(all=True, ignore_removed=True, filters=filters)  # type: ignore[arg-type]
    return sorted(container.id for container in found)


@pytest.fixture(scope="module")
def fresh(checkout: Checkout) -> dict[str, list[str]]:
    """What a local cloud has before any stack."""
    started = checkout.run("local", "start")
    assert started.returncode == 0, started.stderr
    return inventory(checkout)


@pytest.fixture(scope="module")
def created(checkout: Checkout, fresh: dict[str, list[str]]) -> dict[str, Any]:
    """The document of the first `up`."""
    return checkout.json("up", "--stack", "local", "--yes")


def test_up_ends_healthy_with_every_output(created: dict[str, Any]) -> None:
    assert created["result"] == "succeeded"
    assert created["diagnosis"] is None
    assert created["changes"]["create"] > 20
    assert created["outputs"].keys() >= OUTPUTS
    assert "@sha256:" in created["outputs"]["image_uri"]


def test_two_containers_answer(checkout: Checkout, created: dict[str, Any]) -> None:
    url = checkout.run("outputs", "service_url", "--stack", "local").stdout.strip()
    assert url == created["outputs"]["service_url"]
    bodies = {get(url) for _ in range(20)}
    assert all("Hello World!" in body for body in bodies)
    assert len(bodies) == 2, "each container names itself, so two bodies mean two containers"


def test_a_second_up_changes_nothing(checkout: Checkout, created: dict[str, Any]) -> None:
    before = containers(checkout)
    again = checkout.json("up", "--stack", "local", "--yes")
    assert {k: v for k, v in again["changes"].items() if v and k != "same"} == {}
    assert containers(checkout) == before


def test_a_preview_expects_no_changes(checkout: Checkout, created: dict[str, Any]) -> None:
    done = checkout.run("preview", "--stack", "local", "--expect-no-changes")
    assert done.returncode == 0, done.stderr


def test_wrong_settings_touch_nothing(checkout: Checkout, created: dict[str, Any]) -> None:
    wrong = {
        "container_port": 0,
        "availability_zones": 1,
        "cpu": 256,
        "memory": 8192,
        "vpc_cidr": "10.0.0.0/33",
        "colour": "blue",
    }
    checkout.configure(**wrong)
    done = checkout.run("up", "--stack", "local", "--yes")
    checkout.configure(**dict.fromkeys(wrong))
    assert done.returncode == 2
    for name in ("container_port", "availability_zones", "memory", "vpc_cidr", "colour"):
        assert name in done.stderr


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        ("RUN false", "false"),
        # /dev/full answers every write as a full disk does: full(4).
        (
            "RUN [\"python3\", \"-c\", \"open('/dev/full', 'wb', 0).write(b'x')\"]",
            "The disk is full",
        ),
    ],
    ids=["broken", "full disk"],
)
def test_a_failed_build_leaves_the_service(
    checkout: Checkout, created: dict[str, Any], step: str, cause: str
) -> None:
    dockerfile = checkout.root / "app" / "Dockerfile"
    good = dockerfile.read_text()
    before = containers(checkout)
    dockerfile.write_text(f"{good}\n{step}\n")
    try:
        failed = checkout.run("up", "--stack", "local", "--yes")
    finally:
        dockerfile.write_text(good)
    assert failed.returncode == 1, failed.stderr
    assert cause in failed.stderr
    assert containers(checkout) == before
    assert "Hello World!" in get(created["outputs"]["service_url"])


def test_a_missing_docker_engine_is_named(checkout: Checkout, created: dict[str, Any]) -> None:
    nobody = f"unix://{checkout.root}/no-docker.sock"
    failed = checkout.run("up", "--stack", "local", "--yes", DOCKER_HOST=nobody)
    assert failed.returncode == 1, failed.stderr
    assert f"DOCKER_HOST is {nobody}: start the engine there" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "Hello World!" in get(created["outputs"]["service_url"])


def test_other_cpu_replaces_only_the_task_definition(
    checkout: Checkout, created: dict[str, Any]
) -> None:
    checkout.configure(cpu=512, memory=1024)
    changed = checkout.json("up", "--stack", "local", "--yes")
    assert changed["result"] == "succeeded"
    changes = {k: v for k, v in changed["changes"].items() if v and k != "same"}
    assert changes.get("replace") == 1, "the task definition"
    assert changes.get("update") == 1, "the service"
    assert set(changes) <= {"replace", "update"}
    assert "Hello World!" in get(created["outputs"]["service_url"])


def test_destroy_without_yes_asks_nobody(checkout: Checkout, created: dict[str, Any]) -> None:
    done = checkout.run("destroy", "--stack", "local")
    assert done.returncode == 2
    assert "--yes" in done.stderr


def test_destroy_leaves_nothing(
    checkout: Checkout, created: dict[str, Any], fresh: dict[str, list[str]]
) -> None:
    destroyed = checkout.json("destroy", "--stack", "local", "--yes")
    assert destroyed["leftovers"] == []
    assert inventory(checkout) == fresh
    assert containers(checkout) == []
    unknown = checkout.run("outputs", "--stack", "local", "--json")
    assert unknown.returncode == 2, json.dumps(unknown.stdout)
