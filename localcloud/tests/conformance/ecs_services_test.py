"""ECS services: one row a behaviour that AWS documents, with the page's address."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from localcloud.tests.conformance.ecs_stage import (
    ACCOUNT,
    API,
    GUIDE,
    PORT,
    REGION,
    Stage,
    refused,
    wait_for,
)
from localcloud.tests.conformance.table import Played, Row, Table

TABLE: Table[Stage] = Table()
row = TABLE.row


@row("a service's references must exist and fit", API + "API_CreateService.html")
def references(cloud: Stage) -> None:
    cluster, definition, site = cloud.cluster(), cloud.definition(), cloud.site()
    elbv2 = cloud.client("elbv2")
    lone = elbv2.create_target_group(
        Name="lone", Protocol="HTTP", Port=80, VpcId=cloud.vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    balancer = {"targetGroupArn": site.group, "containerName": "app", "containerPort": PORT}
    wrong: dict[str, dict[str, Any]] = {
        "does not have an associated load balancer": {"targetGroupArn": lone},
        "The container other does not exist": {"containerName": "other"},
        "did not have a container port 81": {"containerPort": 81},
        "The target group": {"targetGroupArn": site.group[:-4] + "0000"},
    }
    requests: dict[str, dict[str, Any]] = {
        **{words: {"loadBalancers": [balancer | odd]} for words, odd in wrong.items()},
        "InvalidSubnetID.NotFound": {
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-00000000"]}}
        },
        "Network Configuration must be provided": {"networkConfiguration": {}},
        "Health check grace period": {"healthCheckGracePeriodSeconds": 5},
        "maximumPercent": {"deploymentConfiguration": {"maximumPercent": 100}},
    }
    for words, request in requests.items():
        code, said = refused(partial(cloud.service, cluster, definition, None, **request))
        assert code == "InvalidParameterException"
        assert words in said
    code, _ = refused(lambda: cloud.service(cluster, "nothing:1", None))
    assert code == "ClientException"
    elbv2.delete_target_group(TargetGroupArn=lone)


@row("a service's name is taken until it is gone", API + "API_CreateService.html")
def same_name(cloud: Stage) -> None:
    cluster, definition = cloud.cluster(), cloud.definition()
    request = {
        "cluster": cluster,
        "serviceName": "same",
        "taskDefinition": definition,
        "desiredCount": 0,
        "launchType": "FARGATE",
        "networkConfiguration": cloud.network,
    }
    cloud.ecs.create_service(**request, clientToken="token")
    cloud.services.append((cluster, "same"))
    code, words = refused(lambda: cloud.ecs.create_service(**request))
    assert (code, words) == (
        "InvalidParameterException",
        "Creation of service was not idempotent.",
    )
    assert cloud.ecs.create_service(**request, clientToken="token")["service"]["status"] == "ACTIVE"


@row("a scaled service is deleted by force alone", API + "API_DeleteService.html")
def delete_service(cloud: Stage) -> None:
    cluster = cloud.cluster()
    service = cloud.service(cluster, cloud.definition(), None)
    code, words = refused(lambda: cloud.ecs.delete_service(cluster=cluster, service=service))
    assert (code, "scaled above 0" in words) == ("InvalidParameterException", True)
    deleted = cloud.ecs.delete_service(cluster=cluster, service=service, force=True)
    assert deleted["service"]["status"] == "DRAINING"
    cloud.await_inactive(cluster, service)
    code, _ = refused(lambda: cloud.ecs.update_service(cluster=cluster, service=service))
    assert code == "ServiceNotActiveException"


@row("tags reach tasks as propagateTags says", GUIDE + "ecs-using-tags.html")
def propagated_tags(cloud: Stage) -> None:
    cluster = cloud.cluster()
    service = cloud.service(
        cluster,
        cloud.definition(),
        None,
        tags=[{"key": "team", "value": "a"}],
        propagateTags="SERVICE",
        enableECSManagedTags=True,
    )
    task = wait_for(lambda: cloud.tasks(cluster))[0]
    assert {t["key"]: t["value"] for t in task["tags"]} == {
        "team": "a",
        "aws:ecs:clusterName": cluster,
        "aws:ecs:serviceName": service,
    }
    arn = cloud.described(cluster, service)["serviceArn"]
    cloud.ecs.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert cloud.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == []


@row("the desired count is kept after any death", GUIDE + "ecs_services.html")
def replaced(cloud: Stage) -> None:
    cluster = cloud.cluster()
    service = cloud.service(cluster, cloud.definition(), None, desiredCount=3)
    cloud.rolled_out(cluster, service)
    stopped, killed, removed = cloud.tasks(cluster)
    cloud.ecs.stop_task(cluster=cluster, task=stopped["taskArn"])
    cloud.container(killed).kill()
    cloud.container(removed).remove(force=True)
    gone = {task["taskArn"] for task in (stopped, killed, removed)}

    def all_new() -> bool:
        tasks = cloud.tasks(cluster)
        running = [t for t in tasks if t["lastStatus"] == "RUNNING"]
        return len(running) == 3 and not gone & {t["taskArn"] for t in running}

    wait_for(all_new)


@row("scaling by UpdateService begins no deployment", API + "API_UpdateService.html")
def scaling(cloud: Stage) -> None:
    cluster = cloud.cluster()
    service = cloud.service(cluster, cloud.definition(), None)
    before = cloud.rolled_out(cluster, service)["deployments"][0]["id"]
    for desired in (3, 1):
        cloud.ecs.update_service(cluster=cluster, service=service, desiredCount=desired)
        cloud.await_running(cluster, service, desired)
    assert [d["id"] for d in cloud.described(cluster, service)["deployments"]] == [before]
    assert len(cloud.ledger(cluster, service)) == 1


@row("a task that fails its container's check is replaced", GUIDE + "healthcheck.html")
def container_health(cloud: Stage) -> None:
    cluster = cloud.cluster()
    check = {"command": ["CMD-SHELL", "test ! -e /run/ill"], "interval": 5, "retries": 1}
    service = cloud.service(cluster, cloud.definition(healthCheck=check), None)
    cloud.rolled_out(cluster, service)
    task = cloud.tasks(cluster)[0]
    assert task["healthStatus"] == "HEALTHY"
    cloud.container(task).exec_run(["touch", "/run/ill"])
    stopped = cloud.reached(task["taskArn"], "STOPPED")
    assert stopped["stoppedReason"] == "Task failed container health checks"
    cloud.await_running(cluster, service, 1)


@row("tasks that can't start are started ever later", GUIDE + "service-throttle-logic.html")
def throttled(cloud: Stage) -> None:
    cluster = cloud.cluster()
    off = {"deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    service = cloud.service(
        cluster, cloud.definition(command=["/none"]), None, deploymentConfiguration=off
    )

    def starts() -> list[datetime] | None:
        events = cloud.described(cluster, service)["events"]
        found = [e["createdAt"] for e in events if "has started 1 tasks" in e["message"]]
        return found if len(found) >= 4 else None

    *_, fourth, third, second, first = wait_for(starts)
    waits = [(b - a).total_seconds() for a, b in pairwise([first, second, third, fourth])]
    assert all(wait >= least for wait, least in zip(waits, (1, 2, 4), strict=True)), waits
    found = cloud.described(cluster, service)
    assert any("unable to consistently start tasks" in e["message"] for e in found["events"])
    assert found["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    exited = {"label": f"com.amazonaws.ecs.cluster={cluster}", "status": "exited"}
    wait_for(
        lambda: not cloud.engine.containers.list(all=True, ignore_removed=True, filters=exited)
    )


@row("state changes reach EventBridge", GUIDE + "ecs_cwe_events.html")
def events(cloud: Stage) -> None:
    bus, sqs = cloud.client("events"), cloud.client("sqs")
    queue = sqs.create_queue(QueueName="row")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:row"
    bus.put_rule(Name="row", EventPattern=json.dumps({"source": ["aws.ecs"]}))
    bus.put_targets(Rule="row", Targets=[{"Id": "row", "Arn": arn}])
    task, _ = cloud.ran(command=["sh", "-c", "exit 3"])
    seen: list[dict[str, Any]] = []

    def stopped() -> bool:
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(json.loads(message["Body"]) for message in got)
        return any(
            event["detail"].get("taskArn") == task["taskArn"]
            and event["detail"]["lastStatus"] == "STOPPED"
            and event["detail"]["stopCode"] == "EssentialContainerExited"
            and event["detail-type"] == "ECS Task State Change"
            for event in seen
        )

    wait_for(stopped)
    bus.remove_targets(Rule="row", Ids=["row"])
    bus.delete_rule(Name="row")


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_behaves_as_documented(played: Played, row: Row[Stage]) -> None:
    played.await_end(row)
