"""Run the container once on this machine, as ECS would, before anything is touched.

It gets the variables, the limits and the user of the task definition, and must answer its health
path with 200 within the grace period.
"""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from automation.aws.ecr import PLATFORM_NAMES
from automation.diagnosis.evidence import Facts, StoppedTask
from automation.machine.docker_engine import DockerError, Engine
from automation.machine.smoke_leftovers import LABEL, image_name, owner
from infra.image.image import Build, MachineArguments, make
from infra.names import CONTAINER_NAME
from infra.service.container import container_definition
from infra.service.grace_period import grace_period
from infra.service.task import web_container
from infra.settings.container_rules import healthy_codes
from infra.settings.model import Settings

POLL_SECONDS = 0.2
LOG_LINES = 50
CHECKER = "ELB-HealthChecker/2.0"


@dataclass(frozen=True)
class Outcome:
    """How the run ended.

    Attributes:
        seconds: until the first answer of 200; None if there was none.
        facts: what a diagnosis is made from, where it failed.
    """

    seconds: float | None
    facts: Facts


def runs_here(engine: Engine, settings: Settings) -> bool:
    """Whether images for the stack's architecture run on this engine without emulation."""
    return engine.architecture == PLATFORM_NAMES[settings.architecture]


def build(
    plan: Build, machine_arguments: MachineArguments, secrets: Mapping[str, str] | None = None
) -> str:
    """Build the application as the update will, so that the update finds every layer made.

    Args:
        plan: what is built.
        machine_arguments: what this machine adds.
        secrets: the build's, id → value.

    Returns:
        A local tag; `forget` removes it.

    Raises:
        BuildError: the build failed.
    """
    name = image_name(plan.tag)
    make(plan, name, secrets or {}, machine_arguments)
    return name


def forget(engine: Engine, name: str) -> None:
    """Remove a local tag that `build` made; an image in use stays, and its next build takes it."""
    with suppress(DockerError):
        engine.call("image", "rm", name)


def run(engine: Engine, image: str, settings: Settings, at_end: ExitStack) -> Outcome:
    """Start the container and ask its health path until it answers well or its time is up.

    Args:
        engine: runs it.
        image: its image.
        settings: the stack's.
        at_end: waits until the container is removed, which goes on beside what follows.

    Raises:
        DockerError: the engine can't run it.
    """
    grace = grace_period(settings)
    container = engine.call("create", *_arguments(settings, image)).strip()
    try:
        began = time.monotonic()
        engine.call("start", container)
        return _watch(engine, container, settings, began, grace)
    finally:
        removal = threading.Thread(target=_remove, args=(engine, container))
        removal.start()
        at_end.callback(removal.join)


def _remove(engine: Engine, container: str) -> None:
    """Remove the container; the next command removes one that stays."""
    with suppress(DockerError):
        engine.call("rm", "--force", "--volumes", container)


def has_health_check(engine: Engine, image: str) -> bool:
    """Whether the image has a HEALTHCHECK, which ECS does not look at.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
    """
    try:
        check = engine.inspect("image", image)["Config"].get("Healthcheck") or {}
    except DockerError:
        return False  # the run itself says what is wrong with the image
    return bool(check.get("Test", ["NONE"]) != ["NONE"])


def definition(settings: Settings, image: str) -> dict[str, Any]:
    """The container's part of the task definition; secrets stay where they are."""
    plain = settings.model_copy(update={"secrets": {}})
    container = web_container(plain, image, log_group_name="", region="")
    return container_definition(container, image)


def _arguments(settings: Settings, image: str) -> list[str]:
    """The arguments of `docker create`.

    There are as many CPU cycles as the machine has: its answer must not depend on a fraction.
    """
    described = definition(settings, image)
    memory = f"{settings.memory}m"
    options = [f"--publish=127.0.0.1::{settings.container_port}", f"--label={LABEL}={owner()}"]
    options += [f"--memory={memory}", f"--memory-swap={memory}", f"--cpu-shares={settings.cpu}"]
    options += [f"--env={row['name']}={row['value']}" for row in described["environment"]]
    return [*options, *container_options(described), image, *_command(described)]


def container_options(described: Mapping[str, Any]) -> list[str]:
    """The options of `docker create` that a container definition asks for.

    An image's own HEALTHCHECK has no effect in ECS, and here the health path is asked.
    """
    linux = described.get("linuxParameters", {})
    capabilities = linux.get("capabilities", {})
    options = ["--no-healthcheck"]
    options += [f"--user={described['user']}"] if described.get("user") else []
    options += ["--read-only"] if described.get("readonlyRootFilesystem") else []
    options += ["--init"] if linux.get("initProcessEnabled") else []
    options += [f"--cap-add={name}" for name in capabilities.get("add", ())]
    options += [f"--cap-drop={name}" for name in capabilities.get("drop", ())]
    options += [
        f"--tmpfs={folder['containerPath']}:size={folder['size']}m"
        for folder in linux.get("tmpfs", ())
    ]
    options += [
        f"--sysctl={control['namespace']}={control['value']}"
        for control in described.get("systemControls", ())
    ]
    options += [
        f"--ulimit={limit['name']}={limit['softLimit']}:{limit['hardLimit']}"
        for limit in described.get("ulimits", ())
    ]
    options += [f"--entrypoint={word}" for word in described.get("entryPoint", ())[:1]]
    return options


def _command(described: Mapping[str, Any]) -> list[str]:
    return [*described.get("entryPoint", ())[1:], *described.get("command", ())]


def _watch(engine: Engine, container: str, settings: Settings, began: float, grace: int) -> Outcome:
    last: int | str = "no answer"
    while time.monotonic() - began < grace:
        described = engine.inspect("container", container)
        if described["State"]["Status"] in {"exited", "dead"}:
            return Outcome(None, _ended(described["State"], engine.logs(container, LOG_LINES)))
        if (address := _address(described, settings.container_port)) is not None:
            own = f"{own_address(described)}:{settings.container_port}"
            last = _ask(f"http://{address}{settings.health_check_path}", own, settings)
            if last in healthy_codes(settings.health_check_codes):
                return Outcome(time.monotonic() - began, Facts())
        time.sleep(POLL_SECONDS)
    return Outcome(None, _unanswered(engine.logs(container, LOG_LINES), last, grace))


def _address(described: Mapping[str, Any], port: int) -> str | None:
    bound = described["NetworkSettings"]["Ports"].get(f"{port}/tcp")
    return f"127.0.0.1:{bound[0]['HostPort']}" if bound else None


class _Stay(urllib.request.HTTPRedirectHandler):
    """A load balancer's health check follows no redirect."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def own_address(described: Mapping[str, Any]) -> str:
    """The container's own address, by which a load balancer would ask it."""
    networks = described["NetworkSettings"].get("Networks") or {}
    found = (network.get("IPAddress") for network in networks.values())
    return next((address for address in found if address), "127.0.0.1")


def _ask(url: str, host: str, settings: Settings) -> int | str:
    """Ask as a load balancer's health check does.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """
    headers = {"Host": host, "User-Agent": CHECKER, "Accept-Encoding": "gzip, compressed"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http, see `_watch`
    seconds = min(5, settings.health_check_interval - 1)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=seconds) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)


def _ended(state: Mapping[str, Any], logs: tuple[str, ...]) -> Facts:
    """In the words that ECS has for it."""
    reason = "OutOfMemoryError: Container killed due to memory usage" if state["OOMKilled"] else ""
    task = StoppedTask(
        identity="on this machine",
        code="EssentialContainerExited",
        reason="Essential container in task exited",
        containers=((CONTAINER_NAME, int(state["ExitCode"]), reason),),
        definition="",
        when=None,
    )
    return Facts(stopped=(task,), logs=logs)


def _unanswered(logs: tuple[str, ...], last: int | str, grace: int) -> Facts:
    """In the words that a load balancer has for it."""
    if isinstance(last, int):
        reason = f"Health checks failed with these codes: [{last}]"
    else:
        reason = "Health checks failed"
    text = f"On this machine: unhealthy in the first {grace} s: {reason}"
    return Facts(events=(text,), logs=logs, grace_seconds=grace)
