"""Faults of the cloud, the network and the disk during an update: what each does, and the way on.

docs/reliability.md lists all faults. The tests of this file share one stack and run in the order in
which they stand.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checkout import UP_SECONDS, Checkout
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


def rolls_out(checkout: Checkout, ecs: Any) -> bool:
    """Whether the newest deployment of the service goes on."""
    where = names(checkout)
    found = ecs.describe_services(cluster=where["cluster"], services=[where["service"]])
    return str(found["services"][0]["deployments"][0]["rolloutState"]) == "IN_PROGRESS"


@contextmanager
def cut_off(checkout: Checkout) -> Iterator[None]:
    """All APIs of the cloud, the providers too, neither answer nor refuse within the block."""
    pid = int(json.loads((checkout.state_dir / "endpoints.json").read_text())["pid"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_an_update_outlives_a_network_that_is_cut_for_30_s(checkout: Checkout, url: str) -> None:
    checkout.configure(environment={"COLOUR": "green"})
    ecs = checkout.client("ecs")
    with Visitor(url) as visitor:
        update = checkout.begin("up", *STACK, "--yes", "--no-smoke")
        deadline = time.monotonic() + UP_SECONDS
        while not rolls_out(checkout, ecs):
            assert update.poll() is None, update.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with cut_off(checkout):
            time.sleep(CUT_SECONDS)
        said = update.communicate(timeout=UP_SECONDS)[0]
    assert update.returncode == 0, said
    assert visitor.faults == []
    unchanged(checkout)


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
