"""Finding, starting and stopping the background process, and what goes wrong with it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
import pytest

from localcloud.server import cloud, process
from localcloud.server.cloud import PORT_VARIABLES, Ports
from localcloud.server.process import Endpoints, LocalCloudError


def endpoints_of(pid: int, state_dir: Path) -> Endpoints:
    return Endpoints(
        pid=pid,
        api_url="http://127.0.0.1:1",
        registry_host="localhost:2",
        providers={"docker": 4, "aws": 3},
        started_at="2026-11-23T12:00:00+00:00",
        created=psutil.Process(pid).create_time(),
        state_dir=str(state_dir),
    )


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not the local cloud."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.wait()


@pytest.fixture
def ours() -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks like the local cloud by its command line."""
    child = subprocess.Popen(
        [sys.executable, "-c", "input()", "-m", "localcloud", "serve"], stdin=subprocess.PIPE
    )
    while "localcloud" not in psutil.Process(child.pid).cmdline():
        time.sleep(0.01)
    yield child
    child.kill()
    child.wait()


def test_nothing_runs_in_an_empty_folder(tmp_path: Path) -> None:
    assert process.status(tmp_path) is None
    assert process.stop(tmp_path) is False
    assert process.lost_state(tmp_path) is None


def test_a_running_process_is_found(tmp_path: Path, ours: subprocess.Popen[bytes]) -> None:
    endpoints = endpoints_of(ours.pid, tmp_path)
    process.announce(endpoints)

    assert process.status(tmp_path) == endpoints


def test_a_foreign_process_of_the_same_id_is_neither_found_nor_stopped(
    tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    process.announce(endpoints_of(stranger.pid, tmp_path))

    assert process.status(tmp_path) is None
    assert process.stop(tmp_path) is False
    assert stranger.poll() is None


def test_a_later_process_of_the_same_id_is_not_ours(
    tmp_path: Path, ours: subprocess.Popen[bytes]
) -> None:
    process.announce(replace(endpoints_of(ours.pid, tmp_path), created=1.0))

    assert process.status(tmp_path) is None


def test_a_killed_one_is_recognised(tmp_path: Path, ours: subprocess.Popen[bytes]) -> None:
    process.announce(endpoints_of(ours.pid, tmp_path))
    ours.kill()
    ours.wait()

    assert process.status(tmp_path) is None
    assert process.stop(tmp_path) is False
    assert not process.endpoints_file(tmp_path).exists()


@pytest.mark.parametrize("text", ["", "{", "{}", '{"pid": 1}', "[]"])
def test_a_damaged_file_means_that_nothing_runs(tmp_path: Path, text: str) -> None:
    process.endpoints_file(tmp_path).write_text(text)

    assert process.status(tmp_path) is None


def test_stop_ends_the_process_that_it_found(tmp_path: Path, ours: subprocess.Popen[bytes]) -> None:
    process.announce(endpoints_of(ours.pid, tmp_path))

    assert process.stop(tmp_path) is True
    assert not psutil.pid_exists(ours.pid)
    assert not process.endpoints_file(tmp_path).exists()


def test_two_cannot_hold_one_folder(tmp_path: Path) -> None:
    held = process.hold_state(tmp_path)
    with pytest.raises(LocalCloudError, match="Another local cloud serves"):
        process.hold_state(tmp_path)
    held.close()
    process.hold_state(tmp_path).close()


def test_a_start_without_docker_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    monkeypatch.setattr(process, "START_TIMEOUT_SECONDS", 600)
    began = time.monotonic()

    with pytest.raises(LocalCloudError, match="The Docker engine does not answer; start it with"):
        process.start(tmp_path / "state")
    assert process.status(tmp_path / "state") is None
    assert time.monotonic() - began < 300, "it does not wait for a process that has ended"


def test_a_fixed_port_that_is_taken_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("FARGATE_CD_API_PORT", str(taken.getsockname()[1]))
        with pytest.raises(LocalCloudError, match=r"FARGATE_CD_API_PORT=.* can't be used"):
            Ports(tmp_path).bind("api")
    monkeypatch.setenv("FARGATE_CD_API_PORT", "none")
    with pytest.raises(LocalCloudError, match="FARGATE_CD_API_PORT=none"):
        Ports(tmp_path).bind("api")


def test_ports_are_remembered_and_given_up_when_taken(tmp_path: Path) -> None:
    ports = Ports(tmp_path)
    first = ports.free("registry")
    ports.save()
    assert Ports(tmp_path).free("registry") == first

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert Ports(tmp_path).free("registry") != first


def test_a_port_is_none_that_an_outgoing_connection_could_take_meanwhile(tmp_path: Path) -> None:
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = Ports(tmp_path)
    assert all(ports.free(name) < outgoing for name in PORT_VARIABLES)


def test_the_environment_reaches_the_local_cloud_past_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com,localhost")
    environment = endpoints_of(os.getpid(), tmp_path).environment()

    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["PULUMI_DEBUG_PROVIDERS"] == "aws:3,docker:4"
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/pulumi?metadata=skip"
    assert environment["NO_PROXY"] == "example.com,localhost,127.0.0.1"
    assert (tmp_path / "pulumi").is_dir()
    again = endpoints_of(os.getpid(), tmp_path).environment()
    assert again == environment


def test_the_backend_of_a_folder_with_any_name_is_an_address(tmp_path: Path) -> None:
    folder = tmp_path / "100% mine? #1"
    folder.mkdir()
    address = endpoints_of(os.getpid(), folder).environment()["PULUMI_BACKEND_URL"]
    assert unquote(urlsplit(address).path) == f"{folder}/pulumi"


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    endpoints_of(os.getpid(), tmp_path).environment()

    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_the_state_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARGATE_CD_STATE_DIR", str(tmp_path / "elsewhere"))
    assert process.default_state_dir() == tmp_path / "elsewhere"
    monkeypatch.delenv("FARGATE_CD_STATE_DIR")
    assert process.default_state_dir() == process.CHECKOUT / ".localcloud"


def test_two_folders_have_two_names(tmp_path: Path) -> None:
    assert process.instance_of(tmp_path / "a") != process.instance_of(tmp_path / "b")


def test_endpoints_are_written_whole(tmp_path: Path) -> None:
    endpoints = endpoints_of(os.getpid(), tmp_path)
    process.announce(endpoints)

    assert json.loads(process.endpoints_file(tmp_path).read_text()) == asdict(endpoints)
    assert [file.name for file in tmp_path.iterdir()] == ["endpoints.json"]


def test_no_two_names_get_the_same_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = list(range(17001, 17001 + len(PORT_VARIABLES) + 20))
    monkeypatch.setattr(cloud.random, "sample", lambda _ports, _number: few)
    ports = Ports(tmp_path)
    given = [ports.free(name) for name in PORT_VARIABLES]
    assert len(given) == len(set(given))


def test_a_port_that_is_taken_at_the_last_moment_is_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, int]] = []

    def serve(ports: dict[str, int], _surroundings: object) -> object:
        asked.append(ports)
        if len(asked) == 1:
            raise RuntimeError("Failed to bind to address 127.0.0.1")
        return SimpleNamespace(ports=ports)

    monkeypatch.setattr(cloud, "serve_providers", serve)
    drawn = iter(range(17001, 18000))
    monkeypatch.setattr(cloud.random, "sample", lambda _ports, _number: [next(drawn)])
    here: Any = SimpleNamespace()
    served = cloud.Cloud._serve_providers(here, Ports(tmp_path), here)
    assert served == asked[1]
    assert not set(asked[0].values()) & set(asked[1].values())
