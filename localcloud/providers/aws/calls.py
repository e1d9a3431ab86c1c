"""Calls to AWS: checked against the service's model, sent, retried where that helps."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import jmespath
from botocore import xform_name

from localcloud.gateway.constraints import service_model, violations
from localcloud.providers.aws.values import UNKNOWN

# What passes by itself: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
PASSING = frozenset(
    {
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
        *("InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable"),
        *("500", "502", "503", "504"),
        *("ConnectTimeoutError", "ConnectionClosedError", "EndpointConnectionError"),
    }
)
ATTEMPTS = 6
SETTLING_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
LONGEST_LOOK_SECONDS = 0.2
"""Between two looks at what is waited for: the local cloud answers one in milliseconds."""


class CallError(Exception):
    """AWS, or its model, refuses a call.

    Attributes:
        code: AWS's error code; `ValidationError` for what never was sent.
        message: AWS's sentence, or one per broken constraint.
    """

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{service} {operation}: {code}: {message}")
        self.service = service
        self.operation = operation
        self.code = code
        self.message = message


class CancelledError(Exception):
    """The engine called the update off, or has gone."""


def _untold(_line: str) -> None:
    """Nobody to show progress to."""


@dataclass
class Patience:
    """How long a request to the provider may wait, and whether anybody still wants its answer.

    Attributes:
        cancelled: whether the engine has gone or called it off.
        limit: seconds by which a resource's `customTimeouts` replaces the row's own; 0: the row's.
        tell: shows a line of progress beside the resource.
    """

    cancelled: Callable[[], bool]
    limit: float = 0
    tell: Callable[[str], None] = _untold

    def until(
        self, probe: Callable[[], Any], seconds: float, what: str, progress: Callable[[], str]
    ) -> Any:
        """Repeat `probe` until it answers something true, and return that.

        Raises:
            TimeoutError: it did not within the time; `what` and `progress` tell the reason.
            CancelledError: nobody waits any more.
        """
        allowed = self.limit or seconds
        end = time.monotonic() + allowed
        pause = FIRST_PAUSE_SECONDS
        told = ""
        while True:
            answer = probe()
            if answer:
                return answer
            if (line := progress()) != told:
                told = line
                self.tell(f"waiting for {what}: {line}")
            if self.cancelled():
                raise CancelledError(f"cancelled while waiting for {what}")
            if time.monotonic() >= end:
                raise TimeoutError(f"waited {allowed:.0f} s for {what}; {progress()}")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)


@dataclass
class Api:
    """What one request to the provider calls AWS with.

    Attributes:
        client: makes, or has, the boto3 client of a service and a region.
        region: where resources are.
        patience: how long it may take.
    """

    client: Callable[[str, str], Any]
    region: str
    patience: Patience

    def call(
        self, service: str, operation: str, params: dict[str, Any], retried: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Send a request that satisfies the model, and return the answer.

        Args:
            service: botocore's service.
            operation: botocore's operation.
            params: the members.
            retried: error codes to try again on, for `SETTLING_SECONDS`, while other things settle.

        Raises:
            CallError: with AWS's code and message.
            CancelledError: nobody waits any more.
        """
        broken = violations(service, operation, params)
        if broken:
            raise CallError(service, operation, "ValidationError", "; ".join(broken))
        end = time.monotonic() + SETTLING_SECONDS
        pause = FIRST_PAUSE_SECONDS
        for attempt in itertools.count(1):
            try:
                return self._send(service, operation, params)
            except CallError as error:
                passing = error.code in PASSING and attempt < ATTEMPTS
                settling = error.code in retried and time.monotonic() + pause < end
                if not (passing or settling):
                    raise
            if self.patience.cancelled():
                raise CancelledError(f"cancelled while repeating {service} {operation}")
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def _send(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        client = self.client(service, self.region)
        method = getattr(client, xform_name(operation))
        try:
            answer: dict[str, Any] = method(**params)
        except botocore.exceptions.ClientError as error:
            told = error.response.get("Error", {})
            code, message = told.get("Code", "Unknown"), told.get("Message", str(error))
            raise CallError(service, operation, str(code), message) from error
        except botocore.exceptions.BotoCoreError as error:
            raise CallError(service, operation, type(error).__name__, str(error)) from error
        if answer.get("FailedEntryCount"):
            failed = answer.get("FailedEntries", [{}])[0]
            code, message = failed.get("ErrorCode", "Unknown"), failed.get("ErrorMessage", "")
            raise CallError(service, operation, code, message)
        return _read(service, operation, answer)


def preview(service: str, operation: str, params: dict[str, Any]) -> None:
    """Check a request that may hold unknown values; raises CallError as `Api.call` would."""
    broken = violations(service, operation, params, unknown=UNKNOWN)
    if broken:
        raise CallError(service, operation, "ValidationError", "; ".join(broken))


def _read(service: str, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with its stream, if it has one, read."""
    shape = service_model(service).operation_model(operation).output_shape
    payload = shape.serialization.get("payload") if shape else None
    if payload and hasattr(answer.get(payload), "read"):
        answer = {**answer, payload: answer[payload].read()}
    return answer


def search(expression: str, scope: Any) -> Any:
    """JMESPath; an expression over a value that is not known yet is `UNKNOWN`."""
    try:
        return jmespath.search(expression, scope)
    except jmespath.exceptions.JMESPathTypeError:
        return UNKNOWN
