"""This machine's Docker engine through the `docker` command, which knows its address and logins."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 600


class DockerError(Exception):
    """The docker command failed; the message is the last line that it wrote."""


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
        return call(*arguments)

    def logs(self, container: str, lines: int) -> tuple[str, ...]:
        """The last lines that a container wrote, to standard output and error.

        Raises:
            DockerError: the engine has no such container.
        """
        text = call("logs", f"--tail={lines}", container, stderr=subprocess.STDOUT)
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

    def pull(self, image: str, login: tuple[str, str] | None = None) -> None:
        """Pull an image.

        Args:
            image: its name.
            login: the registry, and user and password in base64; used for this pull alone and
                written to no configuration of the user's.

        Raises:
            DockerError: it can't be pulled.
        """
        if login is None:
            self.call("pull", "--quiet", image)
            return
        host = self.call("context", "inspect", "--format={{.Endpoints.docker.Host}}").strip()
        with tempfile.TemporaryDirectory() as folder:
            text = json.dumps({"auths": {login[0]: {"auth": login[1]}}})
            (Path(folder) / "config.json").write_text(text)
            self.call("--config", folder, "--host", host, "pull", "--quiet", image)


def find_engine() -> Engine | None:
    """This machine's Docker engine; None if none answers."""
    try:
        return Engine(call("version", "--format={{.Server.Arch}}").strip())
    except DockerError:
        return None


def call(*arguments: str, stderr: int = subprocess.PIPE) -> str:
    """Run `docker` with these arguments and return its standard output.

    Raises:
        DockerError: it is not installed, failed, or took longer than 10 minutes.
    """
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
