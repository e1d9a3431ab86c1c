"""What an update is about to deploy, as the checks before it need it."""

from __future__ import annotations

from dataclasses import dataclass

from automation.aws.clients import Cloud
from automation.aws.ecr import PLATFORM_NAMES
from automation.aws.ecs import describe_service
from automation.machine.docker_engine import Engine, find_engine
from automation.stack.operations import Session
from infra.image.image import Build, app_build
from infra.settings.model import Settings


@dataclass(frozen=True)
class Flight:
    """What is about to be done.

    Attributes:
        session: the open stack.
        image: the image that is named, by `--image` or the setting.
        build: what is built instead; neither where the running image is kept.
        new: the stack has no service yet.
        docker: this machine's engine, if one answers.
    """

    session: Session
    image: str | None
    build: Build | None
    new: bool
    docker: Engine | None = None

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


def plan(session: Session, image: str | None, build: bool) -> Flight:
    """What an update with these arguments deploys.

    Raises:
        SettingsError: the application can't be built from its files.
    """
    settings = session.file.settings
    new = describe_service(session.cloud, session.service) is None
    named = image or settings.image or None
    kept = settings.keeps_image and not build and not new
    plan_to_build = None if named or kept else app_build(settings)
    return Flight(session, named, plan_to_build, new, find_engine())
