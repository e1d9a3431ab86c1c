"""Names what the smoke test makes on this machine, and removes what a killed driver left."""

from __future__ import annotations

import os
import platform
import zlib
from collections.abc import Callable
from contextlib import suppress

import psutil

from automation.machine import docker_engine
from automation.machine.docker_engine import DockerError

LABEL = "fargate-cd.smoke"
REPOSITORY = "fargate-cd-smoke"


def owner() -> str:
    """This machine and process, as the label of a container that it runs."""
    return f"{platform.node()}:{os.getpid()}"


def image_name(tag: str) -> str:
    """A local name for the image of this process's smoke run."""
    return f"{REPOSITORY}:{tag}-{_machine()}-{os.getpid()}"


def remove_abandoned(call: Callable[..., str] = docker_engine.call) -> None:
    """Remove the containers and local image names whose driver is dead on this machine.

    Args:
        call: runs `docker` with its arguments; on a machine without Docker nothing happens.
    """
    form = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    with suppress(DockerError):
        listed = call("ps", "--all", f"--filter=label={LABEL}", f"--format={form}")
        for container, _, label in (row.partition(" ") for row in listed.splitlines()):
            machine, _, process = label.rpartition(":")
            if machine == platform.node() and _is_dead(process):
                call("rm", "--force", "--volumes", container)
        listed = call("image", "ls", "--format={{.Repository}}:{{.Tag}}", REPOSITORY)
        for name in listed.splitlines():
            beginning, _, process = name.rpartition("-")
            if beginning.endswith(f"-{_machine()}") and _is_dead(process):
                call("image", "rm", name)


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):x}"


def _is_dead(process: str) -> bool:
    return process.isdigit() and not psutil.pid_exists(int(process))
