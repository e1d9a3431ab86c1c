"""The servers of all packages: ports, several engines at once, the end."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from localcloud.providers.server import FACTORIES, serve_providers
from localcloud.server.cloud import Ports
from localcloud.tests.unit.gateway_harness import Served, served
from localcloud.tests.unit.providers.aws.engine import Engine, providers, surroundings


@pytest.fixture(scope="module")
def cloud():
    with served() as running:
        yield running


def serving() -> set[threading.Thread]:
    """The threads that poll for gRPC's servers of this process: one a server that still runs."""
    return {thread for thread in threading.enumerate() if "(_serve)" in thread.name}


def version(port: int) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        return str(stub.GetPluginInfo(empty_pb2.Empty(), timeout=60).version)


def test_every_package_answers_with_the_version_of_its_sdk(cloud: Served, tmp_path: Path) -> None:
    with providers(cloud, str(tmp_path)) as running:
        assert set(running.ports) == set(FACTORIES) == {"aws", "awsx", "docker", "github"}
        for port in running.ports.values():
            assert version(port).count(".") == 2


def test_given_ports_are_taken(cloud: Served, tmp_path: Path) -> None:
    port = Ports(tmp_path).free("aws")
    running = serve_providers({"aws": port}, surroundings(cloud, str(tmp_path)))
    try:
        assert running.ports["aws"] == port
    finally:
        running.stop()


def test_a_port_in_use_is_an_error_and_leaves_nothing(cloud: Served, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = serving()
        with pytest.raises(RuntimeError, match=str(port)):
            serve_providers({"github": port}, surroundings(cloud, str(tmp_path)))
    for thread in serving() - before:
        thread.join(60)
        assert not thread.is_alive()


def test_after_stop_nobody_answers(cloud: Served, tmp_path: Path) -> None:
    with providers(cloud, str(tmp_path)) as running:
        port = running.ports["aws"]
    with pytest.raises(grpc.RpcError):
        version(port)


def test_nothing_listens_beyond_loopback(cloud: Served, tmp_path: Path) -> None:
    hosts = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    with providers(cloud, str(tmp_path)) as running:
        for host in hosts - {"127.0.0.1", "127.0.1.1"}:
            with socket.socket() as probe:
                probe.settimeout(2)
                assert probe.connect_ex((host, running.ports["aws"])) != 0


def test_engines_don_t_see_each_other_s_settings(cloud: Served, tmp_path: Path) -> None:
    token = "aws:sns/topic:Topic"
    with providers(cloud, str(tmp_path)) as running:
        port = running.ports["aws"]
        settings = [
            {"region": region, "defaultTags": {"tags": {"at": region}}}
            for region in ("us-east-1", "eu-central-1", "us-west-2", "eu-west-1")
        ]
        engines = [Engine(port, setting) for setting in settings]
        with ThreadPoolExecutor(16) as pool:
            checked = list(
                pool.map(lambda n: engines[n % 4].check(token, f"t{n}", {})[0], range(64))
            )
        for number, inputs in enumerate(checked):
            wanted = settings[number % 4]["region"]
            assert (inputs["region"], inputs["tagsAll"]) == (wanted, {"at": wanted})
        for engine in engines:
            engine.close()
