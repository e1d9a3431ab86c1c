"""What the parts of the local CodeBuild share: the store, the running builds, the roles."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from localcloud.codebuild.model import Build
from localcloud.codebuild.store import Store
from localcloud.iam import assume_service_role
from localcloud.iam.sessions import SessionCredentials
from localcloud.shared.service import Surroundings

log = logging.getLogger(__name__)

PRINCIPAL = "codebuild.amazonaws.com"
RENEWED_BEFORE = timedelta(minutes=5)


class Runs(Protocol):
    """The builds under way."""

    def start(self, build: Build) -> None:
        """Run a build in the background."""

    def stop(self, build: Build, why: str) -> None:
        """End a build; nothing happens to one that has ended."""

    def wait(self, build_ids: set[str]) -> None:
        """Until these have ended, containers removed."""


class Images(Protocol):
    """What builds run in."""

    def prepare(self, environment: Mapping[str, Any]) -> None:
        """Begin to make the build image, if the environment wants it and it isn't there."""


@dataclass
class Core:
    """What the parts share.

    Attributes:
        surroundings: the local cloud.
        store: projects and builds.
        runs: the builds under way.
        images: what they run in.
        credentials_url: where containers ask for their role's keys, without the token.
    """

    surroundings: Surroundings
    store: Store
    runs: Runs = field(init=False)
    images: Images = field(init=False)
    credentials_url: str = ""
    _sessions: dict[str, SessionCredentials] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self, environment: Mapping[str, Any]) -> None:
        """A project is there: have what its builds need before the first one."""
        self.images.prepare(environment)

    def assume(self, role: str, project_arn: str, session: str) -> SessionCredentials:
        """A session of a service role, on behalf of a project.

        Raises:
            ServiceError: the role is not there or does not trust CodeBuild.
        """
        return assume_service_role(
            role,
            PRINCIPAL,
            source_arn=project_arn,
            source_account=self.surroundings.account,
            session_name=session,
        )

    def credentials(self, build: Build) -> SessionCredentials:
        """The keys of a build's role, renewed before they expire.

        Raises:
            ServiceError: the role is not there or does not trust CodeBuild.
        """
        with self._lock:
            known = self._sessions.get(build.id)
            fresh_until = datetime.now(UTC) + RENEWED_BEFORE
            if known is not None and known.expires_at and known.expires_at > fresh_until:
                return known
            project_arn = build.arn.replace(":build/", ":project/").rpartition(":")[0]
            made = self.assume(
                build.shape["serviceRole"], project_arn, f"AWSCodeBuild-{build.uuid}"
            )
            self._sessions[build.id] = made
            return made

    def forget(self, build: Build) -> None:
        """A build has ended."""
        with self._lock:
            self._sessions.pop(build.id, None)

    def client(self, build: Build, service: str) -> Any:
        """A client of a service that signs as the build's role."""
        return self.surroundings.client(service, build.region, self.credentials(build))
