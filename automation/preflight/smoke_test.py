"""When and with which image the container is run once, and what is made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from automation.aws.ecr import Found
from automation.diagnosis.diagnosis import Diagnosis, diagnose
from automation.errors import DriverError
from automation.preflight import container_run
from automation.preflight.plan import Flight
from infra.image import build_context

SKIP = "`--no-smoke` skips this run"


def run(flight: Flight) -> Iterator[Diagnosis]:
    """Run what is about to be deployed, unless that very thing has passed before.

    Raises:
        DriverError: the application can't be built.
    """
    note = flight.session.screen.note
    if flight.image is None and flight.build is None:
        return
    if flight.docker is None:
        note("No Docker engine is here: the container is not tried before the update")
        return
    if flight.settings.secrets:
        note("The container needs secrets, which stay in the cloud: it is not tried here")
        return
    file = passed_file(flight)
    key = fingerprint(flight)
    if file.exists() and file.read_text() == key:
        return
    if not container_run.runs_here(flight.docker, flight.settings):
        note(f"Images for {flight.settings.architecture} don't run here: it is not tried")
        return
    with ExitStack() as stack:
        image = _image(flight, stack)
        if image is None:
            return
        note("Running the container once on this machine")
        try:
            outcome = container_run.run(flight.docker, image, flight.settings)
        except (DockerException, RequestException) as error:
            note(f"Docker does not run it here, so it is not tried: {error}")
            return
    if outcome.seconds is None:
        yield _failed(flight, outcome)
        return
    note(f"It answered its health path after {outcome.seconds:.1f} s")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(key)


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
    image = flight.image or (flight.build.tag if flight.build else "")
    parts = [
        container_run.definition(settings, image),
        settings.memory,
        settings.health_check_path,
        settings.health_check_interval,
        settings.architecture,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _image(flight: Flight, stack: ExitStack) -> str | None:
    """A local name of the image; None if it can't be had here, which is told."""
    if flight.build is not None:
        from localcloud.providers.handler import ProviderError

        flight.session.screen.note("Building the application")
        commit = build_context.commit(flight.build.folder)
        try:
            name = container_run.build(flight.build, commit, _in_silence)
        except ProviderError as error:
            first, *rest = str(error).splitlines()
            raise DriverError(first, [line.strip() for line in rest]) from error
        stack.callback(container_run.forget, flight.docker, name)
        return name
    assert flight.image is not None  # noqa: S101 - `run` has looked
    return _pulled(flight, flight.image)


def _in_silence(_step: str) -> None:
    """The update builds the same again and tells each step; a failure brings its own lines."""


def _pulled(flight: Flight, image: str) -> str | None:
    client = flight.docker
    try:
        client.images.get(image)
    except ImageNotFound:
        flight.session.screen.note(f"Pulling {image}")
        try:
            client.images.pull(image)
        except (DockerException, RequestException) as error:
            flight.session.screen.note(f"It can't be pulled here and is not tried: {error}")
            return None
    return image


def look_up(client: docker.DockerClient, image: str, own: bool) -> Found:
    """Ask Docker's engine, where its own images can run, and through it the image's registry."""
    if own:
        try:
            here = client.images.get(image)
        except (ImageNotFound, APIError):
            pass
        else:
            return Found(True, frozenset({str(here.attrs["Architecture"])}))
    try:
        data = client.images.get_registry_data(image)
    except (DockerException, RequestException) as error:
        return _not_found(error)
    platforms = data.attrs.get("Platforms") or []
    linux = (platform for platform in platforms if platform.get("os") == "linux")
    return Found(True, frozenset(platform["architecture"] for platform in linux))


def _not_found(error: Exception) -> Found:
    words = str(getattr(error, "explanation", None) or error)
    absent = isinstance(error, APIError) and ("manifest unknown" in words or "not found" in words)
    return Found(False if absent else None, why=words)
