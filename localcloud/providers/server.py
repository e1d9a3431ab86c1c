"""Serves the resource providers of the local cloud to Pulumi engines that attach to them.

An engine with `PULUMI_DEBUG_PROVIDERS=aws:PORT,...` starts no plugin for those packages but talks
to the given ports: https://www.pulumi.com/docs/iac/build-with-pulumi/debugging-provider-packages/
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
from pulumi.runtime.proto import ResourceProviderServicer, provider_pb2_grpc

from localcloud.shared.service import Surroundings

Factory = Callable[[Surroundings], ResourceProviderServicer]

# A provider's threads wait most of the time: an update may hold one for each resource, for as long
# as its cloud takes.
THREADS = 96
# Task definitions and policies come as texts, and a state may hold hundreds of kilobytes of them.
LARGEST_MESSAGE_BYTES = 400 * 1024 * 1024
STOP_SECONDS = 5.0


def _from_module(name: str) -> Factory:
    """The `servicer` of a module, imported when it is first needed."""

    def make(surroundings: Surroundings) -> ResourceProviderServicer:
        servicer: Factory = importlib.import_module(name).servicer
        return servicer(surroundings)

    return make


FACTORIES: dict[str, Factory] = {
    package: _from_module(f"localcloud.providers.{package}")
    for package in ("aws", "awsx", "docker", "github")
}


@dataclass
class RunningProviders:
    """The servers of all packages.

    Attributes:
        ports: package → port on the loopback address.
    """

    ports: dict[str, int]
    _servers: list[grpc.Server] = field(repr=False)

    def stop(self) -> None:
        """End them, and wait for what is under way no longer than some seconds."""
        for event in [server.stop(STOP_SECONDS) for server in self._servers]:
            event.wait(STOP_SECONDS)


def serve_providers(ports: dict[str, int], surroundings: Surroundings) -> RunningProviders:
    """Serve every package on the loopback address.

    Args:
        ports: package → port; 0, or no entry, takes a free one.
        surroundings: the local cloud that the providers work on.

    Raises:
        RuntimeError: a port is taken; what had started before is stopped.
    """
    running = RunningProviders({}, [])
    try:
        for package, make in FACTORIES.items():
            port = _serve(make(surroundings), ports.get(package, 0), running)
            running.ports[package] = port
    except Exception:
        running.stop()
        raise
    return running


def _serve(servicer: ResourceProviderServicer, port: int, running: RunningProviders) -> int:
    server = grpc.server(
        ThreadPoolExecutor(THREADS, thread_name_prefix="provider"),
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE_BYTES),
            ("grpc.max_send_message_length", LARGEST_MESSAGE_BYTES),
            # Two processes on one port would answer in turns.
            ("grpc.so_reuseport", 0),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    running._servers.append(server)
    return int(bound)
