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
        victim.wait(10)

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


def wait_for_snapshot(seconds: float = 1.0) -> None:
    """A change is on disk within a second."""
    time.sleep(seconds)
