"""A gateway for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.tests.unit.iam.running import Aws, running_gateway


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    """A gateway over empty backends, that evaluates every call."""
    with running_gateway(tmp_path) as running:
        yield running
