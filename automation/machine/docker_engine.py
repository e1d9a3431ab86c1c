"""This machine's Docker engine through the `docker` command, which knows its address and logins."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 600
SHOWN_LINES = 12
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

_STEP = re.compile(r"^(?:Step \d+/\d+ : |#\d+ \[[^\]]*\d+/\d+\] )(?P<step>.+)$")


class DockerError(Exception):
    """The docker command failed; the message is the last line that it wrote."""


class BuildError(DockerError):
    """An image could not be built.

    Attributes:
        evidence: the last lines of the step that failed.
    """

    def __init__(self, message: str, evidence: Sequence[str]) -> None:
        super().__init__(message)
        self.evidence = list(evidence)


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers.

    Attributes:
        architecture: of the images that it runs without emulation, as images name it: `amd64`.
    """

    architecture: str

    def call(self, *arguments: str) -> str:
        """Run `docker` with these arguments and return its standard output.

        Raises:
            DockerError: it failed, or took longer than 10 minutes.
        """
        return _call(arguments)

    def logs(self, container: str, lines: int) -> tuple[str, ...]:
        """The last lines that a container wrote, to standard output and error.

        Raises:
            DockerError: the engine has no such container.
        """
        text = _call(("logs", f"--tail={lines}", container), stderr=subprocess.STDOUT)
        return tuple(line.rstrip() for line in text.splitlines())

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """Describe a container or an image.

        Raises:
            DockerError: the engine has none of that name.
        """
        described: dict[str, Any] = json.loads(self.call(kind, "inspect", name))[0]
        return described

    def has_image(self, name: str) -> bool:
        """Whether the engine itself has the image."""
        try:
            self.inspect("image", name)
        except DockerError:
            return False
        return True


def find_engine() -> Engine | None:
    """This machine's Docker engine; None if none answers."""
    try:
        return Engine(_call(("version", "--format={{.Server.Arch}}")).strip())
    except DockerError:
        return None


def _call(arguments: Iterable[str], stderr: int = subprocess.PIPE) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DockerError(str(error)) from error
    if done.returncode == 0:
        return done.stdout
    lines = (done.stderr or done.stdout).strip().splitlines()
    raise DockerError(lines[-1] if lines else f"docker ended with {done.returncode}")


def build(
    folder: Path, dockerfile: Path, platform: str, tag: str, arguments: Mapping[str, str]
) -> None:
    """Build an image, with this machine's proxies as build arguments.

    Args:
        folder: the build context.
        dockerfile: the Dockerfile.
        platform: for example `linux/amd64`.
        tag: the name that it gets.
        arguments: build arguments.

    Raises:
        BuildError: the build failed.
    """
    proxies = {name: os.environ[name] for name in PROXIES if os.environ.get(name)}
    values = {**proxies, **arguments}
    command = ["docker", "build", f"--tag={tag}", f"--file={dockerfile}", f"--platform={platform}"]
    # Their values are in the environment, where a list of processes does not show them.
    command += [f"--build-arg={name}" for name in values]
    try:
        with subprocess.Popen(
            [*command, str(folder)],
            env={**os.environ, **values, "BUILDKIT_PROGRESS": "plain"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            step, lines = last_step(process.stdout or ())
    except OSError as error:
        raise BuildError(f"The image can't be built: {error}", []) from error
    if process.returncode != 0:
        raise _build_error(step, lines)


def last_step(output: Iterable[str]) -> tuple[str, list[str]]:
    """The last step of a build that its output names, and the end of what was printed in it."""
    step, lines = "", deque[str](maxlen=SHOWN_LINES)
    for raw in output:
        line = re.sub(r"\x1b\[[0-9;]*m", "", raw).rstrip()
        if found := _STEP.match(line):
            step = found["step"]
            lines.clear()
        elif line.strip():
            lines.append(line)
    return step, list(lines)


def _build_error(step: str, lines: list[str]) -> BuildError:
    if any("no space left on device" in line.lower() for line in lines):
        return BuildError(
            "The disk is full, so the image could not be built; free some space, for example with "
            "`docker system prune`, and run again.",
            lines,
        )
    cause = lines[-1] if lines else "docker printed nothing"
    cause = cause.removeprefix("ERROR: ").removeprefix("failed to solve: ").rstrip(".")
    where = f" at the step `{step}`" if step else ""
    return BuildError(f"The image build failed{where}: {cause}.", lines[:-1])
