"""What the local CodeBuild keeps: projects and builds, in the shapes of its API."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

PHASES = (
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
    "COMPLETED",
)
"""https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html"""


@dataclass
class Project:
    """A build project.

    Attributes:
        shape: the members of `Project` in CodeBuild's API.
        region: where it was made.
        builds: how many builds were started.
    """

    shape: dict[str, Any]
    region: str
    builds: int = 0

    @property
    def name(self) -> str:
        """The name, unique in its region."""
        return str(self.shape["name"])

    @property
    def key(self) -> str:
        """Under which it is kept."""
        return f"{self.region}.{self.name}"


@dataclass
class Build:
    """One run of a project.

    Attributes:
        shape: the members of `Build` in CodeBuild's API.
        region: where it runs.
        request: the parameters of StartBuild, for a retry.
        token: unguessable; by it the build's container gets the service role's keys.
        artifacts: what is to be uploaded: the project's artifacts with the overrides applied.
    """

    shape: dict[str, Any]
    region: str
    request: dict[str, Any] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    artifacts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """`PROJECT:UUID`."""
        return str(self.shape["id"])

    @property
    def uuid(self) -> str:
        """The build's own part of its id."""
        return self.id.rpartition(":")[2]

    @property
    def project(self) -> str:
        """The project's name."""
        return str(self.shape["projectName"])

    @property
    def arn(self) -> str:
        """The build's ARN."""
        return str(self.shape["arn"])

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self.shape["buildComplete"]

    def begin(self, phase: str) -> dict[str, Any]:
        """Enter a phase."""
        entered = {"phaseType": phase, "startTime": time.time()}
        self.shape["phases"] = [*self.shape["phases"], entered]
        self.shape["currentPhase"] = phase
        return entered

    def end(self, status: str, code: str = "", message: str = "") -> dict[str, Any]:
        """End the current phase."""
        phase: dict[str, Any] = self.shape["phases"][-1]
        now = time.time()
        phase["endTime"] = now
        phase["durationInSeconds"] = int(now - phase["startTime"])
        phase["contexts"] = [{"statusCode": code, "message": message}]
        phase["phaseStatus"] = status
        return phase

    def complete(self, status: str) -> None:
        """The last phase, and the verdict."""
        self.begin("COMPLETED")
        self.shape["endTime"] = time.time()
        self.shape["buildStatus"] = status
        self.shape["buildComplete"] = True
