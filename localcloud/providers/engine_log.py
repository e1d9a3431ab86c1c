"""Lines of progress, shown by the engine beside a resource."""

from __future__ import annotations

from typing import Self

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


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
