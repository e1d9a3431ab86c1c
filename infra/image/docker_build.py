"""Builds an image with this machine's `docker` command: for a trial run, and with secrets."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SHOWN_LINES = 12
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
SECRET_PREFIX = "BUILD_SECRET_"  # noqa: S105 - of variables
"""A secret's value is in the environment of the build, under its id behind this."""

NO_BUILDKIT = (
    "build_secrets needs BuildKit, and no `docker` command here has it: the older builder knows no "
    "secrets. Install Docker's plugin buildx (the package docker-buildx-plugin or docker-buildx), "
    "or leave the build to the pipeline"
)

_STEP = re.compile(r"^(?:Step \d+/\d+ : |#\d+ \[[^\]]*\d+/\d+\] )(?P<step>.+)$")
_NO_BASE = re.compile(
    r"no such host|dial tcp|timeout|refused|manifest|not found|pull access denied",
    re.IGNORECASE,
)
NO_BASE = (
    "Docker can't get this base image: correct its name, load the image into this machine's Docker "
    "engine (`docker load`), or name a registry that can be reached (docs/your-app.md, Base images "
    "without a registry)"
)
_LAYER_GONE = re.compile(
    r'unknown parent image ID sha256:|(?:find|get destination) image "?sha256:'
    r"|failed to get digest sha256:|layer does not exist",
    re.IGNORECASE,
)
"""What the classic builder says of a cached layer that was removed while it used it.

Whoever removes an image removes its layers that have no other name, also those with which
another build has just begun.
"""
ATTEMPTS = 5
_WITH_BUILDKIT_INSIDE = 23
"""The first version of the command whose BuildKit is a plugin:
https://docs.docker.com/engine/release-notes/23.0/"""


class BuildError(Exception):
    """An image could not be built.

    Attributes:
        evidence: the last lines of the step that failed.
    """

    def __init__(self, message: str, evidence: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.evidence = list(evidence)


@dataclass(frozen=True)
class Options:
    """What the settings say about a build.

    Attributes:
        arguments: build arguments.
        target: the stage that is built; empty for the last one.
        secrets: id → ARN.
    """

    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)

    def command(self) -> list[str]:
        """As options of `docker build`; secrets are in the environment, see `SECRET_PREFIX`."""
        options = [f"--build-arg={name}={text}" for name, text in sorted(self.arguments.items())]
        options += [f"--target={self.target}"] if self.target else []
        return [*options, *map(secret_option, sorted(self.secrets))]


def secret_option(name: str) -> str:
    """The option of `docker build` that passes on a secret of the environment."""
    return f"--secret=id={name},env={SECRET_PREFIX}{name}"


def build(
    folder: Path,
    dockerfile: Path,
    platform: str,
    tag: str,
    arguments: Mapping[str, str],
    target: str = "",
    secrets: Mapping[str, str] | None = None,
) -> None:
    """Build an image, with this machine's proxies as build arguments.

    Args:
        folder: the build context.
        dockerfile: the Dockerfile.
        platform: for example `linux/amd64`.
        tag: the name that it gets.
        arguments: build arguments.
        target: the stage that is built; empty for the last one.
        secrets: id → value; with one, BuildKit builds.

    Raises:
        BuildError: the build failed, or no command here can pass secrets on.
    """
    proxies = {name: os.environ[name] for name in PROXIES if os.environ.get(name)}
    values = {**proxies, **arguments}
    # `--force-rm`: the classic builder leaves the container of a step that fails.
    command = [with_buildkit() if secrets else "docker", "build", "--force-rm", f"--tag={tag}"]
    command += [f"--file={dockerfile}", f"--platform={platform}"]
    command += [f"--target={target}"] if target else []
    # Their values are in the environment, where a list of processes does not show them.
    command += [f"--build-arg={name}" for name in values]
    command += [secret_option(name) for name in secrets or ()]
    environment = {**os.environ, **values, "BUILDKIT_PROGRESS": "plain"}
    environment |= {f"{SECRET_PREFIX}{name}": text for name, text in (secrets or {}).items()}
    environment |= {"DOCKER_BUILDKIT": "1"} if secrets else {}
    for attempt in range(1, ATTEMPTS + 1):
        done, step, lines = _run([*command, str(folder)], environment)
        if done:
            return
        if attempt == ATTEMPTS or not _LAYER_GONE.search("\n".join(lines[-1:])):
            raise _build_error(step, _masked(lines, (secrets or {}).values()))


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[bool, str, list[str]]:
    """Whether a build succeeded, its last step and the end of what was printed in it."""
    try:
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            step, lines = last_step(process.stdout or ())
    except OSError as error:
        raise BuildError(f"The image can't be built: {error}") from error
    return process.returncode == 0, step, lines


def remove_tag(tag: str) -> None:
    """Remove a local name of an image; nothing happens where there is none, or it is in use."""
    subprocess.run(["docker", "image", "rm", tag], capture_output=True, check=False)


def with_buildkit() -> str:
    """The first `docker` command of the PATH that builds with BuildKit.

    Raises:
        BuildError: none does.
    """
    for program in _commands():
        if _has_buildkit(program):
            return program
    raise BuildError(NO_BUILDKIT)


def _commands() -> Iterator[str]:
    for folder in os.get_exec_path():
        if found := shutil.which("docker", path=folder):
            yield found


@functools.cache
def _has_buildkit(program: str) -> bool:
    """Whether it is part of the command, as up to version 22, or its plugin is there."""
    version = _told(program, "version", "--format={{.Client.Version}}")
    number = version.partition(".")[0]
    if number.isdigit() and int(number) < _WITH_BUILDKIT_INSIDE:
        return True
    return bool(_told(program, "buildx", "version"))


def _told(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


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


def _masked(lines: list[str], values: Iterable[str]) -> list[str]:
    """The lines without the secrets that a step printed."""
    for value in values:
        for part in filter(None, value.splitlines()):
            lines = [line.replace(part, "***") for line in lines]
    return lines


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
    message = f"The image build failed{where}: {cause}."
    if "source metadata" in cause or (step.startswith("FROM ") and _NO_BASE.search(cause)):
        message += f" {NO_BASE}."
    return BuildError(message, lines[:-1])
