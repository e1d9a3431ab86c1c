"""What the providers of this local cloud that aren't a table of AWS operations have in common.

One server stands in for a plugin that the engine would otherwise start once per configured
provider. The engine opens a connection per configured provider, so configuration is kept by
connection, and two stacks with different settings don't see each other's.

The protocol: https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

# The methods' names and arguments are the protocol's.
# ruff: noqa: N802, ARG002

from __future__ import annotations

import functools
import importlib.metadata
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import (
    ResourceProviderServicer,
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
)
from pulumi.runtime.rpc import UNKNOWN as UNKNOWN

_REMEMBERED_CONNECTIONS = 512
_HOUSEKEEPING = frozenset({"version", "pluginDownloadURL", "__internal"})


class ProviderError(Exception):
    """What a resource can't do, in one sentence; the engine shows it beside the resource."""


@dataclass(frozen=True)
class Failure:
    """A property that `check` refuses, and why."""

    property: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """What a change of inputs means.

    Attributes:
        changed: the names of the inputs that changed.
        replaces: those of them that need a new resource.
    """

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a handler may know of the call.

    Attributes:
        urn: the resource's URN.
        configuration: the provider's own settings, as `configure` left them.
        log: shows a line of progress beside the resource.
        cancelled: is set when the engine wants the work given up.
    """

    urn: str
    configuration: Mapping[str, Any] = field(repr=False)
    log: Callable[[str], None] = field(repr=False)
    cancelled: threading.Event = field(repr=False, default_factory=threading.Event)


@dataclass
class Connection:
    """One engine's connection, which is one configured provider of one run.

    Attributes:
        engine: the address of the engine's own server.
        configuration: the provider's settings; None before it is configured.
        cancelled: is set when the engine gives its work up.
    """

    engine: str = ""
    configuration: dict[str, Any] | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


class Handler(Protocol):
    """One resource type. Properties are plain values by Pulumi's names, or `UNKNOWN`."""

    def check(
        self, context: Context, old: dict[str, Any], new: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Failure]]:
        """Complete the new inputs, and name what is wrong with them; `old` is empty at first."""
        ...

    def diff(self, old: dict[str, Any], new: dict[str, Any]) -> Difference:
        """Compare two sets of checked inputs."""
        ...

    def create(
        self, context: Context, inputs: dict[str, Any], preview: bool
    ) -> tuple[str, dict[str, Any]]:
        """Make the resource: its id and outputs. A preview makes nothing; its id is empty."""
        ...

    def read(
        self, context: Context, identifier: str, outputs: dict[str, Any], inputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Its outputs and inputs as they are now; None when it is gone."""
        ...

    def update(
        self,
        context: Context,
        identifier: str,
        outputs: dict[str, Any],
        inputs: dict[str, Any],
        preview: bool,
    ) -> dict[str, Any]:
        """Bring it in line with the inputs; the new outputs."""
        ...

    def delete(self, context: Context, identifier: str, outputs: dict[str, Any]) -> None:
        """Remove it; an absent one is removed already."""
        ...


def plain(values: struct_pb2.Struct) -> dict[str, Any]:
    """A message's properties as plain values; whole numbers as `int`."""
    return {name: _whole(value) for name, value in json_format.MessageToDict(values).items()}


def message(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Plain values as a message's properties; a None is left out."""
    return json_format.ParseDict(
        {name: value for name, value in values.items() if value is not None}, struct_pb2.Struct()
    )


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def unknown(names: Iterable[str], allowed: Iterable[str], what: str) -> list[Failure]:
    """A failure for every name that is not allowed."""
    known = sorted(allowed)
    return [
        Failure(name, f"{what} has no property {name!r} here; it has {', '.join(known) or 'none'}")
        for name in sorted(set(names) - set(known) - _HOUSEKEEPING)
    ]


def package_version(distribution: str) -> str:
    """The version of a package's SDK, which the engine uses to tell default providers apart."""
    return importlib.metadata.version(distribution)


def answers_errors(method: Callable[..., Any]) -> Callable[..., Any]:
    """A `ProviderError` of a call reaches the engine as a sentence rather than a traceback."""

    @functools.wraps(method)
    def answered(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except ProviderError as error:
            return context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return answered


class Plugin(ResourceProviderServicer):
    """A package: its configuration and its resource types.

    Args:
        package: its name, such as `docker`.
        distribution: the Python package of its SDK, whose version it takes.
        settings: the names of the settings that its provider accepts.
        handlers: resource type token → handler.

    Attributes:
        constructs: whether it makes components; those must take secrets and resources as they are.
            For others the engine takes secrets out and marks the outputs that come of them.
    """

    constructs = False

    def __init__(
        self,
        package: str,
        distribution: str,
        settings: Iterable[str] = (),
        handlers: Mapping[str, Handler] | None = None,
    ) -> None:
        self.package = package
        self.version = package_version(distribution)
        self._settings = frozenset(settings)
        self._handlers = dict(handlers or {})
        self._connections: OrderedDict[str, Connection] = OrderedDict()
        self._lock = threading.Lock()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self.version)

    def Handshake(self, request: Any, context: Any) -> Any:
        self._connection(context).engine = request.engine_address
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=self.constructs, accept_resources=self.constructs
        )

    def Attach(self, request: Any, context: Any) -> Any:
        self._connection(context).engine = request.address
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        names = plain(request.news)
        failures = unknown(names, self._settings, f"the provider {self.package!r}")
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def DiffConfig(self, request: Any, context: Any) -> Any:
        changed = changed_names(plain(request.old_inputs), plain(request.news))
        return _difference(Difference(changed=changed))

    def Configure(self, request: Any, context: Any) -> Any:
        self._connection(context).configuration = plain(request.args)
        return provider_pb2.ConfigureResponse(
            supportsPreview=True, acceptSecrets=self.constructs, acceptResources=self.constructs
        )

    def Cancel(self, request: Any, context: Any) -> Any:
        with self._lock:
            connection = self._connections.get(context.peer())
        if connection is not None:
            connection.cancelled.set()
        return empty_pb2.Empty()

    @answers_errors
    def Check(self, request: Any, context: Any) -> Any:
        with self._call(request, context) as (handler, call):
            inputs, failures = handler.check(call, plain(request.olds), plain(request.news))
        return provider_pb2.CheckResponse(inputs=message(inputs), failures=_failures(failures))

    @answers_errors
    def Diff(self, request: Any, context: Any) -> Any:
        ignored = {path.split(".")[0].split("[")[0] for path in request.ignoreChanges}
        old, new = plain(request.old_inputs), plain(request.news)
        kept = {name: old[name] for name in ignored if name in old}
        new = {name: value for name, value in new.items() if name not in ignored} | kept
        return _difference(self._handler(request).diff(old, new))

    @answers_errors
    def Create(self, request: Any, context: Any) -> Any:
        with self._call(request, context) as (handler, call):
            identifier, outputs = handler.create(call, plain(request.properties), request.preview)
        return provider_pb2.CreateResponse(id=identifier, properties=message(outputs))

    @answers_errors
    def Read(self, request: Any, context: Any) -> Any:
        outputs, inputs = plain(request.properties), plain(request.inputs)
        with self._call(request, context) as (handler, call):
            found = handler.read(call, request.id, outputs, inputs)
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, properties=message(found[0]), inputs=message(found[1])
        )

    @answers_errors
    def Update(self, request: Any, context: Any) -> Any:
        old, new = plain(request.olds), plain(request.news)
        with self._call(request, context) as (handler, call):
            outputs = handler.update(call, request.id, old, new, request.preview)
        return provider_pb2.UpdateResponse(properties=message(outputs))

    @answers_errors
    def Delete(self, request: Any, context: Any) -> Any:
        with self._call(request, context) as (handler, call):
            handler.delete(call, request.id, plain(request.properties))
        return empty_pb2.Empty()

    def _handler(self, request: Any) -> Handler:
        token = request.type or request.urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in self._handlers:
            known = ", ".join(sorted(self._handlers)) or "none"
            raise ProviderError(f"the local cloud has no resource type {token}; it has {known}")
        return self._handlers[token]

    @contextmanager
    def _call(
        self, request: Any, context: grpc.ServicerContext
    ) -> Iterator[tuple[Handler, Context]]:
        with self._lock:
            connection = self._connections.get(context.peer())
        if connection is None or connection.configuration is None:
            raise ProviderError(
                f"the provider {self.package!r} was not configured on this connection; run again"
            )
        with EngineLog(connection.engine, request.urn) as log:
            call = Context(request.urn, connection.configuration, log, connection.cancelled)
            yield self._handler(request), call

    def _connection(self, context: grpc.ServicerContext) -> Connection:
        """What is known of the engine at the other end; the oldest are forgotten."""
        with self._lock:
            connection = self._connections.setdefault(context.peer(), Connection())
            self._connections.move_to_end(context.peer())
            while len(self._connections) > _REMEMBERED_CONNECTIONS:
                self._connections.popitem(last=False)
            return connection


class EngineLog:
    """Shows lines beside a resource while the engine works on it.

    Args:
        address: the engine's own server; without one nothing is shown.
        urn: the resource.
    """

    def __init__(self, address: str, urn: str) -> None:
        self._address = address
        self._urn = urn
        self._channel: grpc.Channel | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._channel is not None:
            self._channel.close()

    def __call__(self, line: str) -> None:
        """Show a line as the resource's present status."""
        if not self._address or not line.strip():
            return
        if self._channel is None:
            self._channel = grpc.insecure_channel(self._address)
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.Value("INFO"),
            message=line,
            urn=self._urn,
            ephemeral=True,
        )
        try:
            engine_pb2_grpc.EngineStub(self._channel).Log(request, timeout=5)
        except grpc.RpcError:
            # An engine that has gone away needs no progress, and the work is finished all the same.
            self._address = ""


def _failures(failures: Iterable[Failure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=f.property, reason=f.reason) for f in failures]


def changed_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The names whose values differ; housekeeping of the engine's does not count."""
    names = (set(old) | set(new)) - _HOUSEKEEPING
    return tuple(sorted(name for name in names if old.get(name) != new.get(name)))


def _difference(difference: Difference) -> Any:
    changes = provider_pb2.DiffResponse.DiffChanges
    return provider_pb2.DiffResponse(
        changes=changes.Value("DIFF_SOME" if difference.changed else "DIFF_NONE"),
        diffs=difference.changed,
        replaces=difference.replaces,
        detailedDiff={
            name: provider_pb2.PropertyDiff(
                kind=provider_pb2.PropertyDiff.Kind.Value(
                    "UPDATE_REPLACE" if name in difference.replaces else "UPDATE"
                ),
                inputDiff=True,
            )
            for name in difference.changed
        },
        hasDetailedDiff=True,
    )
