"""The commands that operate a stack, on one that is not there, half made, healthy, and changed.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import json
import re
import signal
import time

import pytest

from tests.e2e.checkout import Checkout, until
from tests.e2e.faulty import names, prepare, up

READING = ("status", "releases", "diagnose", "logs", "outputs")
LOG_GROUP = "/ecs/fargate-cd-local/app"


def tagged(checkout: Checkout) -> set[str]:
    """What carries the stack's tags, as the tagging API tells it."""
    pages = checkout.client("resourcegroupstaggingapi").get_paginator("get_resources")
    found = pages.paginate(TagFilters=[{"Key": "stack", "Values": ["local"]}])
    return {row["ResourceARN"] for page in found for row in page["ResourceTagMappingList"]}


def interrupted(checkout: Checkout, after: str, number: int, *arguments: str) -> int:
    """Send a command a signal once it has said something; returns its exit code."""
    command = checkout.begin(*arguments)
    assert command.stdout is not None
    said = []
    sent = False
    for line in command.stdout:
        said.append(line)
        if after in line and not sent:
            command.send_signal(number)
            sent = True
    code = command.wait()
    assert sent, "".join(said)
    return code


@pytest.fixture(scope="module")
def prepared(checkout: Checkout) -> Checkout:
    """A checkout with the application, and no stack yet."""
    prepare(checkout, desired_count=1, min_count=1, max_count=2)
    return checkout


@pytest.mark.parametrize("command", [*READING, "rollback", "refresh"])
def test_a_stack_that_is_not_there(prepared: Checkout, command: str) -> None:
    done = prepared.run(command, "--stack", "local")
    assert done.returncode == 2
    assert "up --stack local" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stack_that_is_half_made(prepared: Checkout) -> None:
    killed = ("up", "--stack", "local", "--yes", "--no-smoke")
    assert interrupted(prepared, "created aws:", signal.SIGKILL, *killed) == -signal.SIGKILL
    for command in READING:
        done = prepared.run(command, "--stack", "local")
        assert done.returncode in (0, 2), done.stderr
        assert "fault" not in done.stderr
    for arguments in (["rollback"], ["exec", "true"]):
        done = prepared.run(*arguments, "--stack", "local")
        assert done.returncode == 2
        assert "no service" in done.stderr
    assert up(prepared, 0, "--no-smoke")["result"] == "succeeded"


def test_a_command_in_a_container(prepared: Checkout) -> None:
    done = prepared.run("exec", "--stack", "local", "--", "sh", "-c", "echo port $PORT; exit 3")
    assert done.returncode == 3, done.stderr
    assert done.stdout.split() == ["port", "9292"]


def test_standard_input_reaches_a_command_in_a_container(prepared: Checkout) -> None:
    typed = "one\ntwo, without an end"
    command = ("exec", "--stack", "local", "--", "cat; exit 5")
    done = prepared.run(*command, given=typed)
    assert (done.returncode, done.stdout) == (5, typed), done.stderr


def test_a_task_of_its_own(prepared: Checkout) -> None:
    """It has the release's variables, takes no requests, and its log and status are told."""
    command = ["sh", "-c", "echo port $PORT; exit 3"]
    done = prepared.run("run", "--json", "--stack", "local", "--", *command)
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert told["exit_code"] == 3
    assert told["log"] == ["port 9292"]


def test_logs_since(prepared: Checkout) -> None:
    assert "listening on port 9292" in prepared.run("logs", "--stack", "local").stdout
    wrong = prepared.run("logs", "--stack", "local", "--since", "yesterday")
    assert wrong.returncode == 2


def test_rollback_stops_a_deployment_that_goes_on(prepared: Checkout) -> None:
    prepared.configure(environment={"VERSION": "2"})
    assert up(prepared, 0, "--no-smoke")["result"] == "succeeded"
    first, second = (
        row["number"]
        for row in reversed(prepared.json("releases", "--stack", "local")["releases"])
        if row["state"] in {"current", "superseded"}
    )
    assert (first, second) == (1, 2)
    prepared.client("ecs").update_service(**names(prepared), forceNewDeployment=True)
    document = prepared.json("rollback", "--stack", "local", "--yes", "--to", "1")
    assert document["result"] == "succeeded"
    releases = prepared.json("releases", "--stack", "local")["releases"]
    assert releases[0]["state"] == "current"
    printed = prepared.run("exec", "--stack", "local", "--", "sh", "-c", "echo v$VERSION")
    assert printed.stdout.strip() == "v"


def test_drift_by_hand_is_told_apart_from_a_release(prepared: Checkout) -> None:
    prepared.client("logs").put_retention_policy(logGroupName=LOG_GROUP, retentionInDays=7)
    preview = prepared.json("preview", "--stack", "local")
    for found in (preview, prepared.json("refresh", "--stack", "local")):
        drifted = {
            row["urn"].rpartition("::")[2]: (row["by"], row["properties"])
            for row in found["drifted"]
        }
        assert drifted["logs-application"] == ("hand", ["retentionInDays"])
        by, properties = drifted["service-service"]
        assert by.startswith("a release")
        assert properties == ["taskDefinition"]
    assert prepared.json("refresh", "--stack", "local")["drifted"] == []


def test_a_watch_ends_with_ctrl_c(prepared: Checkout) -> None:
    for arguments in (["status", "--watch"], ["logs", "--follow"]):
        command = prepared.begin(*arguments, "--stack", "local")
        assert command.stdout is not None
        assert command.stdout.readline()
        time.sleep(1)
        command.send_signal(signal.SIGINT)
        assert command.wait(60) == 130
        # The application's own lines begin with a time.
        assert not re.search(r"^Traceback", command.stdout.read(), re.MULTILINE)


def test_a_destroy_goes_on_where_it_was_interrupted_and_lists_what_survives(
    prepared: Checkout,
) -> None:
    topic = prepared.client("sns").create_topic(
        Name="by-hand",
        Tags=[{"Key": "project", "Value": "fargate-cd"}, {"Key": "stack", "Value": "local"}],
    )["TopicArn"]
    until(lambda: topic in tagged(prepared))  # later than it is made, as on AWS
    destroy = ("destroy", "--stack", "local", "--yes")
    assert interrupted(prepared, "deleted aws:", signal.SIGINT, *destroy) == 130
    document = prepared.json(*destroy, exit_code=1)
    assert document["result"] == "failed"
    (left,) = document["leftovers"]
    assert left["arn"] == topic
    assert f"aws sns delete-topic --topic-arn {topic}" in left["why"]
    prepared.client("sns").delete_topic(TopicArn=topic)
    assert prepared.json(*destroy)["leftovers"] == []
