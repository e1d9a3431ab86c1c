"""Two updates of one stack whose state is in a bucket: what the engine says, and the way on.

The bucket is one of the local cloud's S3, with the engine's own client of it; no Docker is needed.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from pulumi import automation
from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from automation.engine.locate import find_engine
from automation.errors import UpdateRunning
from automation.stack import locks
from localcloud.tests.unit.gateway_harness import REGION, ROOT, Served, served

BUCKET = "states"
SECONDS = 120


@pytest.fixture(scope="module")
def cloud() -> Iterator[Served]:
    with served() as running:
        running.client("s3").create_bucket(Bucket=BUCKET)
        yield running


@dataclass
class Program:
    """A program that goes on until it may end."""

    began: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        self.began.set()
        assert self.may_end.wait(SECONDS)


def stack(cloud: Served, name: str, program: Any) -> automation.Stack:
    """A stack with its state in the bucket."""
    query = f"region={REGION}&endpoint={cloud.url}&s3ForcePathStyle=true&awssdk=v2"
    backend = f"s3://{BUCKET}?{query}"
    engine = find_engine()
    assert engine is not None, "no Pulumi engine: run `make setup`"
    environment = {
        "AWS_ACCESS_KEY_ID": ROOT.access_key_id,
        "AWS_SECRET_ACCESS_KEY": ROOT.secret_access_key,
        "PULUMI_BACKEND_URL": backend,
        "PULUMI_CONFIG_PASSPHRASE": "passphrase",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    return automation.create_or_select_stack(
        name,
        "bucket",
        program,
        opts=automation.LocalWorkspaceOptions(
            env_vars=environment,
            pulumi_command=engine,
            project_settings=automation.ProjectSettings(
                name="bucket", runtime="python", backend=automation.ProjectBackend(backend)
            ),
        ),
    )


def refused(other: automation.Stack) -> str:
    """What the engine says of an update that it refuses, since another one runs."""
    with pytest.raises(ConcurrentUpdateError) as raised:
        other.up()
    return str(raised.value)


def objects(cloud: Served) -> list[str]:
    """The locks in the bucket."""
    found = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=".pulumi/locks/")
    return [row["Key"] for row in found.get("Contents", [])]


def test_the_second_one_is_told_who_works_and_the_lock_of_a_dead_one_goes(cloud: Served) -> None:
    first, notes = Program(), list[str]()
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(stack(cloud, "two", first).up)
        try:
            assert first.began.wait(SECONDS)
            other = stack(cloud, "two", lambda: None)
            said = refused(other)
            (owner,) = locks.owners(said)
            with pytest.raises(UpdateRunning, match=f"process {owner.pid}"):
                locks.clear_dead("two", said, notes.append, other.cancel)
            os.kill(owner.pid, signal.SIGKILL)
            with pytest.raises(CommandError):
                update.result(SECONDS)
        finally:
            first.may_end.set()
    assert len(objects(cloud)) == 1
    locks.clear_dead("two", refused(other), notes.append, other.cancel)
    assert notes == [f"The lock of {owner} is taken over: that process is dead"]
    assert objects(cloud) == []
    assert other.up().summary.result == "succeeded"


def test_the_command_that_is_named_frees_the_lock(cloud: Served) -> None:
    first = Program()
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(stack(cloud, "named", first).up)
        try:
            assert first.began.wait(SECONDS)
            (owner,) = locks.owners(refused(stack(cloud, "named", lambda: None)))
        finally:
            (held,) = objects(cloud)
            first.may_end.set()
        update.result(SECONDS)
    *command, address = owner.freed_by.split()
    assert command == ["aws", "s3", "rm"]
    assert (urlsplit(address).netloc, urlsplit(address).path) == (BUCKET, f"/{held}")
    assert address.endswith(held), "nothing follows the name of the object"
