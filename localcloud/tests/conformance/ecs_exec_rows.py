"""ECS Exec: one row a behaviour that AWS documents, played with those of `ecs_tasks_test`."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed

from localcloud.tests.conformance.ecs_stage import (
    GUIDE,
    LOG_GROUP,
    Stage,
    refused,
    wait_for,
)
from localcloud.tests.conformance.table import Table
from localcloud.tests.session_client import converse

SESSIONS: Table[Stage] = Table()
row = SESSIONS.row

EXEC = GUIDE + "ecs-exec.html"


@row("ExecuteCommand opens a session as root, once, and logs it", EXEC)
def execute_command(cloud: Stage) -> None:
    cluster, group = cloud.cluster(), f"{LOG_GROUP}/sessions"
    cloud.client("logs").create_log_group(logGroupName=group)
    kept = {"logging": "OVERRIDE", "logConfiguration": {"cloudWatchLogGroupName": group}}
    cloud.ecs.update_cluster(cluster=cluster, configuration={"executeCommandConfiguration": kept})
    task = cloud.open_task(cluster, cloud.definition(user="10001"))
    request = {"cluster": cluster, "task": task, "interactive": True}
    command = "sh -c 'id -u; read line; echo got $line'"
    session = cloud.ecs.execute_command(**request, command=command)["session"]
    with pytest.raises(ConnectionClosed, match="token is wrong"):
        converse(session | {"tokenValue": "guessed"}, bytearray().extend)
    output = bytearray()
    session = cloud.ecs.execute_command(**request, command=command)["session"]
    converse(session, output.extend, b"hello\n")
    assert sorted(output.decode().split("\r\n")) == ["", "0", "got hello", "hello"]
    wait_for(lambda: cloud.stream(group, session["sessionId"]))
    with pytest.raises(ConnectionClosed, match="session is unknown"):
        converse(session, output.extend)


@row("the agent splits a command into words and runs it without a shell", EXEC)
def no_shell(cloud: Stage) -> None:
    cluster = cloud.cluster()
    task = cloud.open_task(cluster, cloud.definition())

    def printed(command: str) -> tuple[str, str]:
        session = cloud.ecs.execute_command(
            cluster=cluster, task=task, command=command, interactive=True
        )["session"]
        output = bytearray()
        last = converse(session, output.extend)
        return output.decode(), last

    assert printed("echo one; echo $HOME > 'a  b' && false") == (
        "one; echo $HOME > a  b && false\r\n",
        "",
    )
    assert printed("echo a\nprintf '<exit:%s>' $?")[0] == "a printf <exit:%s> $?\r\n"
    assert printed("/bin/nowhere -c x") == (
        "",
        "Unable to start command: Failed to start pty: "
        "fork/exec /bin/nowhere: no such file or directory",
    )
    words = 'Failed to start pty: exec: "nowhere": executable file not found in $PATH'
    assert printed("nowhere") == ("", f"Unable to start command: {words}")
    words = "Failed to parse commands input: EOF found when expecting closing quote"
    assert printed("echo 'a") == ("", f"Unable to start command: {words}")


@row("a session's command ends with its client", EXEC)
def session_left(cloud: Stage) -> None:
    cluster = cloud.cluster()
    task = cloud.open_task(cluster, cloud.definition())
    session = cloud.ecs.execute_command(
        cluster=cluster,
        task=task,
        command="sh -c 'echo begun; sleep 1000'",
        interactive=True,
    )["session"]

    def leave(_: bytes) -> None:
        raise OSError("the terminal is closed")

    with pytest.raises(OSError, match="the terminal is closed"):
        converse(session, leave)
    container = cloud.container(cloud.task(task))
    wait_for(lambda: not any("sleep 1000" in row[-1] for row in container.top()["Processes"]))


@row("ExecuteCommand needs a running task that allows it, and its permissions", EXEC)
def no_session(cloud: Stage) -> None:
    cluster = cloud.cluster()
    closed = cloud.ecs.run_task(
        cluster=cluster,
        taskDefinition=cloud.definition(),
        launchType="FARGATE",
        networkConfiguration=cloud.network,
    )["tasks"][0]["taskArn"]
    powerless = cloud.role("powerless", allowed="logs:*")
    task = cloud.open_task(cluster, cloud.definition(task={"taskRoleArn": powerless}))
    cloud.reached(closed, "RUNNING")

    def asked(arn: str, *, interactive: bool = True) -> tuple[str, str]:
        return refused(
            lambda: cloud.ecs.execute_command(
                cluster=cluster, task=arn, command="ls", interactive=interactive
            )
        )

    assert asked(task)[0] == "TargetNotConnectedException"
    code, words = asked(task, interactive=False)
    assert (code, "Interactive" in words) == ("InvalidParameterException", True)
    code, words = asked(closed)
    assert (code, "was not enabled" in words) == ("InvalidParameterException", True)
    cloud.ecs.stop_task(cluster=cluster, task=task)
    assert asked(task)[0] == "InvalidParameterException"
