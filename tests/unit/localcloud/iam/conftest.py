"""A gateway with IAM, STS and the emulator behind it, on a free port of loopback; no Docker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.backends import get_backend

from localcloud.emulator import EMULATED, Emulator
from localcloud.gateway import Gateway
from localcloud.iam import Authorizer, Iam, Sts
from localcloud.keys import Keys
from localcloud.service import Surroundings
from localcloud.serving import listen, serve
from tests.unit.localcloud.iam.running import ACCOUNT, REGION, ROOT, Aws


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    """A gateway over empty backends, that evaluates every call."""
    for service in EMULATED.values():
        get_backend(service).reset()  # type: ignore[call-overload]
    gateway = Gateway(ACCOUNT, REGION, Emulator(), Keys(ROOT, ACCOUNT).find)
    bound = listen("127.0.0.1", 0)
    running = Aws(f"http://127.0.0.1:{bound.getsockname()[1]}", gateway, tmp_path)
    surroundings = Surroundings(
        state_dir=str(tmp_path),
        instance="test",
        account=ACCOUNT,
        region=REGION,
        api_url=running.api_url,
        registry_host="",
        docker_network="",
        docker_gateway="",
        client=running.client,
    )
    gateway.authorize = Authorizer(surroundings).authorize
    gateway.add(Iam(surroundings))
    gateway.add(Sts(surroundings))
    server = serve(gateway, bound, "gateway under test")
    yield running
    server.stop()
