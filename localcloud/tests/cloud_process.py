"""A local cloud of a test's own: its state folder, its clients, and the end of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

from localcloud.server import process
from localcloud.server.docker_network import connect, remove_unused_network
from localcloud.server.process import Endpoints


@dataclass
class CloudProcess:
    """A state folder whose local cloud a test starts, kills and asks."""

    state_dir: Path
    endpoints: Endpoints

    def client(self, service: str, **settings: Any) -> Any:
        environment = self.endpoints.environment()
        return boto3.session.Session().client(
            service,
            region_name=environment["AWS_REGION"],
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, **settings),
        )

    def kill(self) -> None:
        """As `kill -9` does: no goodbye, nothing saved."""
        victim = psutil.Process(self.endpoints.pid)
        os.kill(self.endpoints.pid, signal.SIGKILL)
        victim.wait(60)

    def start(self) -> None:
        self.endpoints = process.start(self.state_dir)

    def memory(self) -> int:
        """Bytes that the process holds."""
        return int(psutil.Process(self.endpoints.pid).memory_info().rss)


@contextmanager
def running(state_dir: Path) -> Iterator[CloudProcess]:
    """A running local cloud; afterwards it and its Docker network are gone."""
    cloud = CloudProcess(state_dir, process.start(state_dir))
    try:
        yield cloud
    finally:
        process.stop(state_dir)
        assert remove_unused_network(connect(), process.instance_of(state_dir))


def await_snapshot(state_dir: Path, ssm: Any) -> None:
    """Wait until all that has changed is on disk, which takes a second on an idle machine.

    Args:
        state_dir: of the running local cloud.
        ssm: its client of Systems Manager, in which a mark is left.
    """
    mark = f"/snapshot/{time.time_ns()}"
    ssm.put_parameter(Name=mark, Value=mark, Type="String")
    snapshot, deadline = state_dir / "emulator" / "snapshot.pickle", time.monotonic() + 120
    while not snapshot.exists() or mark.encode() not in snapshot.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.1)
