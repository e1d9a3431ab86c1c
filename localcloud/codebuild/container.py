"""A build's container: made, given files and commands, asked for files, removed.

Each command is a process of its own that takes over the variables, functions and folder that the
one before it left, as in one shell; `exit` ends a command and not the build.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-cmd.html
"""

from __future__ import annotations

import io
import logging
import os
import shlex
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

import docker
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from localcloud.codebuild.errors import PhaseError

log = logging.getLogger(__name__)

INSTANCE_LABEL = "fargate-cd.instance"
BUILD_LABEL = "fargate-cd.build"
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
SCRATCH = "/codebuild/output/tmp"
MIB = 1024 * 1024

# Compute type → (memory in MiB, processors).
# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
COMPUTE: Mapping[str, tuple[int, int]] = {
    "BUILD_GENERAL1_SMALL": (3 * 1024, 2),
    "BUILD_GENERAL1_MEDIUM": (7 * 1024, 4),
    "BUILD_GENERAL1_LARGE": (15 * 1024, 8),
    "BUILD_GENERAL1_XLARGE": (70 * 1024, 36),
    "BUILD_GENERAL1_2XLARGE": (145 * 1024, 72),
}

_SCRIPT = """\
set -- "$CODEBUILD_BUILD_SUCCEEDING"
. {scratch}/env.sh
[ ! -f {scratch}/functions.sh ] || . {scratch}/functions.sh
CODEBUILD_BUILD_SUCCEEDING=$1
set --
cd "$(cat {scratch}/dir.txt)"
codebuild_keep() {{
  set +eux
  export -p > {scratch}/env.sh
  [ -z "$BASH_VERSION" ] || declare -f > {scratch}/functions.sh
  pwd > {scratch}/dir.txt
}}
trap 'CODEBUILD_LAST_EXIT=$?; codebuild_keep; exit $CODEBUILD_LAST_EXIT' EXIT
set -a
{command}
"""


@dataclass(frozen=True)
class Settings:
    """How a build's container is made.

    Attributes:
        name: Docker's name of it.
        image: what it runs.
        labels: by which a later process finds it.
        compute: a key of `COMPUTE`.
        privileged: whether it gets the Docker engine and this machine's network.
        network: the Docker network of one that is not privileged.
    """

    name: str
    image: str
    labels: Mapping[str, str]
    compute: str
    privileged: bool
    network: str


class Container:
    """One build's container.

    Args:
        settings: how it is made.

    Raises:
        PhaseError: Docker can't make it.
    """

    def __init__(self, settings: Settings) -> None:
        self._client = docker.from_env(timeout=600)
        try:
            self._remove(settings.name)
            container = self._client.containers.create(
                settings.image, **_options(settings, self._client.info()["NCPU"])
            )
            self.id = str(container.id)
            container.start()
        except APIError as error:
            self._remove(settings.name)
            raise PhaseError(
                "BUILD_CONTAINER_UNABLE_TO_START", str(error.explanation or error)
            ) from error

    def run(
        self, shell: str, script: str, succeeding: bool, told: Callable[[bytes], None]
    ) -> int | None:
        """Run a script; returns its exit status, None where the container went away.

        Args:
            shell: the program that reads it.
            script: path inside the container.
            succeeding: CODEBUILD_BUILD_SUCCEEDING.
            told: gets the output as it comes.
        """
        api = self._client.api
        environment = {"CODEBUILD_BUILD_SUCCEEDING": "1" if succeeding else "0"}
        try:
            made = api.exec_create(self.id, [shell, script], environment=environment)
            for chunk in api.exec_start(made["Id"], stream=True):
                told(chunk)
            status: int | None = api.exec_inspect(made["Id"])["ExitCode"]
        except (DockerException, RequestException) as error:
            log.info("a command of container %s was cut off: %s", self.id[:12], error)
            return None
        return status

    def put(self, folder: str, archive: IO[bytes]) -> None:
        """Unpack a tar archive into a folder.

        Raises:
            PhaseError: the container is gone, or the folder is not there.
        """
        try:
            self._client.api.put_archive(self.id, folder, archive)
        except (APIError, RequestException) as error:
            raise PhaseError("CLIENT_ERROR", f"{folder} can't be written: {error}") from error

    def get(self, path: str) -> IO[bytes] | None:
        """A path with all below it, as a tar archive; None where there is no such path.

        Raises:
            PhaseError: the container is gone.
        """
        try:
            chunks, _ = self._client.api.get_archive(self.id, path)
            spool = tempfile.TemporaryFile()  # noqa: SIM115 -- the caller closes it
            for chunk in chunks:
                spool.write(chunk)
        except NotFound:
            return None
        except (APIError, RequestException) as error:
            raise PhaseError("CLIENT_ERROR", f"{path} can't be read: {error}") from error
        spool.seek(0)
        return spool

    def remove(self) -> None:
        """Remove it, running or not; nothing happens where it is gone."""
        self._remove(self.id)

    def _remove(self, name: str) -> None:
        try:
            self._client.api.remove_container(name, force=True, v=True)
        except APIError as error:
            if error.status_code not in (404, 409):
                raise


def script(command: str) -> str:
    """The shell script of one command of a buildspec."""
    return _SCRIPT.format(scratch=SCRATCH, command=command)


def exports(variables: Mapping[str, str]) -> str:
    """A shell script that sets and exports variables."""
    return "".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())


def tar_of(files: Mapping[str, str], folders: tuple[str, ...] = ()) -> IO[bytes]:
    """A tar archive of folders and text files, by their path inside it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder in folders:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    return packed


def remove_leftovers(instance: str) -> list[str]:
    """Remove the build containers of a local cloud that was killed; returns their names."""
    client = docker.from_env(timeout=60)
    labels = [f"{INSTANCE_LABEL}={instance}", BUILD_LABEL]
    rows = client.api.containers(all=True, filters={"label": labels})
    for row in rows:
        try:
            client.api.remove_container(row["Id"], force=True, v=True)
        except APIError as error:
            if error.status_code not in (404, 409):
                raise
    return [row["Names"][0] for row in rows]


def _options(settings: Settings, processors: int) -> dict[str, Any]:
    memory, wanted = COMPUTE[settings.compute]
    options: dict[str, Any] = {
        "name": settings.name,
        "labels": dict(settings.labels),
        "entrypoint": ["/bin/sh", "-c"],
        "command": ["while :; do sleep 3600; done"],
        "init": True,
        "user": "0",
        "working_dir": "/",
        "mem_limit": memory * MIB,
        "memswap_limit": memory * MIB,
        "nano_cpus": min(wanted, processors) * 1_000_000_000,
        "network": settings.network,
    }
    if settings.privileged:
        options["network"] = None
        options["network_mode"] = "host"
        options["volumes"] = {_socket(): {"bind": "/var/run/docker.sock", "mode": "rw"}}
    return options


def _socket() -> str:
    """The path of the Docker engine's socket.

    Raises:
        PhaseError: it is reached in another way.
    """
    address = os.environ.get("DOCKER_HOST") or DEFAULT_SOCKET
    if not address.startswith("unix://"):
        raise PhaseError(
            "PROVISIONING_ERROR",
            f"A privileged build needs the Docker engine's socket, and DOCKER_HOST is {address}; "
            "unset it.",
            "FAULT",
        )
    return address.removeprefix("unix://")
