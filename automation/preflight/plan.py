"""The deployment plan that the preflight checks read."""

from __future__ import annotations

from dataclasses import dataclass

from automation.aws.clients import Cloud
from automation.aws.ecr import PLATFORM_NAMES
from automation.aws.ecs import describe_service, task_definition
from automation.machine.docker_engine import Engine, find_engine
from automation.stack.operations import Session
from infra.image.image import Build, app_build
from infra.names import CONTAINER_NAME
from infra.settings.model import Settings


@dataclass(frozen=True)
class Plan:
    """The deployment that is about to start.

    Attributes:
        session: the open stack.
        image: the image that is named, by `--image` or the setting.
        build: what is built instead.
        new: the stack has no service yet.
        docker: this machine's engine, if one answers.
        kept: the running image, where it is kept and neither of the others is deployed.
    """

    session: Session
    image: str | None
    build: Build | None
    new: bool
    docker: Engine | None = None
    kept: str | None = None

    @property
    def existing(self) -> str | None:
        """The image that is deployed; None where one is built."""
        return self.image or self.kept

    @property
    def settings(self) -> Settings:
        """The stack's settings."""
        return self.session.file.settings

    @property
    def architecture(self) -> str:
        """The tasks' architecture, as images name it."""
        return PLATFORM_NAMES[self.settings.architecture]

    @property
    def cloud(self) -> Cloud:
        """The stack's account."""
        return self.session.cloud


def plan(session: Session, image: str | None, build: bool) -> Plan:
    """Return the plan of an update.

    Args:
        session: the open stack.
        image: of `--image`; None without it.
        build: whether the app is built though a running image would be kept.

    Raises:
        SettingsError: the application can't be built from its files.
    """
    settings = session.file.settings
    service = describe_service(session.cloud, session.service)
    named = image or settings.image or None
    keeps = settings.keeps_image and not build and not named
    kept = _image(session.cloud, service["taskDefinition"]) if service and keeps else None
    plan_to_build = None if named or kept else app_build(settings)
    return Plan(session, named, plan_to_build, service is None, find_engine(), kept)


def _image(cloud: Cloud, revision: str) -> str:
    """The application's image in a revision of the task definition."""
    containers = task_definition(cloud, revision)["containerDefinitions"]
    return str(next(each["image"] for each in containers if each["name"] == CONTAINER_NAME))
