"""CodeBuild's errors, by the codes that the service uses, and what ends a phase.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html#API_StartBuild_Errors
"""

from __future__ import annotations

from localcloud.shared.service import ServiceError


def invalid(message: str) -> ServiceError:
    """A parameter is not valid."""
    return ServiceError("InvalidInputException", message)


def not_found(message: str) -> ServiceError:
    """There is no such project or build."""
    return ServiceError("ResourceNotFoundException", message)


def exists(message: str) -> ServiceError:
    """There is one by that name."""
    return ServiceError("ResourceAlreadyExistsException", message)


def limit(message: str) -> ServiceError:
    """More than an account or a project may have."""
    return ServiceError("AccountLimitExceededException", message)


class PhaseError(Exception):
    """A phase of a build can't succeed.

    Args:
        code: the status code of the phase's context, such as `CLIENT_ERROR`.
        message: what is wrong, in words.
        status: the phase's status.
    """

    def __init__(self, code: str, message: str, status: str = "FAILED") -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status
