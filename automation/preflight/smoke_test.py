"""The smoke test: runs the image once on this machine, unless it has passed before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from automation.aws.ecr import Found, login
from automation.diagnosis.diagnosis import Diagnosis, diagnose
from automation.errors import DriverError
from automation.machine.docker_engine import DockerError, Engine
from automation.preflight import container_run, secrets
from automation.preflight.plan import Plan
from infra import addons
from infra.image.docker_build import BuildError
from infra.image.image import Build, MachineArguments
from infra.names import BUILT_TAG

SKIP = "`--no-smoke` skips this run"
HEALTH_CHECK = (
    "ECS ignores the image's HEALTHCHECK: the load balancer asks health_check_path, and "
    "health_check_command runs a command in the container"
)
ABSENT = ("manifest unknown", "no such manifest", "not found")
"""What a registry, or the docker command, says about an image that does not exist."""


def run(planned: Plan) -> Iterator[Diagnosis]:
    """Run the image that is about to be deployed, unless it has passed before.

    Raises:
        DriverError: the application can't be built.
    """
    screen = planned.session.screen
    note = screen.note
    if planned.docker is None:
        note("No Docker engine is here: the container is not tried before the update")
        return
    if why := _not_tried(planned):
        note(f"{why}: it is not tried here")
        return
    file = passed_file(planned)
    key = fingerprint(planned)
    if file.exists() and file.read_text() == key:
        return
    if not container_run.runs_here(planned.docker, planned.settings):
        note(f"Images for {planned.settings.architecture} don't run here: it is not tried")
        return
    try:
        image = _image(planned, planned.docker)
        if container_run.has_health_check(planned.docker, image):
            note(HEALTH_CHECK)
        note("Running the container once on this machine")
        with screen.waiting("Waiting for the container to answer its health path"):
            outcome = container_run.run(
                planned.docker, image, planned.settings, planned.session.at_end
            )
    except DockerError as error:
        note(f"Docker does not run it here, so it is not tried: {error}")
        return
    if outcome.seconds is None:
        yield _failed(planned, outcome)
        return
    note(f"It answered its health path after {outcome.seconds:.1f} s")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(key)


def _not_tried(planned: Plan) -> str | None:
    """Return why a run on this machine would prove nothing; None if it would."""
    if planned.settings.secrets:
        return "The container needs secrets, which stay in the cloud"
    if not planned.settings.web:
        return "The application has no web process to ask"
    if addons.FILE.is_file():
        return "The container needs what addons.py makes"
    waiting = [name for name, each in planned.settings.sidecars.items() if each.app_depends_on]
    if waiting:
        return f"The container waits for {', '.join(waiting)}"
    if planned.settings.protocol_version != "HTTP1":
        return f"The container speaks {planned.settings.protocol_version}"
    return None


def _failed(planned: Plan, outcome: container_run.Outcome) -> Diagnosis:
    found = diagnose(outcome.facts, planned.settings)
    setting = f"{found.setting}; {SKIP}" if found.setting else SKIP
    return Diagnosis(
        f"Run once on this machine: {found.cause}", found.evidence, setting, None, found.name
    )


def passed_file(planned: Plan) -> Path:
    """Where the last run that passed is remembered."""
    folder = planned.session.target.lock_dir().parent / "smoke"
    return folder / planned.session.file.name


def fingerprint(planned: Plan) -> str:
    """Everything that a run depends on, as one hash."""
    settings = planned.settings
    image = planned.existing or (planned.build.tag if planned.build else "")
    parts = [
        container_run.definition(settings, image),
        settings.memory,
        settings.health_check_path,
        settings.health_check_interval,
        settings.architecture,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _image(planned: Plan, engine: Engine) -> str:
    """A local name of the image: built, pulled, or there already."""
    screen = planned.session.screen
    if planned.build is None:
        assert planned.existing is not None  # noqa: S101 - `plan` has one of the three
        if not engine.has_image(planned.existing):
            screen.note(f"Pulling {planned.existing}")
            with screen.waiting(f"Pulling {planned.existing}"):
                engine.pull(planned.existing, login(planned.cloud, planned.existing))
        return planned.existing
    if (made := _made_before(planned, planned.build, engine)) is not None:
        return made
    screen.note("Building the application")
    try:
        values = secrets.values(planned.cloud, planned.build.options.secrets)
        with screen.waiting("Building the application"):
            name = container_run.build(planned.build, _machine_arguments(planned), values)
    except BuildError as error:
        raise DriverError(str(error), error.evidence) from error
    planned.session.at_end.callback(container_run.forget, engine, name)
    return name


def _made_before(planned: Plan, build: Build, engine: Engine) -> str | None:
    """The image that the last update made of the same files, where this engine runs the tasks."""
    session = planned.session
    if not session.target.own_docker or session.created:
        return None
    told = session.outputs()
    tag, uri = told.get(BUILT_TAG), told.get("image_uri")
    if tag is None or uri is None or tag.value != session.names.image_tag(build.tag):
        return None
    return str(uri.value) if engine.has_image(str(uri.value)) else None


def _machine_arguments(planned: Plan) -> MachineArguments:
    add, note = planned.session.target.build_arguments, planned.session.screen.note
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
