"""AWS's wire protocols, read and written by the botocore models.

moto's routers, parsers and serializers do the work for every protocol (query, ec2, json, rest-json,
rest-xml); this module is the one place that touches them.
Source: https://smithy.io/2.0/aws/protocols/index.html
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import botocore.session
from botocore.parsers import create_parser
from botocore.utils import parse_timestamp
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from localcloud.shared.service import Answer

# Several services share a signing name; the local cloud has one of each.
SIGNING_NAMES = {
    "states": "stepfunctions",
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
}

# What a service calls a parameter that breaks its constraints, where it is not its protocol's.
VALIDATION_CODES_BY_SERVICE = {
    "acm": "ValidationException",
    "codebuild": "InvalidInputException",
    "ecr": "InvalidParameterException",
    "ecs": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "resourcegroupstaggingapi": "InvalidParameterException",
    "route53": "InvalidInput",
    "secretsmanager": "InvalidParameterException",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
    "wafv2": "WAFInvalidParameterException",
}
VALIDATION_CODES_BY_PROTOCOL = {
    "ec2": "InvalidParameterValue",
    "json": "ValidationException",
    "query": "ValidationError",
    "rest-json": "ValidationException",
    "rest-xml": "InvalidArgument",
}
# What a request that can't be read at all is called.
MALFORMED_CODES = {
    "ec2": "InvalidParameterValue",
    "json": "SerializationException",
    "query": "MalformedInput",
    "rest-json": "SerializationException",
    "rest-xml": "MalformedXML",
}


class MalformedRequest(ValueError):  # noqa: N818 -- the field's own term
    """A request whose parameters can't be read; the message says which and why."""


class UnknownOperation(LookupError):  # noqa: N818 -- the field's own term
    """A request that names no operation of its service."""


@dataclass(frozen=True)
class Target:
    """The operation that a request is for.

    Attributes:
        service: botocore's service name.
        operation: the operation's name.
        protocol: the protocol that the client speaks.
        uri: the parameters that stand in the path.
    """

    service: str
    operation: str
    protocol: str
    uri: Mapping[str, Any]


@functools.cache
def known_services() -> frozenset[str]:
    """Every service name of botocore's models."""
    return frozenset(botocore.session.get_session().get_available_services())


def service_of_signing_name(name: str) -> str | None:
    """botocore's name of the service that signs as `name`; None where there is no such service."""
    service = SIGNING_NAMES.get(name, name)
    return service if service in known_services() else None


def find_target(service: str, request: Request) -> Target:
    """The operation of a request.

    Raises:
        UnknownOperation: the service has no such operation, or no such protocol.
    """
    try:
        protocol = determine_request_protocol(get_service_model(service), request.content_type)
        operation, uri = get_service_router(service).match(request)
    except (NotFound, NotImplementedError) as error:
        named = request.headers.get("X-Amz-Target") or request.values.get("Action")
        what = named or f"{request.method} {request.path}"
        raise UnknownOperation(f"{service} has no operation for {what}.") from error
    return Target(service, operation.name, protocol, uri)


def operation_model(service: str, operation: str) -> OperationModel:
    """The model of an operation."""
    model: OperationModel = get_service_model(service).operation_model(operation)
    return model


def default_protocol(service: str) -> str:
    """The protocol that boto3 speaks to a service."""
    return str(get_service_model(service).resolved_protocol)


def _timestamp(value: Any) -> datetime:
    return cast(datetime, parse_timestamp(value)).astimezone(UTC)


def parse_input(target: Target, request: Request, body: bytes) -> dict[str, Any]:
    """The parameters of a request, by the names of the model; times are in UTC, blobs are bytes.

    Raises:
        MalformedRequest: the body is not of the protocol, or a value not of its type.
    """
    parser = PROTOCOL_PARSERS[target.protocol](
        operation_model(target.service, target.operation), timestamp_parser=_timestamp
    )
    try:
        parsed = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": body,
                "url_path": request.path,
                "url_params": dict(target.uri),
            }
        )
    except RecursionError as error:
        raise MalformedRequest(f"{target.operation}: the body is nested too deeply") from error
    except (RequestParserError, ValueError, TypeError, AttributeError, UnboundLocalError) as error:
        raise MalformedRequest(f"{target.operation}: {error}") from error
    return parsed or {}


def _serialized(target: Target, result: object) -> tuple[int, dict[str, str], bytes]:
    request_id = str(uuid4())
    try:
        model = operation_model(target.service, target.operation)
    except Exception as error:
        if type(error).__name__ != "OperationNotFoundError":
            raise
        model = OperationModel({}, get_service_model(target.service), target.operation)
    serializer = get_serializer_class(target.service, target.protocol)(
        operation_model=model, context=SerializationContext(request_id)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # moto warns of codes that the models leave out
        response = serializer.serialize(result)
    body = response["body"]
    headers = {**response["headers"], "x-amzn-RequestId": request_id}
    return response["status_code"], headers, body.encode() if isinstance(body, str) else body


def serialize_output(target: Target, output: Mapping[str, Any]) -> Answer:
    """An operation's answer, in the protocol that the client speaks."""
    status, headers, body = _serialized(target, output)
    return Answer(status, list(headers.items()), body)


class _WireError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def serialize_error(target: Target, code: str, message: str, status: int = 400) -> Answer:
    """A service's error, in the protocol that the client speaks.

    Args:
        target: the operation that failed; its name may be unknown.
        code: the error's code.
        message: what is wrong, in words.
        status: the HTTP status; 400 leaves the choice to the service's model.
    """
    modelled, headers, body = _serialized(target, _WireError(code, message))
    return Answer(modelled if status == 400 else status, list(headers.items()), body)


def parse_output(target: Target, answer: Answer) -> dict[str, Any]:
    """The members of a successful answer, as a client's boto3 would read them."""
    model = operation_model(target.service, target.operation)
    parser = create_parser(target.protocol)
    response = {
        "status_code": answer.status,
        "headers": {name.lower(): value for name, value in answer.headers},
        "body": answer.body,
    }
    parsed = cast(dict[str, Any], parser.parse(response, model.output_shape))
    parsed.pop("ResponseMetadata", None)
    return parsed


def validation_code(target: Target) -> str:
    """What the service calls a parameter that breaks its constraints."""
    return VALIDATION_CODES_BY_SERVICE.get(
        target.service, VALIDATION_CODES_BY_PROTOCOL[target.protocol]
    )
