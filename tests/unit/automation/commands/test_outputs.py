"""Which image `outputs` and the report tell: the one that runs now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from automation.aws.ecs import ServiceName
from automation.commands import outputs as module
from automation.commands.outputs import outputs
from automation.stack.state_file import OutputValue
from infra.names import INTERNAL_OUTPUTS
from tests.unit.automation.conftest import Captured

OF_THE_LAST_UP, RELEASED = "r/app@sha256:1", "r/app@sha256:2"


class ECS:
    """A service that runs what a pipeline has released."""

    def __init__(self) -> None:
        self.asked = 0
        self.services = [{"status": "ACTIVE", "taskDefinition": "app:7"}]

    def client(self, _service: str) -> ECS:
        self.asked += 1
        return self

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": self.services}

    def describe_task_definition(self, **asked: Any) -> dict[str, Any]:
        assert asked["taskDefinition"] == "app:7"
        containers = [{"name": "otel", "image": "otel:1"}, {"name": "app", "image": RELEASED}]
        return {"taskDefinition": {"containerDefinitions": containers}}


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> ECS:
    cloud = ECS()
    known = {"image_uri": OF_THE_LAST_UP, "service_url": "http://a"}
    session = SimpleNamespace(
        cloud=cloud,
        service=ServiceName("c", "s"),
        outputs=lambda: {
            "password": OutputValue("hunter2", True),
            **{name: OutputValue("only for the next update", False) for name in INTERNAL_OUTPUTS},
            **{name: OutputValue(value, False) for name, value in known.items()},
        },
    )

    @contextmanager
    def opened(*_: Any) -> Iterator[Any]:
        yield session

    monkeypatch.setattr(module, "opened", opened)
    return cloud


@pytest.mark.usefixtures("ecs")
def test_the_image_is_the_one_that_runs_now(captured: Captured) -> None:
    assert outputs("dev", captured.screen, "image_uri") == 0
    assert captured.out.getvalue().strip() == RELEASED


@pytest.mark.usefixtures("ecs")
def test_the_list_has_it_too_but_no_secret_and_nothing_of_the_programs_own(
    captured: Captured,
) -> None:
    assert outputs("dev", captured.screen) == 0
    assert captured.out.getvalue().splitlines() == [
        f"image_uri: {RELEASED}",
        "password: [secret]",
        "service_url: http://a",
    ]


def test_without_a_service_it_is_that_of_the_state(captured: Captured, ecs: ECS) -> None:
    ecs.services = []
    assert outputs("dev", captured.screen, "image_uri") == 0
    assert captured.out.getvalue().strip() == OF_THE_LAST_UP


def test_for_another_output_nobody_is_asked(captured: Captured, ecs: ECS) -> None:
    assert outputs("dev", captured.screen, "service_url") == 0
    assert (captured.out.getvalue().strip(), ecs.asked) == ("http://a", 0)
