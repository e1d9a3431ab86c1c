"""ECS deployments: one row a behaviour that AWS documents, with the page's address."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from localcloud.server import process
from localcloud.tests.conformance.ecs_stage import API, GUIDE, REGION, Load, Stage, answer, refused
from localcloud.tests.conformance.table import Played, Row, Table

TABLE: Table[Stage] = Table()
row = TABLE.row


@row(
    "tasks spread over zones; complete when targets are healthy", GUIDE + "service-rebalancing.html"
)
def first_deployment(cloud: Stage) -> None:
    cluster, site = cloud.cluster(), cloud.site()
    service = cloud.service(
        cluster, cloud.definition(variables={"START_DELAY": 3}), site, desiredCount=2
    )
    found = cloud.rolled_out(cluster, service)
    health = cloud.client("elbv2").describe_target_health(TargetGroupArn=site.group)
    states = [t["TargetHealth"]["State"] for t in health["TargetHealthDescriptions"]]
    assert states == ["healthy", "healthy"]
    assert {t["availabilityZone"] for t in cloud.tasks(cluster)} == {f"{REGION}a", f"{REGION}b"}
    deployment = found["deployments"][0]
    assert (deployment["rolloutState"], deployment["runningCount"]) == ("COMPLETED", 2)
    messages = [event["message"] for event in found["events"]]
    assert messages[0] == f"(service {service}) has reached a steady state."
    assert any(re.search(r"has started 2 tasks: \(task ", m) for m in messages)
    assert any("registered 1 targets in (target-group " in m for m in messages)
    assert [d["status"] for d in cloud.ledger(cluster, service)] == ["SUCCESSFUL"]


@row("an old task is drained, then told to stop", GUIDE + "task-lifecycle-explanation.html")
def update_under_load(cloud: Stage) -> None:
    cluster, site = cloud.cluster(), cloud.site(drained_for=10)
    first = cloud.definition(variables={"VERSION": "one"})
    service = cloud.service(cluster, first, site)
    cloud.rolled_out(cluster, service)
    old = cloud.tasks(cluster)[0]["taskArn"]
    with Load(site.url) as load:
        second = cloud.definition(variables={"VERSION": "two"})
        cloud.ecs.update_service(cluster=cluster, service=service, taskDefinition=second)
        stopping = cloud.reached(old, "DEACTIVATING")
        assert "told to stop" not in cloud.printed(old)
        stopped = cloud.reached(old, "STOPPED")
        cloud.rolled_out(cluster, service)
    drained = stopped["executionStoppedAt"] - stopping["stoppingAt"]
    assert drained.total_seconds() >= 10, "the deregistration delay"
    assert "told to stop" in cloud.printed(old)
    assert stopped["stoppedReason"].startswith("Scaling activity initiated by (deployment ecs-svc/")
    assert load.bodies() == {(200, "one"), (200, "two")}
    entries = cloud.ledger(cluster, service)
    assert [entry["status"] for entry in entries] == ["SUCCESSFUL", "SUCCESSFUL"]
    revisions = cloud.ecs.describe_service_revisions(
        serviceRevisionArns=[entry["targetServiceRevisionArn"] for entry in entries]
    )["serviceRevisions"]
    assert {r["taskDefinition"] for r in revisions} == {first, second}


@row("StopServiceDeployment goes back", API + "API_StopServiceDeployment.html")
def stop_deployment(cloud: Stage) -> None:
    cluster, site = cloud.cluster(), cloud.site()
    good = cloud.definition()
    service = cloud.service(cluster, good, site)
    cloud.rolled_out(cluster, service)
    slow = cloud.definition(variables={"START_DELAY": 60})
    cloud.ecs.update_service(cluster=cluster, service=service, taskDefinition=slow)
    arn = cloud.ledger(cluster, service)[0]["serviceDeploymentArn"]
    cloud.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    assert cloud.rolled_out(cluster, service)["taskDefinition"] == good
    assert cloud.ledger(cluster, service)[0]["status"] == "ROLLBACK_SUCCESSFUL"
    code, _ = refused(lambda: cloud.ecs.stop_service_deployment(serviceDeploymentArn=arn))
    assert code == "ConflictException"


@row("a killed local cloud goes on where it was", GUIDE + "ecs_services.html", alone=True)
def killed_process(cloud: Stage) -> None:
    cluster, site = cloud.cluster(), cloud.site()
    service = cloud.service(cluster, cloud.definition(variables={"VERSION": "one"}), site)
    cloud.rolled_out(cluster, service)
    old = cloud.tasks(cluster)[0]
    second = cloud.definition(variables={"VERSION": "two", "START_DELAY": 2})
    cloud.ecs.update_service(cluster=cluster, service=service, taskDefinition=second)
    os.kill(cloud.endpoints.pid, signal.SIGKILL)
    time.sleep(1)
    assert cloud.container(old).status == "running"
    cloud.endpoints = process.start(cloud.state_dir)
    assert cloud.rolled_out(cluster, service)["taskDefinition"] == second
    assert answer(site.url) == (200, "two")
    assert cloud.task(old["taskArn"])["containers"][0]["exitCode"] == 0


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_behaves_as_documented(played: Played, row: Row[Stage]) -> None:
    played.await_end(row)
