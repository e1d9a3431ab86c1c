"""Faults of the cloud, the network and the disk during an update: what each does, and the way on.

docs/reliability.md lists all faults. The tests of this file share one stack and run in the order in
which they stand.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.e2e.checkout import UP_SECONDS, Checkout, copy_tree
from tests.e2e.faulty import Visitor, names, prepare, up

STACK = ("--stack", "local")
CUT_SECONDS = 30


@pytest.fixture(scope="module")
def url(checkout: Checkout) -> str:
    """The URL of the healthy stack."""
    prepare(checkout, desired_count=2)
    return str(up(checkout, 0, "--no-smoke")["outputs"]["service_url"])


def stage(checkout: Checkout, *rows: dict[str, Any]) -> Path:
    """Have the next calls of the cloud fail; returns the file, which goes when all have."""
    file = checkout.state_dir / "faults.json"
    file.write_text(json.dumps(rows))
    return file


def unchanged(checkout: Checkout) -> None:
    """Nothing is left to change."""
    done = checkout.run("preview", *STACK, "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_calls_that_are_throttled_or_fail_once_are_repeated(checkout: Checkout, url: str) -> None:
    checkout.configure(environment={"COLOUR": "red"})
    faults = stage(
        checkout,
        {"service": "ecs", "operation": "UpdateService", "code": "ThrottlingException", "times": 2},
        {"service": "ecs", "operation": "RegisterTaskDefinition", "code": "ServerException"},
        {"service": "ecs", "operation": "DescribeServices", "code": "ServerException", "times": 2},
    )
    with Visitor(url) as visitor:
        assert up(checkout, 0, "--no-smoke")["result"] == "succeeded"
    assert not faults.exists(), "each fault has hit"
    assert visitor.faults == []
    unchanged(checkout)


def test_a_cloud_that_goes_on_failing_ends_the_update_and_a_re_run_completes_it(
    checkout: Checkout, url: str
) -> None:
    checkout.configure(environment={"COLOUR": "blue"})
    row = {"service": "ecs", "operation": "UpdateService", "code": "ServerException"}
    faults = stage(checkout, row | {"times": 1000, "message": "staged by the test"})
    try:
        with Visitor(url) as visitor:
            failed = checkout.run("up", *STACK, "--yes", "--no-smoke")
    finally:
        faults.unlink()
    assert failed.returncode == 1, failed.stderr
    assert "staged by the test" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert visitor.answers > 0
    assert visitor.faults == []
    assert up(checkout, 0, "--no-smoke")["result"] == "succeeded"
    unchanged(checkout)


def test_credentials_that_expire_in_an_update_are_told_and_a_re_run_completes_it(
    checkout: Checkout, url: str
) -> None:
    checkout.configure(environment={"COLOUR": "grey"})
    row = {"service": "ecs", "operation": "UpdateService", "code": "ExpiredTokenException"}
    said = "The security token included in the request is expired"
    faults = stage(checkout, row | {"status": 400, "times": 1000, "message": said})
    try:
        with Visitor(url) as visitor:
            failed = checkout.run("up", *STACK, "--yes", "--no-smoke")
    finally:
        faults.unlink()
    assert failed.returncode == 1, failed.stderr
    assert said in failed.stderr
    assert "log in again" in " ".join(failed.stderr.split())
    assert "Traceback" not in failed.stderr
    assert visitor.faults == []
    assert up(checkout, 0, "--no-smoke")["result"] == "succeeded"
    unchanged(checkout)


def rolls_out(checkout: Checkout, ecs: Any) -> bool:
    """Whether the newest deployment of the service goes on."""
    where = names(checkout)
    found = ecs.describe_services(cluster=where["cluster"], services=[where["service"]])
    return str(found["services"][0]["deployments"][0]["rolloutState"]) == "IN_PROGRESS"


@contextmanager
def cut_off(checkout: Checkout) -> Iterator[None]:
    """All APIs of the cloud, the providers too, neither answer nor refuse within the block."""
    with halted(int(json.loads((checkout.state_dir / "endpoints.json").read_text())["pid"])):
        yield


@contextmanager
def halted(pid: int) -> Iterator[None]:
    """A process stands still within the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def in_rollout(checkout: Checkout, ecs: Any) -> subprocess.Popen[str]:
    """An `up` that has begun to replace the tasks."""
    update = checkout.begin("up", *STACK, "--yes", "--no-smoke")
    deadline = time.monotonic() + UP_SECONDS
    while not rolls_out(checkout, ecs):
        assert update.poll() is None, update.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return update


def of_older_revision(checkout: Checkout, ecs: Any) -> tuple[str, set[str]]:
    """The revision before the newest, and its tasks that run or are started."""
    where = names(checkout)
    arns = ecs.list_tasks(cluster=where["cluster"], serviceName=where["service"])["taskArns"]
    tasks = ecs.describe_tasks(cluster=where["cluster"], tasks=arns)["tasks"]
    found = ecs.describe_services(cluster=where["cluster"], services=[where["service"]])
    old = found["services"][0]["deployments"][-1]["taskDefinition"]
    return old, {task["taskArn"] for task in tasks if task["taskDefinitionArn"] == old}


def kill(task: str) -> None:
    """End the application's container as the kernel does when memory is short."""
    engine = docker.from_env()
    label = [f"com.amazonaws.ecs.task-arn={task}", "com.amazonaws.ecs.container-name=app"]
    for container in engine.containers.list(ignore_removed=True, filters={"label": label}):
        container.kill()
    engine.close()


def test_a_task_that_is_killed_in_a_rollout_is_replaced_from_its_own_revision(
    checkout: Checkout, url: str
) -> None:
    # The new tasks listen only after a while, so that the old ones are still needed.
    checkout.configure(environment={"COLOUR": "black", "START": "25"}, startup_seconds=60)
    ecs = checkout.client("ecs")
    update = in_rollout(checkout, ecs)
    old, before = of_older_revision(checkout, ecs)
    killed, others = time.time(), Visitor(url)
    kill(min(before))
    deadline = time.monotonic() + UP_SECONDS
    while not (of_older_revision(checkout, ecs)[1] - before):
        assert of_older_revision(checkout, ecs)[0] == old, "the rollout has ended"
        assert time.monotonic() < deadline
        time.sleep(0.2)
    with others:
        said = update.communicate(timeout=UP_SECONDS)[0]
    assert update.returncode == 0, said
    assert others.answers > 0
    # Until the load balancer has seen that it is gone, requests still go to the killed task.
    late = [fault for fault in others.faults if float(fault.partition(":")[0]) > killed + 30]
    assert late == []
    checkout.configure(environment={"COLOUR": "black"}, startup_seconds=None)
    assert up(checkout, 0, "--no-smoke")["result"] == "succeeded"


def test_an_update_outlives_a_network_that_is_cut_for_30_s(checkout: Checkout, url: str) -> None:
    checkout.configure(environment={"COLOUR": "green"})
    ecs = checkout.client("ecs")
    with Visitor(url) as visitor:
        update = in_rollout(checkout, ecs)
        with cut_off(checkout):
            time.sleep(CUT_SECONDS)
        said = update.communicate(timeout=UP_SECONDS)[0]
    assert update.returncode == 0, said
    assert visitor.faults == []
    unchanged(checkout)


def second_machine(checkout: Checkout, folder: Path) -> Checkout:
    """Another checkout on the same cloud and the same backend, with locks of its own."""
    other = copy_tree(folder)
    shutil.copytree(checkout.root / "faulty", other.root / "faulty")
    shutil.copy(checkout.root / "Pulumi.local.yaml", other.root)
    other.state_dir.mkdir()
    for each in checkout.state_dir.iterdir():
        if each.name != "projects":
            (other.state_dir / each.name).symlink_to(each)
    return other


def test_of_two_machines_with_one_backend_one_updates_and_the_other_is_told(
    checkout: Checkout, url: str, tmp_path: Path
) -> None:
    other = second_machine(checkout, tmp_path)
    checkout.configure(environment={"COLOUR": "brown"})
    update = in_rollout(checkout, checkout.client("ecs"))
    (lock,) = checkout.state_dir.glob("pulumi/.pulumi/locks/**/*.json")
    held = json.loads(lock.read_text())
    with halted(held["pid"]):
        refused = other.run("up", *STACK, "--yes", "--no-smoke")
    assert refused.returncode == 3, refused.stderr
    assert f"of the stack local is running: process {held['pid']}" in " ".join(
        refused.stderr.split()
    )
    said = update.communicate(timeout=UP_SECONDS)[0]
    assert update.returncode == 0, said
    unchanged(checkout)
    lock.write_text(json.dumps(held | {"hostname": "build-7.example"}))
    told = " ".join(other.run("up", *STACK, "--yes", "--no-smoke").stderr.split())
    assert "can only be seen on build-7.example" in told
    way = re.search(r"free its lock first: (rm \S+\.json)", told)
    assert way, told
    subprocess.run(shlex.split(way[1]), check=True)
    shutil.copy(checkout.root / "Pulumi.local.yaml", other.root)
    unchanged(other)


def test_a_state_that_is_cut_off_is_refused_and_the_way_back_works(
    checkout: Checkout, url: str
) -> None:
    checkout.configure(environment={"COLOUR": "white"})
    assert up(checkout, 0, "--no-smoke")["result"] == "succeeded"
    (state,) = checkout.state_dir.glob("pulumi/.pulumi/stacks/*/local.json")
    whole = state.read_bytes()
    state.write_bytes(whole[: len(whole) // 2])
    refused = checkout.run("up", *STACK, "--yes", "--no-smoke")
    assert refused.returncode == 1, refused.stderr
    assert "is damaged and nothing was touched" in refused.stderr
    way = re.search(r"cp '[^']+' '[^']+'", refused.stderr.replace("\n", " "))
    assert way, refused.stderr
    subprocess.run(shlex.split(way[0]), check=True)
    refreshed = checkout.run("refresh", *STACK)
    assert refreshed.returncode == 0, refreshed.stderr
    assert up(checkout, 0, "--no-smoke")["result"] == "succeeded"
    unchanged(checkout)


def test_nothing_is_left(checkout: Checkout, url: str) -> None:
    assert checkout.json("destroy", *STACK, "--yes")["leftovers"] == []
