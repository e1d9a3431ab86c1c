"""Delete: the call, and the wait until nothing is left. What is absent is deleted already."""

from __future__ import annotations

from localcloud.providers.aws import read
from localcloud.providers.aws.calls import CallError
from localcloud.providers.aws.spec import Op, Resource


def delete(resource: Resource) -> None:
    """Delete the resource.

    Raises:
        CallError: AWS refuses.
        TimeoutError: it did not disappear in time.
    """
    spec = resource.spec
    if spec.delete is None:
        return
    try:
        if isinstance(spec.delete, Op):
            resource.run(spec.delete)
        else:
            spec.delete(resource)
    except CallError as error:
        if error.code in spec.absent or _is_gone(resource):
            return
        raise
    if spec.gone:
        resource.api.patience.until(
            lambda: read.find(resource) is None,
            spec.gone,
            f"{resource.id} to disappear",
            lambda: "it is still there",
        )


def _is_gone(resource: Resource) -> bool:
    """Whether a refused deletion was one of something that is not there."""
    try:
        return read.find(resource) is None
    except CallError:
        return False
