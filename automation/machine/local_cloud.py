"""The local cloud as the driver sees it: Docker, HAProxy and one background process.

`localcloud` is imported when it is needed, so that the driver works on AWS without that folder.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from automation import paths
from automation.errors import ConfigurationError, DriverError
from automation.machine import docker_setup, requirements
from automation.machine.docker_setup import Note
from automation.screen import Screen

if TYPE_CHECKING:
    from localcloud import api


def local_cloud() -> api.LocalCloud:
    """This checkout's local cloud.

    Raises:
        ConfigurationError: the checkout has no `localcloud/`, or its packages are missing.
    """
    _require_usable(paths.ROOT)
    from localcloud import api

    return api.LocalCloud()


@cache
def _require_usable(_root: Path) -> None:
    if importlib.util.find_spec("localcloud") is None:
        raise ConfigurationError(
            "This checkout has no localcloud/: restore it, or use a stack with target: aws."
        )
    if missing := requirements.missing(requirements.LOCAL):
        raise ConfigurationError(
            f"The local cloud's packages are missing ({', '.join(missing)}): "
            f"pip install -r {requirements.LOCAL}"
        )


def build_arguments(dockerfile: Path, platform: str, note: Note) -> dict[str, str]:
    """The build arguments that the local cloud adds where no public registry is in reach.

    Raises:
        DriverError: the base image can't be made.
    """
    local_cloud()
    from localcloud import api

    try:
        return api.build_arguments(dockerfile, platform, note)
    except api.LocalCloudError as error:
        raise DriverError(str(error)) from error


def make_base_image(note: Note) -> None:
    """Make the image that stands in for the public one, unless the Docker engine has it.

    Raises:
        DriverError: it can't be made.
    """
    local_cloud()
    from localcloud import api

    try:
        api.make_base_image(note)
    except api.LocalCloudError as error:
        raise DriverError(str(error)) from error


def state_dir() -> Path:
    """Where this checkout's local cloud keeps everything."""
    return local_cloud().state_dir


OUTDATED = (
    "The local cloud runs older code than this checkout has: `run.py local stop`, and the next "
    "command starts it anew with its state."
)


def is_outdated(running: api.Endpoints, folder: Path = paths.ROOT / "localcloud") -> bool:
    """Whether a file of the local cloud is younger than the process that runs."""
    began = datetime.fromisoformat(str(running.started_at)).timestamp()
    return any(file.stat().st_mtime > began for file in folder.rglob("*.py"))


def start(screen: Screen) -> api.Endpoints:
    """Start the local cloud, with what it needs, unless it runs.

    Raises:
        DriverError: Docker, HAProxy or the local cloud can't be started; the message says why.
    """
    cloud = local_cloud()
    running = cloud.status()
    if running is not None:
        docker_setup.ensure_docker(screen.note)
        if is_outdated(running):
            screen.warn(OUTDATED)
        return running
    lock = cloud.state_dir / "locks" / "start"
    with paths.exclusively(lock, screen.note, "the start of the local cloud"):
        docker_setup.ensure_docker(screen.note)
        docker_setup.ensure_packages(missing_packages(), screen.note)
        if (running := cloud.status()) is not None:
            return running
        screen.note("Starting the local cloud")
        endpoints = _started(cloud)
    screen.note(f"The local cloud runs (process {endpoints.pid}, {endpoints.api_url})")
    return endpoints


def _started(cloud: api.LocalCloud) -> api.Endpoints:
    from localcloud import api

    try:
        return cloud.start()
    except api.LocalCloudError as error:
        raise DriverError(f"The local cloud does not start: {error}") from error


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
    cloud = local_cloud()
    from localcloud import api

    try:
        return cloud.stop()
    except api.LocalCloudError as error:
        raise DriverError(f"The local cloud does not stop: {error}") from error
