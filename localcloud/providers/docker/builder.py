"""Builds and pushes with a Docker engine, and says in one sentence why it can't."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from localcloud.providers.docker.inputs import ImageInputs
from localcloud.providers.handler import Context, ProviderError
from localcloud.shared.base_image import BaseImageError, argument_for, proxies

_STEP = re.compile(r"^(?:Step \d+/\d+ : |#\d+ \[[^\]]*\d+/\d+\] )(?P<step>.+)$")
_NO_BASE = re.compile(
    r"no such host|dial tcp|timeout|refused|manifest|not found|pull access denied", re.IGNORECASE
)
_NO_SPACE = "no space left on device"
_LAYER_GONE = re.compile(
    r'unknown parent image ID sha256:|(?:find|get destination) image "?sha256:'
    r"|failed to get digest sha256:|layer does not exist",
    re.IGNORECASE,
)
"""What the classic builder says of a cached layer that was removed while it used it.

Whoever removes an image removes its layers that have no other name, also those with which
another build has just begun.
"""
_BUILD_ATTEMPTS = 5
_SHOWN_LINES = 12


class BuildOutput:
    """Follows a build's output: tells the steps, and remembers what a failure needs.

    Args:
        log: is told each step as it begins.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._step = ""
        self._lines: deque[str] = deque(maxlen=_SHOWN_LINES)

    def add(self, text: str) -> None:
        """Take a piece of output, one or more lines."""
        for raw in text.splitlines():
            line = re.sub(r"\x1b\[[0-9;]*m", "", raw).rstrip()
            step = _STEP.match(line)
            if step:
                self._step = step["step"]
                self._lines.clear()
                self._log(line)
            elif line.strip():
                self._lines.append(line)

    def failure(self, cause: str) -> ProviderError:
        """What went wrong, in a sentence, with the last lines of the failing step below it."""
        everything = "\n".join([cause, *self._lines])
        if _NO_SPACE in everything.lower():
            return ProviderError(
                "The disk is full, so the image could not be built; free some space, for example "
                f"with `docker system prune`, and run again ({cause.strip()})."
            )
        step = f" at the step `{self._step}`" if self._step else ""
        sentence = f"The image build failed{step}: {cause.strip().rstrip('.')}."
        if self._step.startswith("FROM ") and _NO_BASE.search(cause):
            sentence += (
                " Correct the base image's name, load it into this machine's Docker engine "
                "(`docker load`), or name a registry that can be reached."
            )
        return ProviderError("\n  ".join([sentence, *self._lines]))


class Builder:
    """The Docker engine, as one build uses it.

    Args:
        context: the call; its configuration may name the engine's address as `host`.

    Raises:
        ProviderError: on entry, when no engine answers.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._host: str | None = context.configuration.get("host") or None

    def __enter__(self) -> Self:
        environment = {**os.environ, "DOCKER_HOST": self._host} if self._host else None
        try:
            self._engine = docker.from_env(environment=environment, timeout=600)
            self._engine.ping()
        except (DockerException, RequestException) as error:
            where = self._host or os.environ.get("DOCKER_HOST") or "this machine"
            raise ProviderError(
                f"No Docker engine answers on {where}, so no image can be built; start one "
                "with `service docker start` and run again."
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def build(self, image: ImageInputs) -> str:
        """Build the image under its name; returns the image's id.

        Raises:
            ProviderError: the build failed or was cancelled; other images are as before.
        """
        self._pull_caches(image)
        arguments = {**proxies(), **image.build.arguments}
        if "BASE_IMAGE" not in arguments:
            arguments |= self.base_image(image.build.dockerfile, image.build.platform)
        use_buildkit = image.build.buildkit and self._has_buildx()
        build = self._build_with_buildx if use_buildkit else self._build_classic
        output = BuildOutput(self._context.log)
        try:
            build(image, arguments, output)
            return str(self._engine.images.get(image.name).id)
        except (DockerException, RequestException, OSError) as error:
            raise output.failure(_words(error)) from error

    def push(self, image: ImageInputs) -> str:
        """Push the image; returns its name by digest.

        Raises:
            ProviderError: the registry refused it, or told no digest.
        """
        login = {"username": image.username, "password": image.password} if image.username else None
        self._context.log(f"pushing {image.name}")
        try:
            answers = self._engine.api.push(image.name, stream=True, decode=True, auth_config=login)
            for answer in self._unless_cancelled(answers):
                if "error" in answer:
                    raise ProviderError(_push_failure(image, answer["error"]))
                digest = (answer.get("aux") or {}).get("Digest")
                if digest:
                    return f"{image.repository}@{digest}"
        except (DockerException, RequestException) as error:
            raise ProviderError(_push_failure(image, _words(error))) from error
        raise ProviderError(f"The registry took {image.name} but told no digest; run again.")

    def untag(self, name: str) -> None:
        """Remove a local tag; one that is absent or in use stays as it is."""
        try:
            self._engine.images.remove(name, noprune=False)
        except ImageNotFound:
            return
        except APIError as error:
            if error.status_code != 409:
                raise ProviderError(
                    f"The Docker engine kept the tag {name}: {_words(error)}."
                ) from error
            self._context.log(f"{name} is in use and stays")

    def base_image(self, dockerfile: Path, platform: str) -> dict[str, str]:
        """The base image for a Dockerfile that leaves it open and whose default is out of reach.

        Raises:
            ProviderError: it can't be made, not for the platform, or not of that kind.
        """
        text = dockerfile.read_text("utf-8", errors="replace")  # as Docker, which reads bytes
        try:
            return argument_for(text, platform, self._has_image, self._context.log)
        except BaseImageError as error:
            raise ProviderError(str(error)) from error

    def _has_image(self, name: str) -> bool:
        return bool(self._engine.images.list(name))

    def _pull_caches(self, image: ImageInputs) -> None:
        for name in image.build.cache_from:
            try:
                self._engine.images.pull(name, platform=image.build.platform)
            except (DockerException, RequestException) as error:
                self._context.log(f"cacheFrom: {name} is not available: {_words(error)}")

    def _has_buildx(self) -> bool:
        program = shutil.which("docker")
        if program is None:
            return False
        answer = subprocess.run(
            [program, "buildx", "version"], capture_output=True, check=False, timeout=30
        )
        return answer.returncode == 0

    def _build_classic(
        self, image: ImageInputs, arguments: dict[str, str], output: BuildOutput
    ) -> None:
        for attempt in range(1, _BUILD_ATTEMPTS + 1):
            cause = self._classic_failure(image, arguments, output)
            if not cause:
                return
            if attempt == _BUILD_ATTEMPTS or not _LAYER_GONE.search(cause):
                raise output.failure(cause)
            self._context.log("a cached layer was removed meanwhile; building again")

    def _classic_failure(
        self, image: ImageInputs, arguments: dict[str, str], output: BuildOutput
    ) -> str:
        """Builds once; what the engine says of a failure, empty where there is none."""
        build = image.build
        answers = self._engine.api.build(
            path=str(build.context),
            dockerfile=str(build.dockerfile),
            tag=image.name,
            buildargs=arguments,
            target=build.target,
            platform=build.platform,
            cache_from=list(build.cache_from) or None,
            network_mode=build.network,
            extra_hosts=dict(_host(entry) for entry in build.extra_hosts) or None,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for answer in self._unless_cancelled(answers):
            if "error" in answer:
                return str(answer["error"])
            output.add(answer.get("stream", ""))
        return ""

    def _build_with_buildx(
        self, image: ImageInputs, arguments: dict[str, str], output: BuildOutput
    ) -> None:
        process = subprocess.Popen(
            _buildx_command(image, arguments),
            env={**os.environ, **arguments, **({"DOCKER_HOST": self._host} if self._host else {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        cause = ""
        try:
            for line in self._unless_cancelled(process.stdout or ()):
                output.add(line)
                if line.startswith("ERROR: "):
                    cause = line.removeprefix("ERROR: ").removeprefix("failed to solve: ")
            status = process.wait()
        finally:
            process.kill()
        if status != 0:
            raise output.failure(cause or f"`docker buildx` ended with {status}")

    def _unless_cancelled(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            if self._context.cancelled.is_set():
                raise ProviderError("The image was given up because the update was cancelled.")
            yield item


def _buildx_command(image: ImageInputs, arguments: Iterable[str]) -> list[str]:
    """The command line; values of build arguments are in the environment instead."""
    build = image.build
    command = ["docker", "buildx", "build", "--builder=default", "--load", "--progress=plain"]
    command += [f"--tag={image.name}", f"--file={build.dockerfile}", f"--platform={build.platform}"]
    command += [f"--build-arg={name}" for name in arguments]
    command += [f"--cache-from={name}" for name in build.cache_from]
    command += [f"--add-host={entry}" for entry in build.extra_hosts]
    command += [f"--target={build.target}"] if build.target else []
    command += [f"--network={build.network}"] if build.network else []
    return [*command, str(build.context)]


def _host(entry: str) -> tuple[str, str]:
    name, _, address = entry.partition(":")
    return name, address


def _push_failure(image: ImageInputs, cause: str) -> str:
    return f"The registry did not take {image.name}: {cause.strip().rstrip('.')}."


def _words(error: Exception) -> str:
    """An error in the engine's own words."""
    if isinstance(error, APIError) and error.explanation:
        return str(error.explanation)
    return str(error)
