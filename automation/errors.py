"""What can go wrong in the driver, as one tree; each class carries its exit code.

    DriverError                 1  the operation or the deployment failed
    ├── EngineFailed            1  an operation of the Pulumi engine failed
    │   ├── ServiceFailed       1  at the ECS service: its deployment tells the cause
    │   └── NumberTaken         1  another preview has the port or the priority
    ├── ReleaseCommandFailed    1  the release command failed, so that nothing was released
    ├── ConfigurationError      2  the command or the settings are wrong; nothing was touched
    ├── UpdateRunning           3  another update of this stack is running
    ├── ChangesFound            4  `preview --expect-no-changes` found changes
    └── Stopped               130  interrupted by a signal

A message is a sentence: what, where, and the next step. A traceback never reaches the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class DriverError(Exception):
    """The operation failed.

    Args:
        message: what happened, where, and the next step.
        evidence: lines that show it, such as the end of a failed build.
        resource: the URN or name of the resource that failed, if one did.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, evidence: Sequence[str] = (), resource: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.evidence = list(evidence)
        self.resource = resource


class EngineFailed(DriverError):  # noqa: N818 - says which part failed
    """An operation of the Pulumi engine failed."""


class ServiceFailed(EngineFailed):
    """The engine failed at the ECS service, whose deployment tells the cause."""


class NumberTaken(EngineFailed):
    """A listener's port or a rule's priority belongs to another preview."""


class ReleaseCommandFailed(DriverError):  # noqa: N818 - says what failed
    """The release command ended with a failure, so that nothing was released."""


class ConfigurationError(DriverError):
    """The command or the settings are wrong; `evidence` has one line for each wrong setting."""

    exit_code = 2


class UpdateRunning(DriverError):  # noqa: N818 - a state of the stack, not a fault
    """Another update of this stack is running."""

    exit_code = 3


class ChangesFound(DriverError):  # noqa: N818 - what was asked for, not a fault
    """A preview that expected no changes found some."""

    exit_code = 4


class Stopped(DriverError):  # noqa: N818 - a person's wish
    """Interrupted by Ctrl-C, SIGTERM or a closed terminal; the engine has saved its state."""

    exit_code = 130
