"""ECS clusters, task definitions: one row a behaviour that AWS documents, with its page."""

from __future__ import annotations

from functools import partial

import pytest

from localcloud.tests.conformance.ecs_stage import ACCOUNT, API, GUIDE, Stage, refused
from localcloud.tests.conformance.table import Played, Row, Table

TABLE: Table[Stage] = Table()
row = TABLE.row

# --- clusters


@row("creating an active cluster again hands it back", API + "API_CreateCluster.html")
def cluster_again(cloud: Stage) -> None:
    first = cloud.ecs.create_cluster(clusterName="again", tags=[{"key": "a", "value": "b"}])
    second = cloud.ecs.create_cluster(clusterName="again")
    assert first["cluster"] == second["cluster"]


@row("operations on a missing cluster: ClusterNotFoundException", API + "API_ListTasks.html")
def no_such_cluster(cloud: Stage) -> None:
    for call in (cloud.ecs.list_tasks, cloud.ecs.list_services):
        assert refused(partial(call, cluster="nowhere"))[0] == "ClusterNotFoundException"
    described = cloud.ecs.describe_clusters(clusters=["nowhere"])
    assert described["failures"][0]["reason"] == "MISSING"


@row("a strategy names the cluster's own providers", API + "API_PutClusterCapacityProviders.html")
def capacity_providers(cloud: Stage) -> None:
    name = cloud.cluster()
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    with_unknown = {"capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": strategy}
    code, words = refused(
        lambda: cloud.ecs.put_cluster_capacity_providers(cluster=name, **with_unknown)
    )
    assert (code, "not associated" in words) == ("InvalidParameterException", True)
    with_unknown["capacityProviders"] = ["FARGATE", "FARGATE_SPOT"]
    cloud.ecs.put_cluster_capacity_providers(cluster=name, **with_unknown)
    definition = cloud.definition(command=["true"], portMappings=[])
    started = cloud.ecs.run_task(
        cluster=name, taskDefinition=definition, networkConfiguration=cloud.network
    )
    assert started["tasks"][0]["capacityProviderName"] == "FARGATE_SPOT"
    cloud.reached(started["tasks"][0]["taskArn"], "STOPPED")


@row("a cluster with tasks or services can't be deleted", API + "API_DeleteCluster.html")
def cluster_in_use(cloud: Stage) -> None:
    task = cloud.run(cloud.definition())
    cluster = task.split("/")[1]
    code, _ = refused(lambda: cloud.ecs.delete_cluster(cluster=cluster))
    assert code == "ClusterContainsTasksException"
    cloud.ecs.stop_task(cluster=cluster, task=task)
    cloud.reached(task, "STOPPED")
    service = cloud.service(cluster, cloud.definition(), None, desiredCount=0)
    code, _ = refused(lambda: cloud.ecs.delete_cluster(cluster=cluster))
    assert code == "ClusterContainsServicesException"
    cloud.ecs.delete_service(cluster=cluster, service=service)
    cloud.await_inactive(cluster, service)
    cloud.services.remove((cluster, service))
    assert cloud.ecs.delete_cluster(cluster=cluster)["cluster"]["status"] == "INACTIVE"


# --- task definitions


@row("revisions count up and are never used again", API + "API_DeleteTaskDefinitions.html")
def revisions(cloud: Stage) -> None:
    first = cloud.definition(task={"family": "counted"})
    second = cloud.definition(task={"family": "counted"})
    assert (first[-2:], second[-2:]) == (":1", ":2")
    answer = cloud.ecs.delete_task_definitions(taskDefinitions=[second])
    assert "still in ACTIVE" in answer["failures"][0]["reason"]
    cloud.ecs.deregister_task_definition(taskDefinition=second)
    deleted = cloud.ecs.delete_task_definitions(taskDefinitions=[second])["taskDefinitions"]
    assert deleted[0]["status"] == "DELETE_IN_PROGRESS"
    assert cloud.definition(task={"family": "counted"})[-2:] == ":3"
    listed = cloud.ecs.list_task_definitions(familyPrefix="counted")["taskDefinitionArns"]
    assert [arn[-1] for arn in listed] == ["1", "3"]


@row("an INACTIVE revision runs no new task", API + "API_DeregisterTaskDefinition.html")
def inactive_revision(cloud: Stage) -> None:
    definition = cloud.definition()
    cloud.ecs.deregister_task_definition(taskDefinition=definition)
    assert refused(lambda: cloud.run(definition))[0] == "ClientException"
    described = cloud.ecs.describe_task_definition(taskDefinition=definition)
    assert described["taskDefinition"]["status"] == "INACTIVE"


@row("a role that does not exist is refused", API + "API_RegisterTaskDefinition.html")
def missing_role(cloud: Stage) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    assert refused(lambda: cloud.definition(task={"taskRoleArn": role})) == (
        "ClientException",
        "Role is not valid",
    )


@row("CPU and memory come in Fargate's pairs", GUIDE + "fargate-tasks-services.html")
def fargate_sizes(cloud: Stage) -> None:
    code, words = refused(lambda: cloud.definition(task={"cpu": "256", "memory": "4096"}))
    assert (code, words.split(":")[0]) == (
        "ClientException",
        "No Fargate configuration exists for given values",
    )


@row("what would be ignored is refused by its name", API + "API_RegisterTaskDefinition.html")
def unhonoured(cloud: Stage) -> None:
    code, words = refused(lambda: cloud.definition(privileged=True))
    assert (code, "containerDefinitions[].privileged" in words) == (
        "InvalidParameterException",
        True,
    )


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_behaves_as_documented(played: Played, row: Row[Stage]) -> None:
    played.await_end(row)
