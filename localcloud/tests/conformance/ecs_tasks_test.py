"""ECS tasks: one row a behaviour that AWS documents, with the page's address."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from localcloud.tests.conformance.ecs_exec_rows import SESSIONS
from localcloud.tests.conformance.ecs_stage import (
    ACCOUNT,
    API,
    GUIDE,
    LOG_GROUP,
    REGION,
    Stage,
    refused,
    wait_for,
)
from localcloud.tests.conformance.table import Played, Row, Table

TABLE: Table[Stage] = Table()
row = TABLE.row

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


@row("startedBy takes letters, digits, -, / and _", API + "API_RunTask.html")
def started_by(cloud: Stage) -> None:
    definition = cloud.definition(command=["true"])
    code, message = refused(lambda: cloud.run(definition, startedBy="a person"))
    assert code == "InvalidParameterException"
    assert "startedBy" in message
    task = cloud.reached(cloud.run(definition, startedBy="fargate-cd/run"), "STOPPED")
    assert task["startedBy"] == "fargate-cd/run"


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


@row("ports below 1024 need root or a system control", API + "API_SystemControl.html")
def low_ports(cloud: Stage) -> None:
    code = (
        "import os, socket\n"
        "try: socket.create_server(('', 80)); print('listens')\n"
        "except OSError as error: print(os.strerror(error.errno))"
    )
    allowed = {"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    told = [
        cloud.ran(
            command=["python3", "-c", code],
            user="10001:10001",
            linuxParameters={"capabilities": {"drop": ["ALL"]}},
            systemControls=controls,
        )[1]
        for controls in ([], [allowed])
    ]
    assert told == [["Permission denied"], ["listens"]]


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


def side(cloud: Stage, command: str, **more: Any) -> dict[str, Any]:
    """A further container that runs a shell's command, called `side`."""
    words = {"command": ["sh", "-c", command], "essential": False, "stopTimeout": 2}
    return {"name": "side", "image": cloud.image, **words, **more}


DEPENDENCY = API + "API_ContainerDependency.html"


@row("COMPLETE and SUCCESS wait for a container's end", DEPENDENCY)
def dependency_on_an_end(cloud: Stage) -> None:
    mounted = [{"sourceVolume": "shared", "containerPath": "/shared"}]
    for condition, code in (("COMPLETE", 3), ("SUCCESS", 0)):
        command = f"sleep 2; echo made >/shared/file; exit {code}"
        definition = cloud.definition(
            side(cloud, command, mountPoints=mounted),
            command=["cat", "/shared/file"],
            dependsOn=[{"containerName": "side", "condition": condition}],
            mountPoints=mounted,
            task={"volumes": [{"name": "shared"}]},
        )
        arn = cloud.run(definition)
        task = cloud.reached(arn, "STOPPED")
        codes = {each["name"]: each["exitCode"] for each in task["containers"]}
        assert (codes, cloud.printed(arn)) == ({"side": code, "app": 0}, ["made"]), condition


@row("a container whose dependency fails is never started", DEPENDENCY)
def failed_dependency(cloud: Stage) -> None:
    definition = cloud.definition(
        side(cloud, "exit 3"),
        command=["echo", "never"],
        dependsOn=[{"containerName": "side", "condition": "SUCCESS"}],
    )
    arn = cloud.run(definition)
    task = cloud.reached(arn, "STOPPED")
    found = {each["name"]: each for each in task["containers"]}
    assert (found["side"]["exitCode"], found["app"]["exitCode"]) == (3, 143)
    assert "as dependency did not exit successfully" in found["app"]["reason"]
    assert cloud.printed(arn) == []


@row(
    "a container that is not healthy within its startTimeout", API + "API_ContainerDefinition.html"
)
def dependency_timed_out(cloud: Stage) -> None:
    check = {"command": ["CMD", "false"], "interval": 5, "retries": 10}
    definition = cloud.definition(
        side(cloud, "sleep 1000", healthCheck=check, startTimeout=3),
        command=["echo", "never"],
        dependsOn=[{"containerName": "side", "condition": "HEALTHY"}],
    )
    arn = cloud.run(definition)
    assert "has timed out" in cloud.reached(arn, "STOPPED")["stoppedReason"]
    assert cloud.printed(arn) == []


@row("conditions that can't come about are refused", DEPENDENCY)
def refused_dependencies(cloud: Stage) -> None:
    for condition, essential, words in (
        ("COMPLETE", True, "essential"),
        ("SUCCESS", True, "essential"),
        ("HEALTHY", False, "health check"),
    ):
        needs = [{"containerName": "side", "condition": condition}]
        other = side(cloud, "true", essential=essential)
        code, message = refused(lambda o=other, n=needs: cloud.definition(o, dependsOn=n))
        assert (code, words in message) == ("ClientException", True), condition


@row(
    "the end of a container that is not essential leaves the task",
    GUIDE + "task_definition_parameters.html",
)
def not_essential(cloud: Stage) -> None:
    arn = cloud.run(cloud.definition(side(cloud, "exit 3")))
    cloud.reached(arn, "RUNNING")
    wait_for(lambda: [c for c in cloud.task(arn)["containers"] if c.get("exitCode") == 3])
    wait_for(lambda: "listening" in cloud.printed(arn))
    assert cloud.task(arn)["lastStatus"] == "RUNNING"
    cloud.ecs.stop_task(cluster=arn.split("/")[1], task=arn)


@row(
    "any essential container's end ends the task, others by SIGTERM",
    GUIDE + "stopped-task-error-codes.html",
)
def essential_sidecar(cloud: Stage) -> None:
    ask = "import socket; socket.create_connection(('127.0.0.1', 9292))"
    once_there = f'until python3 -c "{ask}" 2>/dev/null; do sleep 0.2; done; exit 4'
    arn = cloud.run(cloud.definition(side(cloud, once_there, essential=True)))
    task = cloud.reached(arn, "STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert {c["name"]: c["exitCode"] for c in task["containers"]} == {"side": 4, "app": 0}
    assert "told to stop" in cloud.printed(arn)


@row(
    "an essential container that ends while others wait for it",
    GUIDE + "stopped-task-error-codes.html",
)
def essential_end_at_start(cloud: Stage) -> None:
    check = {"command": ["CMD", "false"], "interval": 5, "retries": 10}
    definition = cloud.definition(
        side(cloud, "exit 4", essential=True, healthCheck=check),
        command=["echo", "never"],
        dependsOn=[{"containerName": "side", "condition": "HEALTHY"}],
    )
    arn = cloud.run(definition)
    task = cloud.reached(arn, "STOPPED")
    assert task["stoppedReason"] == "Essential container in task exited"
    assert cloud.printed(arn) == []


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
    wait_for(lambda: "listening" in cloud.printed(task))
    begun = time.monotonic()
    cloud.ecs.stop_task(cluster=task.split("/")[1], task=task, reason="the row says so")
    stopped = cloud.reached(task, "STOPPED")
    assert time.monotonic() - begun >= 4
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
    containers = cloud.engine.containers.list(ignore_removed=True, filters={"label": label})
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


PUT_LOG_EVENTS = (
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"
)


@row("a line is one event of up to 262,118 bytes; longer ones are split", PUT_LOG_EVENTS)
def long_lines(cloud: Stage) -> None:
    script = (
        "import sys; w = sys.stdout.write; w('a' * 20000 + '\\n'); w('b\\n'); "
        "w('c' * 300000 + '\\n'); w('last, without an end')"
    )
    task = cloud.run(cloud.definition(command=["python3", "-c", script]))
    cloud.reached(task, "STOPPED")
    lines = cloud.printed(task)
    assert [(line[:4], len(line)) for line in lines] == [
        ("aaaa", 20_000),
        ("b", 1),
        ("cccc", 262_118),
        ("cccc", 300_000 - 262_118),
        ("last", 20),
    ]


@pytest.mark.parametrize("row", [*TABLE.rows, *SESSIONS.rows], ids=str)
def test_behaves_as_documented(played: Played, row: Row[Stage]) -> None:
    played.await_end(row)
