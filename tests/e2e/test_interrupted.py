"""The local cloud dies in the midst of a creation: a re-run completes, a third changes nothing.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import psutil
import pytest

from localcloud.tests.cloud_process import await_snapshot
from tests.e2e.checkout import UP_SECONDS, Checkout
from tests.e2e.faulty import names, prepare, up

UP = ("up", "--stack", "local", "--yes", "--no-smoke")


def kill_at_create(checkout: Checkout) -> None:
    """`kill -9` the local cloud as soon as an `up` has made the service; the `up` must give up."""
    started = checkout.run("local", "start")
    assert started.returncode == 0, started.stderr
    ecs = checkout.client("ecs")
    update = checkout.begin(*UP)
    deadline = time.monotonic() + UP_SECONDS
    while status(checkout, ecs) != "ACTIVE":
        assert update.poll() is None, update.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    await_snapshot(checkout.state_dir, checkout.client("ssm"))
    cloud = psutil.Process(json.loads((checkout.state_dir / "endpoints.json").read_text())["pid"])
    os.kill(cloud.pid, signal.SIGKILL)
    said = update.communicate(timeout=UP_SECONDS)[0]
    assert update.returncode == 1, said
    assert "failed: create aws:Service" in said


def status(checkout: Checkout, ecs: Any) -> str | None:
    """The service's status; None if there is none."""
    where = names(checkout)
    try:
        found = ecs.describe_services(cluster=where["cluster"], services=[where["service"]])
    except ecs.exceptions.ClusterNotFoundException:
        return None
    return str(found["services"][0]["status"]) if found["services"] else None


@pytest.fixture(scope="module")
def interrupted(checkout: Checkout) -> Checkout:
    """A stack whose service exists, and whose state doesn't know of it."""
    # A service that is slow to become steady is at its creation for as long.
    prepare(checkout, desired_count=1, environment={"START": "3"})
    kill_at_create(checkout)
    return checkout


def test_a_re_run_completes_and_a_third_changes_nothing(interrupted: Checkout) -> None:
    done = interrupted.run(*UP)
    assert done.returncode == 0, done.stderr
    assert "aws:Service service-service exists and is adopted" in done.stderr
    changes = up(interrupted, 0, "--no-smoke")["changes"]
    assert {kind: n for kind, n in changes.items() if kind != "same" and n} == {}


def test_destroy_takes_what_was_adopted_too(interrupted: Checkout) -> None:
    document = interrupted.json("destroy", "--stack", "local", "--yes")
    assert document["leftovers"] == []
    assert document["result"] == "succeeded"
