"""What the tests of the preflight run on: a plan with everything faked but the account."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.aws import ecr as images
from automation.aws.clients import Cloud
from automation.machine.docker_engine import Engine
from automation.preflight import checks as preflight
from automation.preflight import first_use, permissions
from automation.preflight.plan import Plan
from automation.stack.target import TARGETS
from infra.names import Names
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"


@dataclass
class Stage:
    """A planned with everything around it faked but the account."""

    captured: Captured
    cloud: Any
    folder: Path
    docker: Any = None
    target: str = "aws"
    new: bool = True
    settings: dict[str, Any] = field(default_factory=dict)

    def planned(self, image: str | None = None, kept: str | None = None) -> Plan:
        settings = Settings.parse({"target": self.target} | self.settings)
        session = SimpleNamespace(
            screen=self.captured.screen,
            file=SimpleNamespace(name="dev", settings=settings),
            target=replace(TARGETS[self.target], lock_dir=lambda: self.folder / "locks"),
            cloud=self.cloud,
            names=Names("fargate-cd", "dev"),
            at_end=ExitStack(),
        )
        return Plan(session, image, None, self.new, self.docker, kept)  # type: ignore[arg-type]

    def problems(self, image: str | None = None) -> list[str]:
        planned = self.planned(image)
        simulated = (permissions.permissions, first_use.service_linked_roles)  # not in moto
        checks = [ask for ask in preflight.CHECKS if ask not in simulated]
        return [found.name for ask in checks for found in ask(planned)]


def registry(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, architecture: str) -> str:
    """A repository with the tag `good`, whose image is built for an architecture."""
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName="web")
    manifest = {
        "schemaVersion": 2,
        "mediaType": images.MANIFESTS[0],
        "config": {"digest": "sha256:" + "c" * 64, "size": 1, "mediaType": "x"},
        "layers": [{"digest": "sha256:" + "d" * 64, "size": 1, "mediaType": "x"}],
    }
    ecr.put_image(repositoryName="web", imageManifest=json.dumps(manifest), imageTag="good")
    monkeypatch.setattr(images, "_blob", lambda *_: {"architecture": architecture, "os": "linux"})
    endpoint = ecr.get_authorization_token()["authorizationData"][0]["proxyEndpoint"]
    return str(endpoint.partition("://")[2])


CONNECTION = "arn:aws:codeconnections:us-east-1:123456789012:connection/1a2b"


CONNECTED = {
    "connection_arn": CONNECTION,
    "github_owner": "octo",
    "github_repository": "shop",
}


class Docker(Engine):
    """An engine that has every image."""

    def has_image(self, _name: str) -> bool:
        return True


def docker() -> Engine:
    return Docker("amd64")
