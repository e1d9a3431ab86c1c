"""One emulated cloud and one provider server for each module; every test has its own names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.emulator import emulator
from localcloud.emulator.emulator_fixes import LogsAmendments, Wafv2Amendments
from localcloud.providers.server import RunningProviders
from localcloud.tests.unit.gateway_harness import Served, served
from localcloud.tests.unit.providers.aws.engine import Engine, providers


@pytest.fixture(scope="module")
def cloud() -> Iterator[Served]:
    """moto behind the gateway, with its own ECS and ECR, since ours need Docker.

    Of what the local cloud adds to moto it has what rows call that moto lacks.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(emulator.EMULATED, "ecs", "ecs")
        patch.setitem(emulator.EMULATED, "ecr", "ecr")
        with served() as running:
            running.gateway.add(LogsAmendments(running.gateway.emulator))
            running.gateway.add(Wafv2Amendments())
            yield running


@pytest.fixture(scope="module")
def running(cloud: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProviders]:
    with providers(cloud, str(tmp_path_factory.mktemp("state"))) as servers:
        yield servers


@pytest.fixture
def engine(running: RunningProviders) -> Iterator[Engine]:
    made = Engine(running.ports["aws"])
    yield made
    made.close()
