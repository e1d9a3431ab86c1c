"""What the engine is told: answers, and errors in words with the resource's type and name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import status_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2

from localcloud.providers.aws import create
from localcloud.providers.aws.calls import CallError, CancelledError
from localcloud.providers.aws.diff import Differences
from localcloud.providers.aws.spec import Resource
from localcloud.providers.aws.values import to_struct

logger = logging.getLogger(__name__)
_EXPECTED = (CallError, CancelledError, RuntimeError, TimeoutError, ValueError)


def complete(resource: Resource, context: Any, work: Callable[[], None]) -> None:
    """Do it, and tell the engine of a resource that exists but is not as it should be."""
    try:
        work()
    except (create.IncompleteError, RuntimeError, TimeoutError) as error:
        if not resource.id:
            raise
        detail = provider_pb2.ErrorResourceInitFailed(
            id=resource.id,
            properties=to_struct(resource.outputs),
            reasons=[str(error)],
            inputs=to_struct(resource.inputs),
        )
        abort(context, f"{resource.spec.token}: {error}", detail)


def answered(doing: str, request: Any, context: Any, work: Callable[[], Any]) -> Any:
    """The answer of `work`, or its error in words, with the resource's type and name."""
    try:
        return work()
    except (*_EXPECTED, create.IncompleteError) as error:
        urn = getattr(request, "urn", "")
        name = urn.split("::", 2)[-1].rsplit("$", 1)[-1].replace("::", " ")
        return abort(context, f"{doing} {name}: {error}" if name else f"{doing}: {error}")
    except grpc.RpcError:
        raise
    except Exception as error:
        if context.code() is not None:
            raise
        logger.exception("%s %s", doing, getattr(request, "urn", ""))
        return abort(
            context,
            f"{doing} {getattr(request, 'urn', '')}: {type(error).__name__}: {error}; "
            "this is a fault of the local cloud, see `run.py local logs`",
        )


def abort(context: Any, message: str, detail: Any = None) -> Any:
    """End the request with a message, and with what exists all the same."""
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    if detail is not None:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    return context.abort(grpc.StatusCode.UNKNOWN, message)


def failures(refused: dict[str, str]) -> list[Any]:
    """Property → reason, as the engine takes it."""
    return [
        provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in refused.items()
    ]


def diff_response(differences: Differences) -> Any:
    """The changes, as the engine takes them."""
    kinds = provider_pb2.PropertyDiff.Kind
    detailed = {
        path: provider_pb2.PropertyDiff(
            kind=kinds.Value(f"{kind}_REPLACE" if change.replaces else kind), inputDiff=True
        )
        for change in differences.changes
        for path, kind in change.paths.items()
    }
    some = "DIFF_SOME" if detailed else "DIFF_NONE"
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DiffChanges.Value(some),
        diffs=differences.names,
        replaces=[change.name for change in differences.changes if change.replaces],
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=differences.delete_before_replace,
    )
