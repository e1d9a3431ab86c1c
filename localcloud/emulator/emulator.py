"""moto, in our own process: the APIs of the services that the local cloud has no own copy of.

Only the services below are imported. moto's own management pages are not reachable, and its
evaluation of policies is off, since the gateway's own decides before moto is asked.
"""

from __future__ import annotations

import io
import os
import threading
import time
from typing import Any

from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.common_models import BaseModel
from moto.iam.access_control import PermissionResult
from moto.logs.models import LogEvent
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from moto.s3.models import FakeBucket
from werkzeug.test import run_wsgi_app

from localcloud.shared.service import Answer

# botocore's service name → moto's.
EMULATED: dict[str, str] = {
    "acm": "acm",
    "application-autoscaling": "applicationautoscaling",
    "cloudwatch": "cloudwatch",
    "codebuild": "codebuild",
    "codepipeline": "codepipeline",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "elbv2": "elbv2",
    "events": "events",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "rds": "rds",
    "resourcegroupstaggingapi": "resourcegroupstaggingapi",
    "route53": "route53",
    "s3": "s3",
    "scheduler": "scheduler",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "stepfunctions": "stepfunctions",
    "sts": "sts",
    "wafv2": "wafv2",
}

# Calls that may wait long, so that they can't hold the lock. They touch one backend only.
WAITING = {("sqs", "ReceiveMessage"), ("sns", "Publish"), ("sns", "PublishBatch")}

RequestHandler = MotoRequestHandler


class NotEmulatedError(NotImplementedError):
    """moto has no answer to an operation."""


class Emulator:
    """moto's services, called one at a time.

    moto's backends reach into each other and are not safe to change side by side, so one lock
    guards all of them; `lock` is also what a snapshot is taken under.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._applications: dict[str, Any] = {}
        # A thousand machine images that nobody asks for here would be in every snapshot.
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
        _leave_policies_to_the_gateway()
        _leave_services_to_ecs()
        _keep_no_list_of_instances()
        LogEvent._event_id = time.time_ns() // 1000  # unique over restarts too

    def call(self, service: str, operation: str, environ: dict[str, Any], body: bytes) -> Answer:
        """moto's answer to a request.

        Args:
            service: botocore's service name, a key of `EMULATED`.
            operation: the operation's name.
            environ: the request's WSGI environment.
            body: the request's body.

        Raises:
            NotEmulatedError: moto lacks the operation.
        """
        # moto serves any path on its own applications; these are for its management only.
        inner = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        inner.pop("HTTP_TRANSFER_ENCODING", None)
        try:
            if (service, operation) in WAITING:
                return self._run(service, inner)
            with self.lock:
                return self._run(service, inner)
        except NotImplementedError as error:
            raise NotEmulatedError(str(error)) from error

    def _run(self, service: str, environ: dict[str, Any]) -> Answer:
        chunks, status, headers = run_wsgi_app(self._application(service), environ, buffered=True)
        return Answer(int(status.split(" ", 1)[0]), list(headers), b"".join(chunks))

    def _application(self, service: str) -> Any:
        with self.lock:
            if service not in self._applications:
                self._applications[service] = create_backend_app(EMULATED[service])  # type: ignore[arg-type]
            return self._applications[service]


def backends(service: str) -> BackendDict[Any]:
    """moto's live state of a service: account → region → backend."""
    return get_backend(EMULATED[service])  # type: ignore[call-overload, no-any-return]


def _leave_policies_to_the_gateway() -> None:
    """moto's S3 lets every conditional Deny hit, so that a TLS-only policy locks everyone out."""

    def undecided(*_: Any) -> PermissionResult:
        return PermissionResult.NEUTRAL

    setattr(FakeBucket, "get_permission", undecided)  # noqa: B010 -- a method replaced on purpose


def _keep_no_list_of_instances() -> None:
    """moto's models list every instance ever made, for its decorators' reset.

    A process that runs for days would keep each log event, each data point and each request's
    objects: 3 GB were seen after 25 minutes of load.
    """

    def made(cls: type[BaseModel], *_: Any, **__: Any) -> BaseModel:
        return object.__new__(cls)

    setattr(BaseModel, "__new__", staticmethod(made))  # noqa: B010 -- as above


def _leave_services_to_ecs() -> None:
    """Application Auto Scaling asks moto's ECS for its services; ours are elsewhere.

    `localcloud.refusals` asks ours before a target is registered.
    """

    def known(*_: Any) -> bool:
        return True

    setattr(  # noqa: B010 -- a method replaced on purpose
        ApplicationAutoscalingBackend, "_ecs_service_exists_for_target", known
    )
