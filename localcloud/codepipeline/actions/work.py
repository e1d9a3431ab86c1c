"""What an action gets to do its part, and what it tells.

An action is advanced again and again until it has ended. What it must remember between two
advances is in its progress, which is on disk, so that it goes on after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.codepipeline.model import FAILED, RUNNING, SUCCEEDED, Artifact, Revision
from localcloud.shared.service import Surroundings

# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_FailureDetails.html
JOB_FAILED = "JobFailed"
CONFIGURATION_ERROR = "ConfigurationError"
PERMISSION_ERROR = "PermissionError"
REVISION_UNAVAILABLE = "RevisionUnavailable"
SYSTEM_UNAVAILABLE = "SystemUnavailable"


@dataclass(frozen=True)
class Work:
    """One action's work.

    Attributes:
        run_id: of this action execution; the same after a restart.
        configuration: with its variables resolved.
        progress: as of the last advance.
        client: makes a boto3 client of a service that acts under the action's role.
        require: demands of that role an action on a resource.
        requested: the commit that the starter asked for, else empty.
        revisions: artifact → the commit that it holds, as far as a source action told.
        encryption_key: of the artifact store, else empty.
    """

    surroundings: Surroundings
    region: str
    pipeline: str
    execution_id: str
    stage: str
    action: str
    run_id: str
    started: float
    configuration: Mapping[str, str]
    inputs: list[Artifact]
    outputs: list[Artifact]
    progress: Mapping[str, Any]
    client: Callable[[str], Any]
    require: Callable[[str, str], None] = lambda _action, _resource: None
    requested: str = ""
    revisions: Mapping[str, str] = field(default_factory=dict)
    encryption_key: str = ""


@dataclass(frozen=True)
class Outcome:
    """How far an action is.

    Attributes:
        status: `InProgress`, `Succeeded` or `Failed`.
        token: what answers an approval.
        at_once: whether the next advance has work to do now.
    """

    status: str = RUNNING
    progress: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    external_id: str = ""
    external_url: str = ""
    log_stream_arn: str = ""
    error_code: str = ""
    error_message: str = ""
    token: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    revision: Revision | None = None
    at_once: bool = False


def failed(message: str, code: str = JOB_FAILED, **details: Any) -> Outcome:
    """The action failed."""
    return Outcome(FAILED, error_code=code, error_message=message, **details)


def succeeded(**details: Any) -> Outcome:
    """The action succeeded."""
    return Outcome(SUCCEEDED, **details)


class ActionError(Exception):
    """The action can't go on; what it says is the action's failure."""

    def __init__(self, message: str, code: str = JOB_FAILED) -> None:
        super().__init__(message)
        self.message, self.code = message, code
