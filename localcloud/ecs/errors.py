"""ECS's errors, by the codes and in the words that the service uses.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html and each operation's
own list.
"""

from __future__ import annotations

from localcloud.shared.service import ServiceError


def invalid(message: str) -> ServiceError:
    """A parameter is not valid."""
    return ServiceError("InvalidParameterException", message)


def client(message: str) -> ServiceError:
    """The caller asked for something that can't be, such as a resource that does not exist."""
    return ServiceError("ClientException", message)


def provider_not_associated() -> ServiceError:
    """A strategy names a capacity provider that the cluster has not."""
    return invalid(
        "The specified capacity provider strategy cannot contain a capacity provider that is not "
        "associated with the cluster. Associate the capacity provider with the cluster and try "
        "again."
    )


def cluster_not_found() -> ServiceError:
    """No such cluster."""
    return ServiceError("ClusterNotFoundException", "Cluster not found.")


def service_not_found() -> ServiceError:
    """No such service."""
    return ServiceError("ServiceNotFoundException", "Service not found.")


def service_not_active() -> ServiceError:
    """The service is being, or was, deleted."""
    return ServiceError("ServiceNotActiveException", "Service was not ACTIVE.")


def unsupported(operation: str, member: str) -> ServiceError:
    """A member that AWS knows and the local cloud does not honour."""
    return ServiceError(
        "InvalidParameterException",
        f"The local cloud does not honour {member} of {operation}. Leave it out, or try it on AWS.",
    )
