"""Registers a component's children with the engine that asked for the component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc

from localcloud.providers.handler import UNKNOWN, ProviderError, message, plain
from localcloud.providers.plugin import package_version

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_RESOURCE_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
_LARGEST_MESSAGE = 400 * 1024 * 1024


@dataclass(frozen=True)
class Resource:
    """A registered child.

    Attributes:
        urn: its URN.
        id: the provider's id, unknown while previewed.
        outputs: its outputs as plain values.
    """

    urn: str
    id: str
    outputs: Mapping[str, Any] = field(repr=False)

    def __getitem__(self, name: str) -> Output:
        """One of its outputs, as an input for another resource; unknown while not computed."""
        value = self.id if name == "id" else self.outputs.get(name, UNKNOWN)
        return Output(value, frozenset({self.urn}))

    @property
    def reference(self) -> Output:
        """The resource itself, as an output of the component."""
        identifier = "" if self.id == UNKNOWN else self.id
        value = {_SIGNATURE: _RESOURCE_REFERENCE, "urn": self.urn, "id": identifier}
        return Output(value, frozenset({self.urn}))


@dataclass(frozen=True)
class Output:
    """A value and the resources that it comes from."""

    value: Any
    urns: frozenset[str]


@dataclass(frozen=True)
class Component:
    """A constructed component, as the engine is told of it."""

    urn: str
    state: struct_pb2.Struct
    dependencies: Mapping[str, list[str]]


def resolve(value: Any) -> tuple[Any, frozenset[str]]:
    """A value with every `Output` inside replaced by its value, and where those come from."""
    if isinstance(value, Output):
        return value.value, value.urns
    if isinstance(value, Mapping):
        items = {name: resolve(item) for name, item in value.items()}
        return {name: item for name, (item, _) in items.items()}, _union(items.values())
    if isinstance(value, list):
        resolved = [resolve(item) for item in value]
        return [item for item, _ in resolved], _union(resolved)
    return value, frozenset()


def _union(resolved: Iterable[tuple[Any, frozenset[str]]]) -> frozenset[str]:
    return frozenset().union(*(urns for _, urns in resolved))


class Monitor:
    """The engine's side of one `Construct` call; safe for several threads.

    Args:
        request: the `ConstructRequest`. Its options that reach the children here are `providers`,
            `protect`, `retainOnDelete` and `deletedWith`, as in Pulumi's SDKs.
    """

    def __init__(self, request: Any) -> None:
        limits = [
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
        ]
        self._channel = grpc.insecure_channel(request.monitorEndpoint, options=limits)
        self._stub = resource_pb2_grpc.ResourceMonitorStub(self._channel)
        self._request = request
        self._version = package_version("pulumi_aws")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def component(self) -> str:
        """Register the component itself; its URN."""
        request = self._request
        return str(
            self._call(
                "RegisterResource",
                resource_pb2.RegisterResourceRequest(
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    custom=False,
                    object=struct_pb2.Struct(),
                    dependencies=request.dependencies,
                    aliases=request.aliases,
                    aliasSpecs=True,
                    providers=request.providers,
                    **self._inherited(),
                ),
            ).urn
        )

    def resource(
        self,
        kind: str,
        name: str,
        inputs: Mapping[str, Any],
        parent: str,
        depends_on: Iterable[Resource] = (),
    ) -> Resource:
        """Register a resource of the package `aws` and wait until the provider made it.

        Args:
            kind: its type, such as `aws:ec2/vpc:Vpc`.
            name: its name in the stack.
            inputs: its properties; a None is left out.
            parent: the URN of its parent.
            depends_on: resources that must exist first, besides those that inputs come from.

        Raises:
            ProviderError: the engine refused it; the engine has told the user why.
        """
        values = {key: resolve(value) for key, value in inputs.items() if value is not None}
        sources = _union(values.values()) | {resource.urn for resource in depends_on}
        answer = self._call(
            "RegisterResource",
            resource_pb2.RegisterResourceRequest(
                type=kind,
                name=name,
                parent=parent,
                custom=True,
                object=message({key: value for key, (value, _) in values.items()}),
                dependencies=sorted(sources),
                propertyDependencies={
                    key: resource_pb2.RegisterResourceRequest.PropertyDependencies(
                        urns=sorted(urns)
                    )
                    for key, (_, urns) in values.items()
                },
                provider=self._request.providers.get("aws", ""),
                version=self._version,
                acceptSecrets=True,
                acceptResources=True,
                supportsPartialValues=True,
                aliasSpecs=True,
                **self._inherited(),
            ),
        )
        return Resource(answer.urn, answer.id or UNKNOWN, plain(answer.object))

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a function of the package `aws`."""
        answer = self._call(
            "Invoke",
            resource_pb2.ResourceInvokeRequest(
                tok=token,
                args=message(arguments),
                provider=self._request.providers.get("aws", ""),
                version=self._version,
                acceptResources=True,
            ),
        )
        if answer.failures:
            reasons = "; ".join(failure.reason for failure in answer.failures)
            raise ProviderError(f"{token}: {reasons}")
        return plain(getattr(answer, "return"))

    def outputs(self, urn: str, values: Mapping[str, Any]) -> Component:
        """End the construction: the component's outputs."""
        resolved = {name: resolve(value) for name, value in values.items()}
        state = message({name: value for name, (value, _) in resolved.items()})
        self._call(
            "RegisterResourceOutputs",
            resource_pb2.RegisterResourceOutputsRequest(urn=urn, outputs=state),
        )
        return Component(urn, state, {name: sorted(urns) for name, (_, urns) in resolved.items()})

    def _inherited(self) -> dict[str, Any]:
        request = self._request
        options: dict[str, Any] = {"deletedWith": request.deletedWith}
        for name in ("protect", "retainOnDelete"):
            if request.HasField(name):
                options[name] = getattr(request, name)
        return options

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request)
        except grpc.RpcError as error:
            # The engine has shown the cause beside the resource that failed.
            what = getattr(request, "name", "") or getattr(request, "tok", "") or method
            raise ProviderError(f"{what} could not be made ({error.details()})") from error
