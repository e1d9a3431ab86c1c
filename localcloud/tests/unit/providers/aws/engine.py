"""Plays the engine's part of Pulumi's protocol against the real gRPC server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.rpc import status_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localcloud.providers.aws.values import from_struct, to_struct
from localcloud.providers.server import RunningProviders, serve_providers
from localcloud.shared.service import Surroundings
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, Served

Values = dict[str, Any]


def surroundings(cloud: Served, state_dir: str) -> Surroundings:
    """Surroundings with nothing but the gateway."""
    known: dict[tuple[str, str], Any] = {}

    def client(service: str, region: str = REGION, _credentials: Any = None) -> Any:
        if (service, region) not in known:
            known[service, region] = cloud.client(service, region=region)
        return known[service, region]

    return Surroundings(
        state_dir, "test", ACCOUNT, REGION, cloud.url, "localhost:1", "none", "127.0.0.1", client
    )


@contextmanager
def providers(cloud: Served, state_dir: str) -> Iterator[RunningProviders]:
    running = serve_providers({}, surroundings(cloud, state_dir))
    try:
        yield running
    finally:
        running.stop()


class RefusedError(Exception):
    """A verb failed; `partial` is what exists all the same."""

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial


@dataclass
class Held:
    """A resource as the engine's state holds it."""

    token: str
    name: str
    id: str
    inputs: Values
    outputs: Values


@dataclass(frozen=True)
class Changes:
    """What a diff said."""

    changed: bool
    properties: tuple[str, ...]
    replaces: tuple[str, ...]
    detailed: dict[str, str]
    delete_first: bool


@dataclass
class Engine:
    """One connection, configured once."""

    port: int
    settings: Values = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)
        if self.settings is not None:
            self.call("Configure", provider_pb2.ConfigureRequest(args=to_struct(self.settings)))

    def close(self) -> None:
        self.channel.close()

    def call(self, verb: str, request: Any, **options: Any) -> Any:
        try:
            return getattr(self.stub, verb)(request, timeout=60, **options)
        except grpc.RpcError as error:
            raise RefusedError(error.details() or "", _partial(error)) from error

    def check(
        self, token: str, name: str, inputs: Values, old: Values | None = None, **more: Any
    ) -> tuple[Values, dict[str, str]]:
        answer = self.call(
            "Check",
            provider_pb2.CheckRequest(
                urn=_urn(token, name),
                type=token,
                name=name,
                news=to_struct(inputs),
                olds=to_struct(old or {}),
                randomSeed=hashlib.sha256(name.encode()).digest(),
                **more,
            ),
        )
        failures = {failure.property: failure.reason for failure in answer.failures}
        return from_struct(answer.inputs), failures

    def checked(self, token: str, name: str, inputs: Values, old: Values | None = None) -> Values:
        complete, failures = self.check(token, name, inputs, old)
        assert failures == {}
        return complete

    def preview(self, token: str, name: str, inputs: Values) -> Values:
        return self._create(token, name, self.checked(token, name, inputs), preview=True).outputs

    def create(self, token: str, name: str, inputs: Values, timeout: float = 0) -> Held:
        return self._create(token, name, self.checked(token, name, inputs), timeout=timeout)

    def _create(
        self, token: str, name: str, inputs: Values, preview: bool = False, timeout: float = 0
    ) -> Held:
        answer = self.call(
            "Create",
            provider_pb2.CreateRequest(
                urn=_urn(token, name),
                type=token,
                name=name,
                properties=to_struct(inputs),
                preview=preview,
                timeout=timeout,
            ),
        )
        return Held(token, name, answer.id, inputs, from_struct(answer.properties))

    def diff(self, held: Held, inputs: Values, ignored: tuple[str, ...] = ()) -> Changes:
        answer = self.call(
            "Diff",
            provider_pb2.DiffRequest(
                id=held.id,
                urn=_urn(held.token, held.name),
                type=held.token,
                name=held.name,
                olds=to_struct(held.outputs),
                old_inputs=to_struct(held.inputs),
                news=to_struct(self.checked(held.token, held.name, inputs, held.inputs)),
                ignoreChanges=ignored,
            ),
        )
        kinds = provider_pb2.PropertyDiff.Kind
        return Changes(
            answer.changes == answer.DIFF_SOME,
            tuple(answer.diffs),
            tuple(answer.replaces),
            {path: kinds.Name(entry.kind) for path, entry in answer.detailedDiff.items()},
            answer.deleteBeforeReplace,
        )

    def update(self, held: Held, inputs: Values, preview: bool = False) -> Held:
        new = self.checked(held.token, held.name, inputs, held.inputs)
        answer = self.call(
            "Update",
            provider_pb2.UpdateRequest(
                id=held.id,
                urn=_urn(held.token, held.name),
                type=held.token,
                name=held.name,
                olds=to_struct(held.outputs),
                old_inputs=to_struct(held.inputs),
                news=to_struct(new),
                preview=preview,
            ),
        )
        return Held(held.token, held.name, held.id, new, from_struct(answer.properties))

    def read(self, held: Held) -> Held | None:
        answer = self.call(
            "Read",
            provider_pb2.ReadRequest(
                id=held.id,
                urn=_urn(held.token, held.name),
                type=held.token,
                name=held.name,
                properties=to_struct(held.outputs),
                inputs=to_struct(held.inputs),
            ),
        )
        if not answer.id:
            return None
        outputs, inputs = from_struct(answer.properties), from_struct(answer.inputs)
        return Held(held.token, held.name, answer.id, inputs, outputs)

    def imported(self, token: str, identifier: str) -> Held | None:
        return self.read(Held(token, "imported", identifier, {}, {}))

    def delete(self, held: Held) -> None:
        self.call(
            "Delete",
            provider_pb2.DeleteRequest(
                id=held.id,
                urn=_urn(held.token, held.name),
                type=held.token,
                name=held.name,
                properties=to_struct(held.outputs),
                old_inputs=to_struct(held.inputs),
            ),
        )

    def invoke(self, token: str, **arguments: Any) -> Values:
        request = provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments))
        return from_struct(getattr(self.call("Invoke", request), "return"))

    def cancel(self) -> None:
        self.call("Cancel", empty_pb2.Empty())


def _partial(error: Any) -> Any:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            failed = provider_pb2.ErrorResourceInitFailed()
            status_pb2.Status.FromString(value).details[0].Unpack(failed)
            return failed
    return None


def _urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::project::{token}::{name}"
