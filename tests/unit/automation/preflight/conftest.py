"""The stage of the checks before an update."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation.aws.clients import Cloud
from tests.unit.automation.conftest import Captured
from tests.unit.automation.preflight.stage import Stage


@pytest.fixture
def stage(captured: Captured, cloud: Cloud, tmp_path: Path) -> Stage:
    return Stage(captured, cloud, tmp_path)
