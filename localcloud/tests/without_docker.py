"""The local cloud's APIs and providers in this process: all but what needs Docker or HAProxy.

Services answer as always; only their background work (tasks, health checks, builds) is not begun,
so nothing changes by itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from moto.moto_api._internal import moto_api_backend

from localcloud.elb import Elb
from localcloud.elb.dataplane import DataPlane
from localcloud.emulator.emulator_fixes import amendments
from localcloud.emulator.tagging import Tagging
from localcloud.gateway.refusals import refusals
from localcloud.providers.server import RunningProviders, serve_providers
from localcloud.server.cloud import SERVICES, Ports
from localcloud.shared.service import Service, Surroundings
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, Served, served


@dataclass(frozen=True)
class WholeCloud:
    """The APIs, the providers, and where the Git host answers."""

    served: Served
    providers: RunningProviders
    git_host_url: str

    def client(self, service: str) -> Any:
        """A boto3 client of the account's root."""
        return self.served.client(service)


@contextmanager
def whole_cloud(folder: Path) -> Iterator[WholeCloud]:
    """Serves everything until the block ends; state is kept below the folder."""
    moto_api_backend.reset()  # the emulator's state is the process's
    with pytest.MonkeyPatch.context() as patch, served() as running:
        patch.setattr(DataPlane, "_serve", lambda _plane: None)
        patch.setattr(Elb, "_check_port", lambda *_: None)
        around = _surroundings(running, folder)
        services = {name: _made(name, module, around) for name, module in SERVICES.items()}
        for service in (
            *services.values(),
            *refusals(around),
            *amendments(running.gateway.emulator),
            Tagging(running.gateway.emulator, ACCOUNT, list(services.values())),
        ):
            running.gateway.add(service)
        services["GitHost"].start()
        providers = serve_providers({}, around)
        try:
            yield WholeCloud(running, providers, around.git_host_url)
        finally:
            providers.stop()
            services["GitHost"].stop()


def _surroundings(running: Served, folder: Path) -> Surroundings:
    git_port = Ports(folder).free("git")
    known: dict[tuple[str, str], Any] = {}

    def client(service: str, region: str = REGION, _credentials: Any = None) -> Any:
        if (service, region) not in known:
            known[service, region] = running.client(service, region=region)
        return known[service, region]

    return Surroundings(
        str(folder),
        "test",
        ACCOUNT,
        REGION,
        running.url,
        "localhost:1",
        "none",
        "127.0.0.1",
        git_host_url=f"http://127.0.0.1:{git_port}/",
        client=client,
    )


def _made(name: str, module: str, around: Surroundings) -> Service:
    folder = Path(around.state_dir) / name.lower()
    folder.mkdir(parents=True)
    made: Service = getattr(importlib.import_module(module), name)(
        replace(around, state_dir=str(folder))
    )
    return made
