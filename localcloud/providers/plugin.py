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
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    ResourceProviderServicer,
    plugin_pb2,
    provider_pb2,
)

from localcloud.providers.engine_log import EngineLog
from localcloud.providers.handler import (
    Context,
    Difference,
    Failure,
    Handler,
    ProviderError,
    changed_names,
    message,
    plain,
    revealed,
    unknown,
)

_REMEMBERED_CONNECTIONS = 512


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
        self._connection(context).configuration = revealed(plain(request.args))
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


def _failures(failures: Iterable[Failure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=f.property, reason=f.reason) for f in failures]


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
