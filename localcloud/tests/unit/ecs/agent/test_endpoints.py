"""The endpoints of tasks while other tasks begin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from localcloud.ecs.agent.endpoints import TaskEndpoints


def test_a_task_that_begins_meanwhile_does_not_spoil_the_answer_to_another() -> None:
    tasks: dict[str, Any] = {}

    class Task:
        status = "RUNNING"

        @property
        def secret_token(self) -> str:
            tasks[f"another {len(tasks)}"] = SimpleNamespace(secret_token="x")
            return "theirs"

    tasks |= {"one": Task(), "two": Task()}
    core: Any = SimpleNamespace(state=SimpleNamespace(tasks=tasks))
    nothing: Any = None
    endpoints = TaskEndpoints(core, nothing, nothing)
    status, _ = endpoints._answer(["v4", "nobodys", "app"])
    assert status == "404 Not Found"
