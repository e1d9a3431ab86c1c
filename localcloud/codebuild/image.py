"""What builds run in: one small image for all of AWS's own, or the image that a project names.

AWS's build images have several gigabytes; they are never pulled. Their names stand for an image
made here once, from Debian's packages, with bash, git, Python, Docker's and AWS's command lines.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import logging
import os
import platform
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound

from localcloud.codebuild.errors import PhaseError
from localcloud.shared.base_image import (
    BaseImageError,
    argument_for,
    base_image_argument,
    host_platform,
)

log = logging.getLogger(__name__)

REPOSITORY = "fargate-cd-build"
CURATED = "aws/codebuild/"
RUNTIMES: Mapping[str, tuple[str, ...]] = {"python": ("3.11",)}
"""What the build image has of AWS's runtimes: version by version."""

_MACHINES = {"x86_64": "LINUX_CONTAINER", "aarch64": "ARM_CONTAINER", "arm64": "ARM_CONTAINER"}
_RECIPE = Path(__file__).parent / "image" / "Dockerfile"


class BuildImages:
    """Makes and finds the images of builds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._base: dict[str, str] | None = None

    def prepare(self, environment: Mapping[str, Any]) -> None:
        """Begin to make the build image, if the environment wants it and it isn't there."""
        if environment["image"].startswith(CURATED):
            threading.Thread(target=self._prepare, name="build image", daemon=True).start()

    def _prepare(self) -> None:
        try:
            self.curated()
        except PhaseError as error:
            log.warning("the build image is not there yet: %s", error)

    def base_image(self) -> dict[str, str]:
        """`BASE_IMAGE` where the build image needs one of this machine; else nothing.

        Raises:
            PhaseError: it could not be made.
        """
        with self._lock:
            if self._base is None:
                try:
                    self._base = base_image_argument(log.info)
                except BaseImageError as error:
                    raise PhaseError("PROVISIONING_ERROR", str(error), "FAULT") from error
            return self._base

    def argument_for(self, dockerfile: str) -> dict[str, str]:
        """`BASE_IMAGE` for a Dockerfile that leaves it open, by the rule of every builder here.

        Args:
            dockerfile: its text.

        Raises:
            PhaseError: it can't be had.
        """
        client = docker.from_env(timeout=600)
        try:
            return argument_for(
                dockerfile, host_platform(), lambda name: bool(client.images.list(name)), log.info
            )
        except BaseImageError as error:
            raise PhaseError("CLIENT_ERROR", str(error)) from error

    def curated(self) -> str:
        """The name of the image that stands for AWS's own; it is made if the engine hasn't got it.

        Raises:
            PhaseError: it could not be made.
        """
        base = self.base_image()
        content = _RECIPE.read_bytes() + b"\0" + base.get("BASE_IMAGE", "").encode()
        name = f"{REPOSITORY}:{hashlib.sha256(content).hexdigest()[:12]}"
        try:
            client = docker.from_env(timeout=900)
            if not client.images.list(name):
                with _one_at_a_time():
                    if not client.images.list(name):
                        _make(client, name, base)
        except DockerException as error:
            raise PhaseError(
                "PROVISIONING_ERROR", f"The build image can't be made: {error}", "FAULT"
            ) from error
        return name

    def named(self, image: str, ecr: Any) -> str:
        """An image that a project names, pulled unless the engine has it.

        Args:
            image: by tag or digest.
            ecr: a client for the registry's password; None for a public image.

        Raises:
            PhaseError: it can't be pulled.
        """
        client = docker.from_env(timeout=900)
        try:
            if ecr is None:
                try:
                    client.images.get(image)
                    return image
                except ImageNotFound:
                    log.info("pulling %s", image)
            client.api.pull(image, auth_config=_login(ecr) if ecr is not None else None)
            client.images.get(image)
        except DockerException as error:
            raise PhaseError(
                "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
                "Unable to pull customer's container image. CannotPullContainerError: "
                f"{getattr(error, 'explanation', None) or error}",
            ) from error
        return image


def machine() -> str:
    """The environment type of this machine's processor."""
    return _MACHINES.get(platform.machine(), platform.machine())


def check_runtimes(image: str, wanted: Mapping[str, str]) -> None:
    """Whether an image has the runtimes that a buildspec asks for.

    https://docs.aws.amazon.com/codebuild/latest/userguide/runtime-versions.html

    Raises:
        PhaseError: YAML_FILE_ERROR: it has not.
    """
    if wanted and not image.startswith(CURATED):
        raise PhaseError(
            "YAML_FILE_ERROR", "This build image does not support selecting runtime versions."
        )
    for runtime, version in wanted.items():
        has = RUNTIMES.get(runtime, ())
        # `3.x` and `latest` take the newest.
        start = "" if version == "latest" else version.removesuffix("x")
        fits = [
            each for each in has if each == version or (start != version and each.startswith(start))
        ]
        if not fits:
            raise PhaseError(
                "YAML_FILE_ERROR",
                f"Unknown runtime version named '{version}' of {runtime}. The local cloud's build "
                f"image has the following versions: {', '.join(has) or 'none'}",
            )


def _login(ecr: Any) -> dict[str, str]:
    data = ecr.get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return {"username": user, "password": password}


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold the machine's lock; another process that makes the image is waited for."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fargate-cd"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "build-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(client: docker.DockerClient, name: str, base: dict[str, str]) -> None:
    log.info("making the build image %s once (about half a minute)", name)
    with tempfile.TemporaryDirectory(prefix="fargate-cd-build-") as empty:
        (Path(empty) / "Dockerfile").write_bytes(_RECIPE.read_bytes())
        try:
            client.images.build(path=empty, tag=name, buildargs=base, rm=True, forcerm=True)
        except BuildError as error:
            said = [str(line.get("stream", "")).strip() for line in error.build_log]
            raise PhaseError(
                "PROVISIONING_ERROR",
                f"The build image can't be made: {error}; last said: "
                f"{next((text for text in reversed(said) if text), '')}",
                "FAULT",
            ) from error
        except APIError as error:
            raise PhaseError(
                "PROVISIONING_ERROR",
                f"The build image can't be made: {error.explanation}",
                "FAULT",
            ) from error
