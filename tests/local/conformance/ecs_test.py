"""Amazon ECS on Fargate: one row a behaviour that AWS documents, with the page's address.

Every row runs against a local cloud of its own process, with real containers.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud import process
from tests.local.conformance.ecs_stage import (
    ACCOUNT,
    LOG_GROUP,
    PORT,
    REGION,
    Stage,
    answer,
    refused,
    stage,
    wait_for,
)

GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"

Play = Callable[[Stage], None]


@dataclass(frozen=True)
class Row:
    """A behaviour.

    Attributes:
        says: what AWS documents.
        page: where.
        play: fails when the local cloud does otherwise.
    """

    says: str
    page: str
    play: Play


ROWS: list[Row] = []


def row(says: str, page: str) -> Callable[[Play], Play]:
    """Adds a row to the table."""

    def add(play: Play) -> Play:
        ROWS.append(Row(says, page, play))
        return play

    return add


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One local cloud for all rows."""
    with stage(tmp_path_factory.mktemp("ecs") / ".localcloud") as made:
        yield made


# --- clusters


@row("creating an active cluster again hands it back", API + "API_CreateCluster.html")
def cluster_again(cloud: Stage) -> None:
    first = cloud.ecs.create_cluster(clusterName="again", tags=[{"key": "a", "value": "b"}])
    second = cloud.ecs.create_cluster(clusterName="again")
    assert first["cluster"] == second["cluster"]


@row("operations on a missing cluster: ClusterNotFoundException", API + "API_ListTasks.html")
def no_such_cluster(cloud: Stage) -> None:
    for call in (cloud.ecs.list_tasks, cloud.ecs.list_services):
        assert refused(lambda call=call: call(cluster="nowhere"))[0] == "ClusterNotFoundException"
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
    wait_for(lambda: cloud.described(cluster, service)["status"] == "INACTIVE", 10)
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


# --- tasks


@row("user, read-only root, entry point, directory", GUIDE + "task_definition_parameters.html")
def container_settings(cloud: Stage) -> None:
    code = (
        "import os\n"
        "try: open('/x', 'w')\n"
        "except OSError as error: print(error.strerror)\n"
        "print(os.getuid(), os.getgid(), os.getcwd(), os.environ['A'])"
    )
    _, lines = cloud.ran(
        entryPoint=["python3", "-c"],
        command=[code],
        user="10001:10002",
        readonlyRootFilesystem=True,
        workingDirectory="/usr/lib",
        variables={"A": "b"},
    )
    assert lines == ["Read-only file system", "10001 10002 /usr/lib b"]


@row("init, tmpfs, ulimits, dropped capabilities", API + "API_LinuxParameters.html")
def linux_parameters(cloud: Stage) -> None:
    code = (
        "import os, resource\n"
        "print('init' in open('/proc/1/cmdline').read())\n"
        "print(os.statvfs('/scratch').f_blocks * os.statvfs('/scratch').f_frsize)\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))\n"
        "print([l for l in open('/proc/self/status') if l.startswith('CapBnd')][0].split()[1])"
    )
    _, lines = cloud.ran(
        command=["python3", "-c", code],
        ulimits=[{"name": "nofile", "softLimit": 512, "hardLimit": 600}],
        linuxParameters={
            "initProcessEnabled": True,
            "tmpfs": [{"containerPath": "/scratch", "size": 16}],
            "capabilities": {"drop": ["ALL"]},
        },
    )
    assert lines == ["True", str(16 * 1024 * 1024), "(512, 600)", "0000000000000000"]


@row("containers of a task share localhost and volumes", GUIDE + "fargate-task-networking.html")
def shared_network(cloud: Stage) -> None:
    check = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000')"
    mounted = [{"sourceVolume": "shared", "containerPath": "/shared"}]
    sidecar = {
        "name": "side",
        "image": cloud.image,
        "essential": False,
        "command": ["sh", "-c", "echo hello >/shared/file; exec python3 -m http.server 8000"],
        "stopTimeout": 2,
        "mountPoints": mounted,
        "healthCheck": {"command": ["CMD", "python3", "-c", check], "interval": 5, "retries": 5},
    }
    read = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000').status)"
    definition = cloud.definition(
        sidecar,
        command=["sh", "-c", f'cat /shared/file; python3 -c "{read}"'],
        dependsOn=[{"containerName": "side", "condition": "HEALTHY"}],
        mountPoints=mounted,
        task={"volumes": [{"name": "shared"}]},
    )
    arn = cloud.run(definition)
    cloud.reached(arn, "STOPPED")
    assert cloud.printed(arn) == ["hello", "200"]


@row("secrets are read under the execution role", GUIDE + "specifying-sensitive-data.html")
def secrets(cloud: Stage) -> None:
    secret = cloud.client("secretsmanager").create_secret(
        Name="row", SecretString=json.dumps({"key": "one"})
    )["ARN"]
    cloud.client("ssm").put_parameter(Name="/row/two", Value="two", Type="SecureString")
    _, lines = cloud.ran(
        command=["sh", "-c", "echo $ONE $TWO"],
        secrets=[
            {"name": "ONE", "valueFrom": f"{secret}:key::"},
            {"name": "TWO", "valueFrom": "/row/two"},
        ],
    )
    assert lines == ["one two"]


STOPPED_REASONS: dict[str, tuple[dict[str, Any], str]] = {
    "missing secret": (
        {
            "secrets": [
                {
                    "name": "A",
                    "valueFrom": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:none-abcdef",
                }
            ]
        },
        "ResourceInitializationError: unable to pull secrets or registry auth",
    ),
    "missing image": ({"image": "127.0.0.1:1/none:1"}, "CannotPullContainerError: "),
    "missing program": ({"command": ["/none"]}, "CannotStartContainerError: "),
    "missing log group": (
        {
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "/none",
                    "awslogs-region": REGION,
                    "awslogs-stream-prefix": "row",
                },
            }
        },
        "ResourceInitializationError: failed to validate logger args",
    ),
}


@row("a task that can't start says why", GUIDE + "stopped-task-error-codes.html")
def start_failures(cloud: Stage) -> None:
    for what, (container, words) in STOPPED_REASONS.items():
        task, _ = cloud.ran(**container)
        assert task["stopCode"] == "TaskFailedToStart", what
        assert task["stoppedReason"].startswith(words), what


@row("an essential container's end ends the task", GUIDE + "stopped-task-error-codes.html")
def essential_exit(cloud: Stage) -> None:
    task, _ = cloud.ran(command=["sh", "-c", "exit 7"])
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert task["containers"][0]["exitCode"] == 7


@row("beyond its memory a container is killed", GUIDE + "stopped-task-error-codes.html")
def out_of_memory(cloud: Stage) -> None:
    task, _ = cloud.ran(command=["python3", "-c", "bytearray(900 * 1024 * 1024)"], memory=64)
    container = task["containers"][0]
    assert container["exitCode"] == 137
    assert container["reason"].startswith("OutOfMemoryError")


@row("SIGTERM, then SIGKILL at the stop time-out", API + "API_StopTask.html")
def stop_timeout(cloud: Stage) -> None:
    task = cloud.run(cloud.definition(variables={"DEAF": "yes"}, stopTimeout=4))
    cloud.reached(task, "RUNNING")
    wait_for(lambda: "listening" in cloud.printed(task), 10)
    begun = time.monotonic()
    cloud.ecs.stop_task(cluster=task.split("/")[1], task=task, reason="the row says so")
    stopped = cloud.reached(task, "STOPPED")
    assert 4 <= time.monotonic() - begun < 12
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "the row says so")
    assert stopped["containers"][0]["exitCode"] == 137
    assert "told to stop" in cloud.printed(task)


@row("output goes to PREFIX/CONTAINER/TASK-ID", GUIDE + "using_awslogs.html")
def logs(cloud: Stage) -> None:
    task, lines = cloud.ran(command=["sh", "-c", "echo one; echo two >&2; printf three"])
    assert sorted(lines) == ["one", "three", "two"]
    streams = cloud.client("logs").describe_log_streams(
        logGroupName=LOG_GROUP, logStreamNamePrefix="row/app/"
    )["logStreams"]
    assert f"row/app/{task['taskArn'].rpartition('/')[2]}" in {s["logStreamName"] for s in streams}


@row("metadata v4 tells a container of its task", GUIDE + "task-metadata-endpoint-v4-fargate.html")
def metadata(cloud: Stage) -> None:
    code = (
        "import os, urllib.request as r\n"
        "u = os.environ['ECS_CONTAINER_METADATA_URI_V4']\n"
        "for path in ('', '/task', '/stats'): print(r.urlopen(u + path).read().decode())"
    )
    task, lines = cloud.ran(command=["python3", "-c", code])
    container, whole, stats = map(json.loads, lines)
    assert container["Name"] == "app"
    assert (whole["TaskARN"], whole["Limits"]) == (task["taskArn"], {"CPU": 0.25, "Memory": 512})
    assert whole["Containers"][0]["DockerId"] == container["DockerId"]
    assert stats["memory_stats"]["usage"] > 0


@row("credentials of the task role, for the SDK", GUIDE + "task-iam-roles.html")
def credentials(cloud: Stage) -> None:
    code = (
        "import json, os, urllib.request as r\n"
        "print(r.urlopen(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI']).read().decode())"
    )
    _, lines = cloud.ran(command=["python3", "-c", code])
    keys = json.loads(lines[0])
    assert keys["RoleArn"] == cloud.task_role
    assert set(keys) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}


@row("nothing of a task is published on the machine", GUIDE + "fargate-task-networking.html")
def not_published(cloud: Stage) -> None:
    task = cloud.reached(cloud.run(cloud.definition()), "RUNNING")
    label = f"com.amazonaws.ecs.task-arn={task['taskArn']}"
    containers = cloud.engine.containers.list(filters={"label": label})
    assert len(containers) == 2
    assert all(not c.attrs["HostConfig"]["PortBindings"] for c in containers)
    cloud.ecs.stop_task(cluster=task["clusterArn"], task=task["taskArn"])


@row("overrides of RunTask", API + "API_ContainerOverride.html")
def overrides(cloud: Stage) -> None:
    task = cloud.run(
        cloud.definition(variables={"A": "1", "B": "2"}),
        overrides={
            "containerOverrides": [
                {
                    "name": "app",
                    "command": ["sh", "-c", "echo $A $B"],
                    "environment": [{"name": "B", "value": "3"}],
                }
            ]
        },
    )
    cloud.reached(task, "STOPPED")
    assert cloud.printed(task) == ["1 3"]


# --- services


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
    requests = {words: {"loadBalancers": [balancer | odd]} for words, odd in wrong.items()} | {
        "InvalidSubnetID.NotFound": {
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-00000000"]}}
        },
        "Network Configuration must be provided": {"networkConfiguration": {}},
        "Health check grace period": {"healthCheckGracePeriodSeconds": 5},
        "maximumPercent": {"deploymentConfiguration": {"maximumPercent": 100}},
    }
    for words, request in requests.items():
        code, said = refused(lambda r=request: cloud.service(cluster, definition, None, **r))
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
    wait_for(lambda: cloud.described(cluster, service)["status"] == "INACTIVE", 30)
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
    task = wait_for(lambda: cloud.tasks(cluster), 10)[0]
    assert {t["key"]: t["value"] for t in task["tags"]} == {
        "team": "a",
        "aws:ecs:clusterName": cluster,
        "aws:ecs:serviceName": service,
    }
    arn = cloud.described(cluster, service)["serviceArn"]
    cloud.ecs.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert cloud.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == []


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
    cluster, site = cloud.cluster(), cloud.site()
    first = cloud.definition(variables={"VERSION": "one"})
    service = cloud.service(cluster, first, site)
    cloud.rolled_out(cluster, service)
    old = cloud.tasks(cluster)[0]["taskArn"]
    with Load(site.url) as load:
        second = cloud.definition(variables={"VERSION": "two"})
        cloud.ecs.update_service(cluster=cluster, service=service, taskDefinition=second)
        stopping = cloud.reached(old, "DEACTIVATING", 60)
        assert "told to stop" not in cloud.printed(old)
        stopped = cloud.reached(old, "STOPPED")
        cloud.rolled_out(cluster, service)
    drained = stopped["executionStoppedAt"] - stopping["stoppingAt"]
    assert drained.total_seconds() >= 3, "the deregistration delay"
    assert "told to stop" in cloud.printed(old)
    assert stopped["stoppedReason"].startswith("Scaling activity initiated by (deployment ecs-svc/")
    assert load.bodies() == {(200, "one"), (200, "two")}
    entries = cloud.ledger(cluster, service)
    assert [entry["status"] for entry in entries] == ["SUCCESSFUL", "SUCCESSFUL"]
    revisions = cloud.ecs.describe_service_revisions(
        serviceRevisionArns=[entry["targetServiceRevisionArn"] for entry in entries]
    )["serviceRevisions"]
    assert {r["taskDefinition"] for r in revisions} == {first, second}


BREAKER = GUIDE + "deployment-circuit-breaker.html"
BROKEN: dict[str, dict[str, Any]] = {
    "answers 500": {"variables": {"STATUS": 500}},
    "crashes after 10 s": {"variables": {"CRASH_AFTER": 10}},
    "image is missing": {"image": "127.0.0.1:1/none:1"},
    "listens nowhere": {"command": ["sleep", "1000"]},
}


@row("three failures in a row fail a first deployment of any kind", BREAKER)
def broken_first(cloud: Stage) -> None:
    cluster = cloud.cluster()
    services = {
        what: cloud.service(cluster, cloud.definition(**broken), cloud.site(), desiredCount=2)
        for what, broken in BROKEN.items()
    }
    for what, service in services.items():
        found = cloud.rolled_out(cluster, service, 120)
        deployment = found["deployments"][0]
        assert deployment["rolloutState"] == "FAILED", what
        assert deployment["failedTasks"] >= 3, what
        entry = cloud.ledger(cluster, service)[0]
        details = cloud.ecs.describe_service_deployments(
            serviceDeploymentArns=[entry["serviceDeploymentArn"]]
        )["serviceDeployments"][0]
        assert details["deploymentCircuitBreaker"]["status"] == "TRIGGERED", what
        assert details["deploymentCircuitBreaker"]["threshold"] == 3, what


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


@row("an alarm fails the deployment", GUIDE + "deployment-alarm-failure.html")
def deployment_alarm(cloud: Stage) -> None:
    cluster, cloudwatch = cloud.cluster(), cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="row",
        Namespace="row",
        MetricName="row",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    good = cloud.definition()
    alarms = {"alarms": {"alarmNames": ["row"], "enable": True, "rollback": True}}
    service = cloud.service(cluster, good, None, deploymentConfiguration=alarms)
    cloud.rolled_out(cluster, service)
    cloudwatch.set_alarm_state(AlarmName="row", StateValue="ALARM", StateReason="the row")
    cloud.ecs.update_service(cluster=cluster, service=service, taskDefinition=cloud.definition())
    assert cloud.rolled_out(cluster, service)["taskDefinition"] == good
    entry = cloud.ledger(cluster, service)[0]
    assert entry["status"] == "ROLLBACK_SUCCESSFUL"
    details = cloud.ecs.describe_service_deployments(
        serviceDeploymentArns=[entry["serviceDeploymentArn"]]
    )["serviceDeployments"][0]
    assert details["alarms"]["triggeredAlarmNames"] == ["row"]


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

    wait_for(all_new, 40)


@row("scaling by UpdateService begins no deployment", API + "API_UpdateService.html")
def scaling(cloud: Stage) -> None:
    cluster = cloud.cluster()
    service = cloud.service(cluster, cloud.definition(), None)
    before = cloud.rolled_out(cluster, service)["deployments"][0]["id"]
    for desired in (3, 1):
        cloud.ecs.update_service(cluster=cluster, service=service, desiredCount=desired)
        wait_for(lambda n=desired: cloud.described(cluster, service)["runningCount"] == n, 30)
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
    wait_for(lambda: cloud.described(cluster, service)["runningCount"] == 1, 30)


@row("tasks that can't start are started ever later", GUIDE + "service-throttle-logic.html")
def throttled(cloud: Stage) -> None:
    cluster = cloud.cluster()
    off = {"deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    service = cloud.service(
        cluster, cloud.definition(command=["/none"]), None, deploymentConfiguration=off
    )
    time.sleep(12)
    found = cloud.described(cluster, service)
    assert any("unable to consistently start tasks" in e["message"] for e in found["events"])
    assert 3 <= found["deployments"][0]["failedTasks"] <= 5
    assert found["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    left = cloud.engine.containers.list(
        all=True,
        filters={"label": f"com.amazonaws.ecs.cluster={cluster}", "status": "exited"},
    )
    assert left == []


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

    wait_for(stopped, 15)
    bus.remove_targets(Rule="row", Ids=["row"])
    bus.delete_rule(Name="row")


@row("a killed local cloud goes on where it was", GUIDE + "ecs_services.html")
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


class Load:
    """A steady stream of requests to a URL, one after the other, by two clients."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seen: list[tuple[float, int, str]] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(2)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._ended.wait(0.05):
            try:
                status, body = answer(self._url)
            except OSError as error:
                status, body = 0, str(error)
            self._seen.append((time.monotonic(), status, body))

    def bodies(self) -> set[tuple[int, str]]:
        """What was answered, each once."""
        return {(status, body) for _, status, body in self._seen}

    def longest_gap(self, body: str) -> float:
        """The longest time, in seconds, without this answer, from the first request to the last."""
        times = [at for at, _, found in self._seen if found == body]
        edges = [self._seen[0][0], *times, self._seen[-1][0]]
        return max(later - earlier for earlier, later in itertools.pairwise(sorted(edges)))


@pytest.mark.parametrize("tried", ROWS, ids=lambda tried: tried.play.__name__)
def test_behaves_as_documented(cloud: Stage, tried: Row) -> None:
    assert tried.page.startswith("https://docs.aws.amazon.com/")
    tried.play(cloud)
