"""A gateway with IAM, STS and the emulator, and who calls it. No Docker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.backends import get_backend

from localcloud.emulator.emulator import EMULATED, Emulator
from localcloud.gateway.access_keys import Keys
from localcloud.gateway.gateway import Gateway
from localcloud.iam import Authorizer, Iam, Sts
from localcloud.server.serving import listen, serve
from localcloud.shared.service import Call, Credentials, Service, Surroundings

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROOT = Credentials("AKIAROOTROOTROOTROOT", "root-secret")
SESSION = boto3.session.Session()
"""One for all clients, since it holds the parsed models."""
TRUST_OF_ACCOUNT = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }
    ],
}


class Recorder(Service):
    """A service that answers nothing and remembers which calls came through.

    Args:
        name: botocore's service name.
        answers: operation → answer.
    """

    def __init__(self, name: str, answers: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        self.name = name
        self.calls: list[Call] = []
        for operation, answer in answers.items():
            self.handlers[operation] = self._handler(answer)

    def _handler(self, answer: Mapping[str, Any]) -> Any:
        def handle(call: Call) -> Mapping[str, Any]:
            self.calls.append(call)
            return answer

        return handle


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    """A policy with one Allow statement."""
    return policy({"Effect": "Allow", "Action": action, "Resource": resource, **more})


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A policy of the current version."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


@dataclass
class Aws:
    """A running gateway and how to call it."""

    api_url: str
    gateway: Gateway
    state_dir: Path
    _clients: dict[object, Any] = field(default_factory=dict)

    def add(self, name: str, **answers: Mapping[str, Any]) -> Recorder:
        """Puts a service with fixed answers behind the gateway."""
        recorder = Recorder(name, answers)
        self.gateway.add(recorder)
        return recorder

    def client(
        self, service: str, region: str = REGION, credentials: Credentials | None = None
    ) -> Any:
        """A client, the same one for the same keys; signed by root unless told otherwise."""
        keys = credentials or ROOT
        known = (service, region, keys)
        if known not in self._clients:
            self._clients[known] = self._client(*known)
        return self._clients[known]

    def _client(self, service: str, region: str, keys: Credentials) -> Any:
        return SESSION.client(
            service,
            region_name=region,
            endpoint_url=self.api_url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            config=Config(
                proxies={},
                retries={"total_max_attempts": 1},
                parameter_validation=True,
                s3={"addressing_style": "path"},
            ),
        )

    def user(self, name: str, *policies: Mapping[str, Any]) -> Credentials:
        """An IAM user with inline policies; its keys."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for number, document in enumerate(policies):
            iam.put_user_policy(
                UserName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(document)
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, name: str, *policies: Mapping[str, Any], **more: Any) -> str:
        """A role that the account may assume, with inline policies; its ARN."""
        iam = self.client("iam")
        trust = more.pop("trust", TRUST_OF_ACCOUNT)
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), **more)[
            "Role"
        ]["Arn"]
        for number, document in enumerate(policies):
            iam.put_role_policy(
                RoleName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(document)
            )
        return str(arn)

    def session(self, role_arn: str, **more: Any) -> Credentials:
        """Keys of a role, assumed by a user who may assume anything."""
        name = f"assumer-{len(get_backend('iam')[ACCOUNT]['aws'].users)}"
        keys = self.user(name, allow(["sts:*"], "*"))
        answer = self.client("sts", credentials=keys).assume_role(
            RoleArn=role_arn, RoleSessionName="test", **more
        )["Credentials"]
        return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])

    def as_role(self, service: str, *policies: Mapping[str, Any], **more: Any) -> Any:
        """A client of a service under a new role with these policies."""
        number = len(get_backend("iam")[ACCOUNT]["aws"].roles)
        return self.client(
            service, credentials=self.session(self.role(f"role-{number}", *policies, **more))
        )


@contextmanager
def running_gateway(state_dir: Path) -> Iterator[Aws]:
    """A gateway over empty backends, that evaluates every call."""
    for service in EMULATED.values():
        get_backend(service).reset()  # type: ignore[call-overload]
    gateway = Gateway(ACCOUNT, REGION, Emulator(), Keys(ROOT, ACCOUNT).find)
    bound = listen("127.0.0.1", 0)
    running = Aws(f"http://127.0.0.1:{bound.getsockname()[1]}", gateway, state_dir)
    surroundings = Surroundings(
        state_dir=str(state_dir),
        instance="test",
        account=ACCOUNT,
        region=REGION,
        api_url=running.api_url,
        registry_host="",
        docker_network="",
        docker_gateway="",
        client=running.client,
    )
    gateway.authorize = Authorizer(surroundings).authorize
    gateway.add(Iam(surroundings))
    gateway.add(Sts(surroundings))
    server = serve(gateway, bound, "gateway under test")
    try:
        yield running
    finally:
        server.stop()
