"""What a smoke run of a killed driver left on this machine is removed by the next update."""

from __future__ import annotations

import os
import platform
import subprocess

from automation.machine import smoke_leftovers
from automation.machine.docker_engine import DockerError


def dead_process() -> int:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    return ended.pid


def test_containers_and_image_names_of_dead_drivers_on_this_machine_are_removed() -> None:
    dead, machine = dead_process(), platform.node()
    mine = smoke_leftovers.image_name("abc")
    abandoned = mine.replace(f"-{os.getpid()}", f"-{dead}")
    removed = []

    def docker(*arguments: str) -> str:
        if arguments[0] == "ps":
            rows = [f"dead {machine}:{dead}", f"alive {smoke_leftovers.owner()}"]
            return "\n".join([*rows, f"elsewhere other-{machine}:{dead}", "old 1"])
        if arguments[:2] == ("image", "ls"):
            return "\n".join([mine, abandoned, f"fargate-cd-smoke:abc-0-{dead}"])
        removed.append(arguments)
        return ""

    smoke_leftovers.remove_abandoned(docker)
    assert removed == [("rm", "--force", "--volumes", "dead"), ("image", "rm", abandoned)]


def test_a_machine_without_docker_has_nothing_to_remove() -> None:
    def docker(*_arguments: str) -> str:
        raise DockerError("no docker")

    smoke_leftovers.remove_abandoned(docker)
