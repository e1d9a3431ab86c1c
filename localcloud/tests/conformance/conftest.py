"""The stages of the conformance tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.tests.conformance import ecs_stage, table


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ecs_stage.Stage]:
    """One local cloud for all rows of a module."""
    with ecs_stage.stage(tmp_path_factory.mktemp("ecs") / ".localcloud") as made:
        yield made


@pytest.fixture(scope="module")
def played(cloud: ecs_stage.Stage, request: pytest.FixtureRequest) -> Iterator[table.Played]:
    """The module's rows on its local cloud."""
    made = table.Played(cloud, table.chosen(request))
    yield made
    made.close()
