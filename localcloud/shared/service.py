"""What an AWS service of the local cloud is.

A service answers operations itself (`handlers`), or lets the emulator answer and adds what the
emulator lacks: refusals ahead of it (`before`), reactions to its success (`after`). What a
service neither answers nor lets through is refused in words by the gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.shared.pushes import Pushes


class ServiceError(Exception):
    """An AWS error: what the gateway answers in the service's own protocol.

    Args:
        code: the service's error code, such as `ClusterNotFoundException`.
        message: a sentence in the service's own words.
        status: the HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Call:
    """One request to a service, parsed by botocore's model.

    Attributes:
        service: botocore's service name, such as `elbv2`.
        operation: the operation's name, such as `CreateService`.
        input: the parameters by the names of the model, already checked against its constraints.
        region: the region of the signature.
        account: the twelve digits of the account.
        principal: the caller's ARN; the account's root for the local cloud's own user.
        access_key_id: the key that signed, by which a session's own policies are found.
        source_ip: the caller's address.
    """

    service: str
    operation: str
    input: dict[str, Any]
    region: str
    account: str
    principal: str
    access_key_id: str = ""
    source_ip: str = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


Handler = Callable[[Call], Mapping[str, Any]]
"""Answers a call with the members of the operation's output shape."""


class Service:
    """One AWS service of the local cloud.

    Attributes:
        name: botocore's service name, such as `ecs`.
        handlers: operation → the function that answers it.
        before: operation, or `*` for each → a check ahead of the handler or the emulator; it
            raises `ServiceError` to refuse.
        after: operation → a reaction to the emulator's success, with its parsed answer.
        emulated: whether operations without a handler go to the emulator.
        pages: path prefix → WSGI application, for what is not an AWS API: webhooks, status pages.
    """

    name: str
    emulated: bool = False

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.before: dict[str, Callable[[Call], None]] = {}
        self.after: dict[str, Callable[[Call, Mapping[str, Any]], None]] = {}
        self.pages: dict[str, Callable[[dict[str, Any], Any], Iterable[bytes]]] = {}

    def tagged_resources(self, region: str) -> Mapping[str, Mapping[str, str]]:
        """What the tagging API lists of this service beyond the emulator's: ARN → tags."""
        del region
        return {}

    def start(self) -> None:
        """Begin background work, with what an earlier process left restored from disk."""

    def stop(self) -> None:
        """End background work; state is on disk already."""


@dataclass(frozen=True)
class Credentials:
    """Keys that a client signs with; the local cloud's own user by default."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


def allow(call: Call) -> None:
    """Allows every call: the hook before the IAM service puts its own in."""
    del call


@dataclass
class Surroundings:
    """What a service may use of the local cloud around it.

    Attributes:
        state_dir: a folder of the service's own that outlives the process.
        instance: a short name, different for every checkout, for containers and networks.
        account: the twelve digits of the account.
        region: the default region.
        api_url: the gateway's address, as this machine sees it.
        registry_host: `localhost:PORT` of the image registry.
        git_host_url: the address of the Git host, ending in a slash.
        docker_network: the Docker network that tasks are attached to.
        docker_gateway: this machine's address on that network, for what tasks must reach.
        client: makes a boto3 client of a service against the gateway.
        authorize: raises `ServiceError("AccessDenied", …)` for a call that policies don't allow,
            where a service takes calls past the gateway, as the registry does.
        shared_dir: a folder that all services share, which outlives the process, too.
        pushes: what the Git host tells of, and CodePipeline listens to.
    """

    state_dir: str
    instance: str
    account: str
    region: str
    api_url: str
    registry_host: str
    docker_network: str
    docker_gateway: str
    git_host_url: str = field(kw_only=True, default="http://127.0.0.1:0/")
    client: Callable[..., Any] = field(repr=False)
    authorize: Callable[[Call], None] = field(default=allow, repr=False)
    shared_dir: str = field(kw_only=True, default="")
    pushes: Pushes = field(default_factory=Pushes, repr=False)
