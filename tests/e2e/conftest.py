"""A checkout of its own for every end-to-end module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.checkout import Checkout, copy_tree

LONGEST_FIRST = (
    "test_whole_application.py",
    "test_processes.py",
    "test_previews.py",
    "test_place.py",
    "test_operate_health.py",
    "test_addons.py",
    "test_sidecars.py",
    "test_postgresql.py",
    "test_pipeline_two_writers.py",
    "test_own_repository.py",
    "test_documents_as_they_stand.py",
    "test_main_job.py",
    "test_operate_commands.py",
    "test_everything_on.py",
    "test_operate_starts.py",
    "test_pipeline_commands.py",
    "test_codebuild.py",
    "test_pipeline.py",
    "test_release_command.py",
    "test_promotion.py",
    "test_jobs.py",
    "test_release_command_pipeline.py",
    "test_without_web.py",
    "alarms_test.py",
    "test_interrupted.py",
    "test_build.py",
    "test_aws_provider.py",
    "ecs_deployments_test.py",
    "test_faults.py",
)
"""Files that take two minutes and more: one that began last would leave the other cores idle."""

SETTLING_SECONDS = 2.0
"""In place of 12 s after each rollout, wherever the test is not about that time."""
UNHURRIED = ("test_interrupted.py", "test_operate_commands.py", "test_processes.py")
"""Files that catch a rollout while it goes on, or have two at once. All of the 12 s pass in
localcloud/tests/conformance/ecs_failures_test.py, too: a crash soon after a task was healthy."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; all others keep their order."""
    rank = {name: index for index, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


@pytest.fixture(scope="module")
def settling_seconds(request: pytest.FixtureRequest) -> float | None:
    """How long the file's local cloud looks at a healthy task; None as users have it."""
    return None if request.path.name in UNHURRIED else SETTLING_SECONDS


@pytest.fixture(scope="module")
def checkout(
    tmp_path_factory: pytest.TempPathFactory, settling_seconds: float | None
) -> Iterator[Checkout]:
    """A fresh checkout; afterwards its stack, its local cloud and its containers are gone."""
    copy = copy_tree(tmp_path_factory.mktemp("checkout"), settling_seconds)
    try:
        yield copy
    finally:
        if copy.has_stack("local"):
            copy.run("destroy", "--stack", "local", "--yes")
        stopped = copy.run("local", "stop")
        assert stopped.returncode == 0, stopped.stderr
