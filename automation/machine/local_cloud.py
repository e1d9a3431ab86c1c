"""The local cloud as the driver sees it: Docker, HAProxy and one background process.

`localcloud` is imported when it is needed, so that the driver works on AWS without that folder.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

from automation import paths
from automation.errors import ConfigurationError, DriverError
from automation.machine import docker
from automation.screen import Screen


class Endpoints(Protocol):
    """A running local cloud (`localcloud.process.Endpoints`)."""

    pid: int
    api_url: str
    registry_host: str
    providers: dict[str, int]
    started_at: object

    def environment(self) -> dict[str, str]:
        """What a process needs to talk to it."""


class Process(Protocol):
    """What the driver uses of `localcloud.process`."""

    LocalCloudError: type[Exception]

    def start(self, state_dir: Path) -> Endpoints: ...
    def stop(self, state_dir: Path) -> bool: ...
    def status(self, state_dir: Path) -> Endpoints | None: ...
    def log_file(self, state_dir: Path) -> Path: ...
    def default_state_dir(self) -> Path: ...
    def lost_state(self, state_dir: Path) -> str | None: ...
    def instance_of(self, state_dir: Path) -> str: ...


def process() -> Process:
    """The module that starts and stops the local cloud.

    Raises:
        ConfigurationError: the checkout has no `localcloud/`.
    """
    if importlib.util.find_spec("localcloud") is None:
        raise ConfigurationError(
            "This checkout has no localcloud/: restore it, or use a stack with target: aws."
        )
    return cast(Process, importlib.import_module("localcloud.server.process"))


def state_dir() -> Path:
    """Where this checkout's local cloud keeps everything."""
    return process().default_state_dir()


def instance() -> str:
    """The short name of this checkout's local cloud in containers, networks and labels."""
    return process().instance_of(state_dir())


OUTDATED = (
    "The local cloud runs older code than this checkout has: `run.py local stop`, and the next "
    "command starts it anew with its state."
)


def is_outdated(running: Endpoints, folder: Path = paths.ROOT / "localcloud") -> bool:
    """Whether a file of the local cloud is younger than the process that runs."""
    began = datetime.fromisoformat(str(running.started_at)).timestamp()
    return any(file.stat().st_mtime > began for file in folder.rglob("*.py"))


def start(screen: Screen) -> Endpoints:
    """The running local cloud; started with what it needs if it is not running.

    Raises:
        DriverError: Docker, HAProxy or the local cloud can't be started; the message says why.
    """
    cloud = process()
    running = cloud.status(state_dir())
    if running is not None:
        docker.ensure_docker(screen.note)
        if is_outdated(running):
            screen.warn(OUTDATED)
        return running
    with paths.exclusively(
        state_dir() / "locks" / "start", screen.note, "the start of the local cloud"
    ):
        docker.ensure_docker(screen.note)
        docker.ensure_packages(missing_packages(), screen.note)
        if (running := cloud.status(state_dir())) is not None:
            return running
        screen.note("Starting the local cloud")
        try:
            endpoints = cloud.start(state_dir())
        except cloud.LocalCloudError as error:
            raise DriverError(f"The local cloud does not start: {error}") from error
    screen.note(f"The local cloud runs (process {endpoints.pid}, {endpoints.api_url})")
    return endpoints


NEEDED_PROGRAMS: Mapping[str, str] = {"haproxy": "haproxy"}
"""Program on this machine → Debian package, beside Docker."""


def missing_packages() -> list[str]:
    """Debian packages of the programs that the local cloud needs and this machine lacks."""
    path = "/usr/local/sbin:/usr/sbin:/sbin"
    return [
        package
        for program, package in NEEDED_PROGRAMS.items()
        if not (shutil.which(program) or shutil.which(program, path=path))
    ]


def stop() -> bool:
    """Stop the local cloud with its containers; returns whether it was running."""
    cloud = process()
    try:
        return cloud.stop(state_dir())
    except cloud.LocalCloudError as error:
        raise DriverError(f"The local cloud does not stop: {error}") from error
