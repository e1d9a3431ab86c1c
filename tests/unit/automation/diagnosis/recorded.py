"""Clients of boto3 that validate and shape their requests, and get recorded answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import boto3
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from automation.aws.clients import Cloud
from automation.screen import Screen
from automation.stack.operations import Session
from automation.stack.stack_file import StackFile
from automation.stack.target import TARGETS
from infra.settings.model import Settings

Answer: TypeAlias = "Mapping[str, Any] | ClientError | Callable[[dict[str, Any]], Any]"

PIPELINE_SETTINGS = {
    "github_owner": "octo",
    "github_repository": "shop",
    "github_token": "word",
    "target": "local",
}


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class RecordedCloud(Cloud):
    """A cloud that answers from a table of operations; an operation beside it is a mistake.

    Attributes:
        calls: (operation, parameters) in the order of the calls.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__("us-east-1")
        self._session = boto3.Session("key", "word", region_name="us-east-1")
        self.answers = dict(answers)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def client(self, service: str) -> Any:
        known = service in self._clients
        client = super().client(service)
        if not known:
            client.meta.events.register("before-call", self._answer)
        return client

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> Any:
        asked: dict[str, Any] = json.loads(params["body"])  # services that speak JSON only
        self.calls.append((model.name, asked))
        answer = self.answers[model.name]
        if isinstance(answer, ClientError):
            return AWSResponse("", 400, {}, None), answer.response
        shaped = answer(asked) if callable(answer) else answer
        return AWSResponse("", 200, {}, None), dict(shaped)


def session(cloud: Cloud, screen: Screen, **settings: object) -> Session:
    """An open stack whose engine nobody asks."""
    values = Settings.parse(settings)
    file = StackFile("local", "fargate-cd", values, "us-east-1", Path("Pulumi.local.yaml"))
    stack: Any = SimpleNamespace()
    return Session(screen, file, TARGETS["local"], lambda: stack, False, cloud)


def opening(found: Session) -> Any:
    """Stands for `operations.opened`."""

    @contextmanager
    def opened(*_: Any, **__: Any) -> Any:
        yield found

    return opened
