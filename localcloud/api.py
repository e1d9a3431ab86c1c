"""The public names of the local cloud: the driver imports this module and nothing else here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.server import process
from localcloud.server.process import Endpoints, LocalCloudError

__all__ = ["Endpoints", "LocalCloud", "LocalCloudError", "build_arguments", "make_base_image"]


@dataclass(frozen=True)
class LocalCloud:
    """A local cloud: one background process and its state folder.

    Attributes:
        state_dir: where it keeps everything; by default `$FARGATE_CD_STATE_DIR`, or `.localcloud`
            in this checkout.
    """

    state_dir: Path = field(default_factory=process.default_state_dir)

    @property
    def instance(self) -> str:
        """Its short name in containers, networks and labels."""
        return process.instance_of(self.state_dir)

    @property
    def log_file(self) -> Path:
        """Its log."""
        return process.log_file(self.state_dir)

    @property
    def lost_state(self) -> str | None:
        """What its last start could not bring back, in words; None where nothing was lost."""
        return process.lost_state(self.state_dir)

    def status(self) -> Endpoints | None:
        """Where it answers; None where it does not run."""
        return process.status(self.state_dir)

    def start(self) -> Endpoints:
        """Start it unless it runs, and wait until it answers.

        Raises:
            LocalCloudError: it could not start; the message holds its last words.
        """
        return process.start(self.state_dir)

    def stop(self) -> bool:
        """Stop it; its state stays on disk.

        Returns:
            Whether it was running.

        Raises:
            LocalCloudError: it did not end in time.
        """
        return process.stop(self.state_dir)


def build_arguments(dockerfile: Path, platform: str, log: Callable[[str], None]) -> dict[str, str]:
    """The build arguments that the local cloud adds to a build of this Dockerfile.

    Args:
        dockerfile: the Dockerfile.
        platform: for example `linux/amd64`.
        log: is told what goes on, a line at a time.

    Returns:
        `BASE_IMAGE` where the Dockerfile leaves it open and its default is out of reach; the image
        is made first if need be, which takes about a minute.

    Raises:
        LocalCloudError: it can't be made.
    """
    from localcloud.providers.docker.builder import Builder
    from localcloud.providers.handler import Context, ProviderError

    try:
        with Builder(Context(urn="", configuration={}, log=log)) as builder:
            return builder.base_image(dockerfile, platform)
    except ProviderError as error:
        raise LocalCloudError(str(error)) from error


def make_base_image(log: Callable[[str], None]) -> None:
    """Make the image that stands in for a public base image, unless the Docker engine has it.

    Args:
        log: is told what goes on, a line at a time.

    Raises:
        LocalCloudError: it can't be made.
    """
    from localcloud.shared.base_image import BaseImageError, local_base_image

    try:
        local_base_image(log)
    except BaseImageError as error:
        raise LocalCloudError(str(error)) from error
