"""The local cloud put together: which services it has, and the order in which they start."""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import random
import signal
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, NoReturn

import boto3
import psutil
from botocore.config import Config
from docker import DockerClient

from localcloud.emulator.emulator import Emulator
from localcloud.emulator.emulator_fixes import amendments
from localcloud.emulator.persistence import Snapshots
from localcloud.emulator.tag_index import LAG_SECONDS, Lag
from localcloud.emulator.tagging import Tagging
from localcloud.gateway.access_keys import Keys
from localcloud.gateway.faults import Faults
from localcloud.gateway.gateway import Gateway
from localcloud.gateway.refusals import refusals
from localcloud.iam import Authorizer
from localcloud.providers.server import RunningProviders, serve_providers
from localcloud.server.docker_network import connect, ensure_network, remove_unused_network
from localcloud.server.process import (
    PROVIDERS,
    REGION,
    Endpoints,
    LocalCloudError,
    announce,
    hold_state,
    instance_of,
    log_file,
    lost_state_file,
    still_held,
)
from localcloud.server.secrets_file import load_secrets
from localcloud.server.serving import Server, listen, serve
from localcloud.shared.service import Credentials, Service, Surroundings
from localcloud.shared.state_file import write_atomically

log = logging.getLogger("localcloud")

FOLDER_CHECK_SECONDS = 2
ACCOUNT = "123456789012"

# The class that makes each service from its surroundings → its module, in the order of starting.
SERVICES: dict[str, str] = {
    "Sts": "localcloud.iam",
    "Iam": "localcloud.iam",
    "Ecr": "localcloud.ecr",
    "Elb": "localcloud.elb",
    "Ecs": "localcloud.ecs",
    "CloudWatch": "localcloud.cloudwatch",
    "Scaling": "localcloud.scaling",
    "StepFunctions": "localcloud.stepfunctions",
    "Scheduler": "localcloud.schedules",
    "CodeBuild": "localcloud.codebuild",
    "CodeConnections": "localcloud.connections",
    "CodeStarConnections": "localcloud.connections",
    "GitHost": "localcloud.githost",
    "CodePipeline": "localcloud.codepipeline",
    "Rds": "localcloud.rds",
}
# Name of a port → the variable by which a user fixes it.
PORT_VARIABLES = {
    "api": "FARGATE_CD_API_PORT",
    "registry": "FARGATE_CD_REGISTRY_PORT",
    "git": "FARGATE_CD_GIT_PORT",
    **{name: f"FARGATE_CD_{name.upper()}_PROVIDER_PORT" for name in PROVIDERS},
}


# Below those that Linux gives to outgoing connections (ip(7)): of these, one that a server left a
# moment ago, or that a stopped local cloud will want again, could be in use by a mere client.
PORTS = range(16384, 32768)
PORT_ATTEMPTS = 5


class Ports:
    """The ports of a state folder: the user's choice, else the last one, else a free one."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / "ports.json"
        self._known: dict[str, int] = (
            json.loads(self._file.read_text()) if self._file.exists() else {}
        )

    def bind(self, name: str, host: str = "127.0.0.1") -> socket.socket:
        """A bound socket for a port's name.

        Raises:
            LocalCloudError: the user fixed a port that is taken.
        """
        chosen = os.environ.get(PORT_VARIABLES[name])
        if chosen:
            try:
                bound = listen(host, int(chosen))
            except (OSError, ValueError, OverflowError) as error:
                raise LocalCloudError(
                    f"{PORT_VARIABLES[name]}={chosen} can't be used on {host}: {error}. "
                    "Choose another port or unset it."
                ) from error
        else:
            bound = self._bind_any(self._known.get(name), host)
        self._known[name] = bound.getsockname()[1]
        return bound

    def _bind_any(self, last: int | None, host: str) -> socket.socket:
        # One that another name has got may not be bound yet.
        drawn = [port for port in random.sample(PORTS, 100) if port not in self._known.values()]
        for port in [last, *drawn] if last else drawn:
            with suppress(OSError):
                return listen(host, port)
        return listen(host, 0)

    def free(self, name: str) -> int:
        """A port that can be bound now, for a server that binds itself."""
        bound = self.bind(name)
        bound.close()
        return self._known[name]

    def forget(self, names: Iterable[str]) -> None:
        """Other ports are drawn for these names next time."""
        for name in names:
            self._known.pop(name, None)

    def save(self) -> None:
        """Remembers the ports for the next start."""
        write_atomically(self._file, json.dumps(self._known).encode())


class Clients:
    """boto3 clients against the gateway, past any proxy.

    The account root's are made once for each service and region. All come of one session, whose
    service models are large and shared.
    """

    def __init__(self, api_url: str, root: Credentials) -> None:
        self._api_url = api_url
        self._root = root
        self._lock = threading.Lock()  # making a client is not thread-safe, using it is
        self._session = boto3.session.Session()
        self._made: dict[tuple[str, str], Any] = {}

    def __call__(
        self, service: str, region: str = REGION, credentials: Credentials | None = None
    ) -> Any:
        """A client of a service.

        Args:
            service: botocore's service name.
            region: the region to call.
            credentials: whose keys to sign with; the account root's by default. Their client is
                the caller's to keep.
        """
        with self._lock:
            if credentials is not None:
                return self._make(service, region, credentials)
            if (service, region) not in self._made:
                self._made[service, region] = self._make(service, region, self._root)
            return self._made[service, region]

    def _make(self, service: str, region: str, keys: Credentials) -> Any:
        return self._session.client(
            service,
            region_name=region,
            endpoint_url=self._api_url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            config=Config(
                proxies={},
                connect_timeout=5,
                read_timeout=120,
                max_pool_connections=32,
                retries={"mode": "standard", "total_max_attempts": 2},
            ),
        )


class Cloud:
    """One local cloud, from its sockets to its services."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._servers: list[Server] = []
        self._services: list[Service] = []
        self._providers: RunningProviders | None = None
        self._docker: DockerClient | None = None
        self._emulator = Emulator()
        self._snapshots = Snapshots(state_dir / "emulator", self._emulator)

    def start(self) -> Endpoints:
        """Starts everything; returns where it answers.

        Raises:
            LocalCloudError: Docker is missing, or a fixed port is taken.
        """
        secrets = load_secrets(self.state_dir)
        self._docker = connect()
        network = ensure_network(self._docker, instance_of(self.state_dir))
        ports = Ports(self.state_dir)
        api = ports.bind("api")
        api_url = f"http://127.0.0.1:{api.getsockname()[1]}"
        registry_port = ports.free("registry")
        git_host_url = f"http://127.0.0.1:{ports.free('git')}/"
        self._restore()
        gateway = self._gateway(secrets.root)
        surroundings = Surroundings(
            state_dir=str(self.state_dir),
            instance=instance_of(self.state_dir),
            account=ACCOUNT,
            region=REGION,
            api_url=api_url,
            registry_host=f"localhost:{registry_port}",
            docker_network=network.name,
            docker_gateway=network.gateway,
            git_host_url=git_host_url,
            shared_dir=str(self.state_dir / "services"),
            client=Clients(api_url, secrets.root),
            authorize=lambda call: gateway.authorize(call),
        )
        self._add_services(gateway, surroundings)
        for extra in (*refusals(surroundings), *amendments(self._emulator)):
            gateway.add(extra)
        self._follow_changes(gateway)
        gateway.authorize = Authorizer(surroundings).authorize
        self._servers.append(serve(gateway, api, "gateway"))
        self._serve_tasks(gateway, network.gateway, api_url)
        for service in self._services:
            service.start()
        providers = self._serve_providers(ports, surroundings)
        ports.save()
        return Endpoints(
            pid=os.getpid(),
            api_url=api_url,
            registry_host=surroundings.registry_host,
            providers=providers,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            created=psutil.Process().create_time(),
            state_dir=str(self.state_dir),
            git_host_url=git_host_url,
        )

    def _restore(self) -> None:
        lost = self._snapshots.restore()
        note = lost_state_file(self.state_dir)
        if lost is not None:
            log.error("%s", lost)
            write_atomically(note, lost.encode())
        else:
            note.unlink(missing_ok=True)
        self._snapshots.start()

    def _gateway(self, root: Credentials) -> Gateway:
        return Gateway(
            account=ACCOUNT,
            region=REGION,
            emulator=self._emulator,
            find_key=Keys(root, ACCOUNT).find,
            faults=Faults(self.state_dir / "faults.json"),
        )

    def _follow_changes(self, gateway: Gateway) -> None:
        """Save what calls change, and list it by its tags."""
        tagging = Tagging(self._emulator, ACCOUNT, self._services, Lag(LAG_SECONDS))
        gateway.add(tagging)

        def changed(service: str, operation: str, region: str) -> None:
            self._snapshots.changed(service, operation)
            tagging.changed(region, operation)

        gateway.changed = changed

    def _add_services(self, gateway: Gateway, surroundings: Surroundings) -> None:
        for name, module in SERVICES.items():
            make = getattr(importlib.import_module(module), name)
            folder = self.state_dir / "services" / name.lower()
            folder.mkdir(parents=True, exist_ok=True)
            service = make(replace(surroundings, state_dir=str(folder)))
            gateway.add(service)
            self._services.append(service)

    def _serve_tasks(self, gateway: Gateway, host: str, api_url: str) -> None:
        """The same APIs on the Docker network, on the same port, for what tasks call."""
        port = int(api_url.rsplit(":", 1)[1])
        try:
            bound = listen(host, port)
        except OSError as error:
            raise LocalCloudError(
                f"Tasks could not reach the local cloud: {host}:{port} can't be bound ({error}); "
                f"set {PORT_VARIABLES['api']} to a free port."
            ) from error
        self._servers.append(serve(gateway, bound, "gateway for tasks"))

    def _serve_providers(self, ports: Ports, surroundings: Surroundings) -> dict[str, int]:
        self._providers = _providers_on_free_ports(ports, surroundings)
        return dict(self._providers.ports)

    def stop(self) -> None:
        """Ends everything, the last started first; state is on disk afterwards."""
        if self._providers is not None:
            self._providers.stop()
        for service in reversed(self._services):
            service.stop()
        for server in reversed(self._servers):
            server.stop()
        self._snapshots.stop()
        if self._docker is not None:
            remove_unused_network(self._docker, instance_of(self.state_dir))


def _providers_on_free_ports(ports: Ports, surroundings: Surroundings) -> RunningProviders:
    for _ in range(PORT_ATTEMPTS):
        try:
            return serve_providers({name: ports.free(name) for name in PROVIDERS}, surroundings)
        except RuntimeError as error:  # another process was quicker to take one of them
            log.warning("other ports for the providers: %s", error)
            ports.forget(PROVIDERS)
    variables = ", ".join(PORT_VARIABLES[name] for name in PROVIDERS)
    raise LocalCloudError(
        f"Pulumi's providers found no free ports on 127.0.0.1 in {PORT_ATTEMPTS} attempts. "
        f"Set {variables} to ports that are free."
    )


def serve_until_told(state_dir: Path) -> None:
    """Serves a state folder until SIGTERM or SIGINT.

    Raises:
        LocalCloudError: it can't start.
    """
    held = hold_state(state_dir)
    _log_to(log_file(state_dir))
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    cloud = Cloud(state_dir)
    try:
        endpoints = cloud.start()
        announce(endpoints)
        gc.freeze()  # a million objects that stay need not be looked through again and again
        gc.enable()
        log.info("serving %s as process %d", endpoints.api_url, endpoints.pid)
        while not told.wait(FOLDER_CHECK_SECONDS):
            if not still_held(held):
                _abandon()
        log.info("stopping")
    finally:
        cloud.stop()
        held.close()


def _abandon() -> NoReturn:
    """Ends without a trace: the state folder was deleted, and may be another process's by now."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        child.terminate()
    psutil.wait_procs(children, timeout=5)
    os._exit(0)


def _log_to(file: Path) -> None:
    handler = RotatingFileHandler(file, maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for chatty in ("botocore", "urllib3", "docker", "werkzeug"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
