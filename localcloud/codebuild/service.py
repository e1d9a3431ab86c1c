"""The local CodeBuild: the API on one side, containers that run buildspecs on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from localcloud.codebuild import builds, projects
from localcloud.codebuild.core import Core
from localcloud.codebuild.credentials import CredentialsEndpoint
from localcloud.codebuild.image import BuildImages
from localcloud.codebuild.runs import BuildRuns
from localcloud.codebuild.store import Store
from localcloud.codebuild.supported_members import refuse_unhonoured
from localcloud.shared.service import Call, Service, ServiceError, Surroundings

Operation = Callable[[Core, Call], Mapping[str, Any]]

OPERATIONS: dict[str, Operation] = {
    "CreateProject": projects.create,
    "UpdateProject": projects.update,
    "DeleteProject": projects.delete,
    "BatchGetProjects": projects.batch_get,
    "ListProjects": projects.list_all,
    "StartBuild": builds.start,
    "StopBuild": builds.stop,
    "RetryBuild": builds.retry,
    "BatchGetBuilds": builds.batch_get,
    "BatchDeleteBuilds": builds.batch_delete,
    "ListBuilds": builds.list_all,
    "ListBuildsForProject": builds.list_for_project,
}
REFUSED: dict[str, str] = {
    "ImportSourceCredentials": "sources come from a pipeline or from S3, which need none",
    "CreateWebhook": "a push starts a build through a pipeline's webhook",
    "StartBuildBatch": "batch builds are not run; start each build",
    "CreateReportGroup": "reports are not kept; upload them as artifacts",
    "CreateFleet": "builds run on this machine",
}


class CodeBuild(Service):
    """AWS CodeBuild, on this machine's Docker engine.

    Args:
        surroundings: the local cloud around it.
    """

    name = "codebuild"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self.core = Core(surroundings, Store(Path(surroundings.state_dir)))
        images = BuildImages()
        self.core.images = images
        self._runs = BuildRuns(self.core, images)
        self.core.runs = self._runs
        self._endpoint = CredentialsEndpoint(self.core)
        self.handlers = {
            **{name: partial(self._answer, function) for name, function in OPERATIONS.items()},
            **dict.fromkeys(REFUSED, _refuse),
        }

    def _answer(self, function: Operation, call: Call) -> Mapping[str, Any]:
        refuse_unhonoured(call.operation, call.input)
        return function(self.core, call)

    def tagged_resources(self, region: str) -> Mapping[str, Mapping[str, str]]:
        """The projects with their tags."""
        return projects.inventory(self.core, region)

    def start(self) -> None:
        """End what an earlier process left running, and be ready for builds."""
        self._runs.recover()
        self._endpoint.start()

    def stop(self) -> None:
        """End the builds under way and remove their containers."""
        self._runs.end()
        self._endpoint.stop()


def _refuse(call: Call) -> Mapping[str, Any]:
    raise ServiceError(
        "NotImplemented",
        f"The local cloud does not support {call.operation} of codebuild: "
        f"{REFUSED[call.operation]}.",
        501,
    )
