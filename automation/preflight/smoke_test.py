"""The smoke test: runs the image once on this machine, unless it has passed before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from automation.aws.ecr import Found, login
from automation.diagnosis.diagnosis import Diagnosis, diagnose
from automation.errors import DriverError
from automation.machine.docker_engine import DockerError, Engine
from automation.preflight import container_run, secrets
from automation.preflight.plan import Flight
from infra import addons
from infra.image.docker_build import BuildError
from infra.image.image import MachineArguments

SKIP = "`--no-smoke` skips this run"
HEALTH_CHECK = (
    "ECS ignores the image's HEALTHCHECK: the load balancer asks health_check_path, and "
    "health_check_command runs a command in the container"
)
ABSENT = ("manifest unknown", "no such manifest", "not found")
"""What a registry, or the docker command, says about an image that does not exist."""


def run(flight: Flight) -> Iterator[Diagnosis]:
    """Run the image that is about to be deployed, unless it has passed before.

    Raises:
        DriverError: the application can't be built.
    """
    note = flight.session.screen.note
    if flight.docker is None:
        note("No Docker engine is here: the container is not tried before the update")
        return
    if why := _not_tried(flight):
        note(f"{why}: it is not tried here")
        return
    file = passed_file(flight)
    key = fingerprint(flight)
    if file.exists() and file.read_text() == key:
        return
    if not container_run.runs_here(flight.docker, flight.settings):
        note(f"Images for {flight.settings.architecture} don't run here: it is not tried")
        return
    with ExitStack() as stack:
        try:
            image = _image(flight, flight.docker, stack)
            if container_run.has_health_check(flight.docker, image):
                note(HEALTH_CHECK)
            note("Running the container once on this machine")
            outcome = container_run.run(flight.docker, image, flight.settings)
        except DockerError as error:
            note(f"Docker does not run it here, so it is not tried: {error}")
            return
    if outcome.seconds is None:
        yield _failed(flight, outcome)
        return
    note(f"It answered its health path after {outcome.seconds:.1f} s")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(key)


def _not_tried(flight: Flight) -> str | None:
    """Return why a run on this machine would prove nothing; None if it would."""
    if flight.settings.secrets:
        return "The container needs secrets, which stay in the cloud"
    if not flight.settings.web:
        return "The application has no web process to ask"
    if addons.FILE.is_file():
        return "The container needs what addons.py makes"
    waiting = [name for name, each in flight.settings.sidecars.items() if each.app_depends_on]
    if waiting:
        return f"The container waits for {', '.join(waiting)}"
    if flight.settings.protocol_version != "HTTP1":
        return f"The container speaks {flight.settings.protocol_version}"
    return None


def _failed(flight: Flight, outcome: container_run.Outcome) -> Diagnosis:
    found = diagnose(outcome.facts, flight.settings)
    setting = f"{found.setting}; {SKIP}" if found.setting else SKIP
    return Diagnosis(
        f"Run once on this machine: {found.cause}", found.evidence, setting, None, found.name
    )


def passed_file(flight: Flight) -> Path:
    """Where the last run that passed is remembered."""
    folder = flight.session.target.lock_dir().parent / "smoke"
    return folder / flight.session.file.name


def fingerprint(flight: Flight) -> str:
    """Everything that a run depends on, as one hash."""
    settings = flight.settings
    image = flight.existing or (flight.build.tag if flight.build else "")
    parts = [
        container_run.definition(settings, image),
        settings.memory,
        settings.health_check_path,
        settings.health_check_interval,
        settings.architecture,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _image(flight: Flight, engine: Engine, stack: ExitStack) -> str:
    """A local name of the image: built, pulled, or there already."""
    note = flight.session.screen.note
    if flight.build is None:
        assert flight.existing is not None  # noqa: S101 - `plan` has one of the three
        if not engine.has_image(flight.existing):
            note(f"Pulling {flight.existing}")
            engine.pull(flight.existing, login(flight.cloud, flight.existing))
        return flight.existing
    note("Building the application")
    try:
        values = secrets.values(flight.cloud, flight.build.options.secrets)
        name = container_run.build(flight.build, _machine_arguments(flight), values)
    except BuildError as error:
        raise DriverError(str(error), error.evidence) from error
    stack.callback(container_run.forget, engine, name)
    return name


def _machine_arguments(flight: Flight) -> MachineArguments:
    add, note = flight.session.target.build_arguments, flight.session.screen.note
    return lambda dockerfile, platform: add(dockerfile, platform, note)


def look_up(engine: Engine, image: str, own: bool) -> Found:
    """Ask the image's registry.

    Args:
        engine: this machine's Docker engine.
        image: an image outside this account's ECR.
        own: ask the engine first, since it runs the tasks.
    """
    if own and engine.has_image(image):
        return Found(True, frozenset({str(engine.inspect("image", image)["Architecture"])}))
    try:
        manifests = json.loads(engine.call("manifest", "inspect", "--verbose", image))
    except DockerError as error:
        absent = any(words in str(error) for words in ABSENT)
        return Found(False if absent else None, why=str(error))
    rows = manifests if isinstance(manifests, list) else [manifests]
    platforms = [row["Descriptor"].get("platform") or {} for row in rows]
    names = (row["architecture"] for row in platforms if row.get("os") == "linux")
    return Found(True, frozenset(names))
