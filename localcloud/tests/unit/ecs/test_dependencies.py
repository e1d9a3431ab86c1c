"""When a container may start after another one."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.ecs.dependencies import Dependency, UnresolvableError

CREATED = {"Status": "created"}
RUNNING = {"Status": "running", "ExitCode": 0}
HEALTHY = {**RUNNING, "Health": {"Status": "healthy"}}
WELL, BADLY = {"Status": "exited", "ExitCode": 0}, {"Status": "exited", "ExitCode": 3}
MET = {
    "START": (RUNNING, HEALTHY, WELL, BADLY),
    "COMPLETE": (WELL, BADLY),
    "SUCCESS": (WELL,),
    "HEALTHY": (HEALTHY,),
}


def dependency(condition: str, state: dict[str, Any], **given: Any) -> Dependency:
    return Dependency("app", "init(image:1)", condition, state, **given)


@pytest.mark.parametrize("state", [{}, CREATED, RUNNING, HEALTHY, WELL], ids=str)
@pytest.mark.parametrize("condition", MET)
def test_each_condition_is_met_by_the_states_that_aws_names(
    condition: str, state: dict[str, Any]
) -> None:
    assert dependency(condition, state).resolved() is (state in MET[condition])


def test_success_is_out_of_reach_after_a_failure() -> None:
    with pytest.raises(UnresolvableError, match=r"Exit: 3\] for target \[app\] as dependency did"):
        dependency("SUCCESS", BADLY).resolved()


def test_a_start_timeout_ends_the_waiting() -> None:
    assert not dependency("HEALTHY", RUNNING, waited=9, limit=10).resolved()
    with pytest.raises(UnresolvableError, match="has timed out"):
        dependency("HEALTHY", RUNNING, waited=10, limit=10).resolved()
    assert dependency("HEALTHY", HEALTHY, waited=10, limit=10).resolved()
