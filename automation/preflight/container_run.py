"""Run the container once on this machine, as ECS would, before anything is touched.

It gets the variables, the limits and the user of the task definition, and must answer its health
path with 200 within the grace period.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.containers import Container
from requests.exceptions import RequestException

from automation.aws.ecr import PLATFORM_NAMES
from automation.diagnosis.evidence import Facts, StoppedTask
from infra.image.image import Build
from infra.service.service import grace_period
from infra.service.task import CONTAINER_NAME, container_definition, web_container
from infra.settings.model import Settings

POLL_SECONDS = 0.2
LABEL = "fargate-cd.smoke"
LOG_LINES = 50
TAG = "fargate-cd-smoke"

Note = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How the run ended.

    Attributes:
        seconds: until the first answer of 200; None if there was none.
        facts: what a diagnosis is made from, where it failed.
    """

    seconds: float | None
    facts: Facts


def engine() -> docker.DockerClient | None:
    """This machine's Docker engine; None if none answers."""
    try:
        client = docker.from_env(timeout=600)
        client.ping()
    except (DockerException, RequestException):
        return None
    return client


def runs_here(client: docker.DockerClient, settings: Settings) -> bool:
    """Whether images for the stack's architecture run on this engine without emulation."""
    return str(client.version()["Arch"]) == PLATFORM_NAMES[settings.architecture]


def build(build_plan: Build, commit: str, note: Note) -> str:
    """Build the application as the update will, so that the update finds every layer made.

    Returns:
        A local tag; `forget` removes it.

    Raises:
        localcloud.providers.handler.ProviderError: the build failed; the message has its end.
    """
    from localcloud.providers.docker.builder import Builder
    from localcloud.providers.docker.inputs import Build as Inputs
    from localcloud.providers.docker.inputs import ImageInputs
    from localcloud.providers.handler import Context

    inputs = ImageInputs(
        name=f"{TAG}:{build_plan.tag}",
        build=Inputs(
            context=Path(build_plan.folder),
            dockerfile=Path(build_plan.dockerfile),
            platform=build_plan.platform,
            arguments={"RELEASE": build_plan.tag, "COMMIT": commit},
            target=None,
            cache_from=(),
            network=None,
            extra_hosts=(),
            buildkit=True,
        ),
        server="",
        username="",
        password="",
        push=False,
        build_on_preview=False,
    )
    with Builder(Context(urn="", configuration={}, log=note)) as builder:
        builder.build(inputs)
    return inputs.name


def forget(client: docker.DockerClient, name: str) -> None:
    """Remove a local tag that `build` made."""
    try:
        client.images.remove(name)
    except (ImageNotFound, APIError):
        return  # the engine keeps an image that is in use; its next build takes the tag


def run(client: docker.DockerClient, image: str, settings: Settings) -> Outcome:
    """Start the container and ask its health path until it answers 200 or its time is up."""
    grace = grace_period(settings.health_check_interval)
    container = client.containers.create(
        image,
        ports={f"{settings.container_port}/tcp": ("127.0.0.1", 0)},
        **_options(settings, image),
    )
    try:
        began = time.monotonic()
        container.start()
        return _watch(container, settings, began, grace)
    finally:
        container.remove(force=True, v=True)


def definition(settings: Settings, image: str) -> dict[str, Any]:
    """The container's part of the task definition; secrets stay where they are."""
    plain = settings.model_copy(update={"secrets": {}})
    container = web_container(plain, image, log_group_name="", region="")
    return container_definition(container, image)


def _options(settings: Settings, image: str) -> dict[str, Any]:
    from localcloud.ecs.runtime import container_options

    described = definition(settings, image)
    variables = {row["name"]: row["value"] for row in described["environment"]}
    size = {"cpu": str(settings.cpu), "memory": str(settings.memory)}
    options = container_options(size, described, variables)
    # As many cycles as there are: a laptop's answer must not depend on a fraction of its CPU.
    options.pop("nano_cpus", None)
    return options | {"labels": {LABEL: "1"}}


def _watch(container: Container, settings: Settings, began: float, grace: int) -> Outcome:
    last: int | str = "no answer"
    while time.monotonic() - began < grace:
        container.reload()
        if container.status in {"exited", "dead"}:
            return Outcome(None, _ended(container))
        if (address := _address(container, settings.container_port)) is not None:
            last = _ask(f"http://{address}{settings.health_check_path}", settings)
            if last == 200:
                return Outcome(time.monotonic() - began, Facts())
        time.sleep(POLL_SECONDS)
    return Outcome(None, _unanswered(container, last, grace))


def _address(container: Container, port: int) -> str | None:
    bound = container.attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp")
    return f"127.0.0.1:{bound[0]['HostPort']}" if bound else None


class _Stay(urllib.request.HTTPRedirectHandler):
    """A load balancer's health check follows no redirect."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _ask(url: str, settings: Settings) -> int | str:
    seconds = min(5, settings.health_check_interval - 1)
    try:
        with urllib.request.build_opener(_Stay).open(url, timeout=seconds) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)


def _lines(container: Container) -> tuple[str, ...]:
    text: bytes = container.logs(tail=LOG_LINES)
    return tuple(line.rstrip() for line in text.decode(errors="replace").splitlines())


def _ended(container: Container) -> Facts:
    """In the words that ECS has for it."""
    state = container.attrs["State"]
    reason = "OutOfMemoryError: Container killed due to memory usage" if state["OOMKilled"] else ""
    task = StoppedTask(
        identity="on this machine",
        code="EssentialContainerExited",
        reason="Essential container in task exited",
        containers=((CONTAINER_NAME, int(state["ExitCode"]), reason),),
        definition="",
        when=None,
    )
    return Facts(stopped=(task,), logs=_lines(container))


def _unanswered(container: Container, last: int | str, grace: int) -> Facts:
    """In the words that a load balancer has for it."""
    if isinstance(last, int):
        reason = f"Health checks failed with these codes: [{last}]"
    else:
        reason = "Health checks failed"
    text = f"On this machine: unhealthy in the first {grace} s: {reason}"
    return Facts(events=(text,), logs=_lines(container), grace_seconds=grace)
