"""Several processes are one release: when one fails all go back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from automation.aws.ecs import ServiceName
from automation.deployment import processes as module
from automation.deployment.processes import follow, running, together, whole
from automation.deployment.releases import Release
from automation.deployment.verdict import Limits, Result, Verdict
from tests.unit.automation.conftest import Captured

ARN = "arn:aws:ecs:r:1:task-definition/"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class FakeEcs:
    """Two services; what they run and what they were updated to."""

    def __init__(self) -> None:
        self.runs = {"s": f"{ARN}s:2", "s_worker": f"{ARN}s_worker:5"}
        self.updates: list[tuple[str, str]] = []

    def update_service(self, *, cluster: str, service: str, taskDefinition: str) -> None:  # noqa: N803
        assert cluster == "c"
        self.updates.append((service, taskDefinition))


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> FakeEcs:
    found = FakeEcs()
    monkeypatch.setattr(
        module,
        "describe_service",
        lambda _cloud, name: (
            {"taskDefinition": found.runs[name.service]} if name.service in found.runs else None
        ),
    )

    def definition(_cloud: Any, arn: str) -> dict[str, Any]:
        image = {"name": "app", "image": f"app:{arn.rpartition(':')[2]}"}
        status = "INACTIVE" if arn.endswith(":1") else "ACTIVE"
        return {"status": status, "containerDefinitions": [image], "arn": arn}

    monkeypatch.setattr(module, "task_definition", definition)
    monkeypatch.setattr(
        module, "register", lambda _cloud, it: f"{it['arn']}0-{_image(it)}".replace(":10", ":9")
    )
    monkeypatch.setattr(module, "revision_number", lambda _arn: 9)
    return found


def _image(definition: dict[str, Any]) -> str:
    return str(definition["containerDefinitions"][0]["image"])


@pytest.fixture
def session(captured: Captured, ecs: FakeEcs) -> Any:
    names = {"web": ServiceName("c", "s"), "worker": ServiceName("c", "s_worker")}
    return SimpleNamespace(
        screen=captured.screen,
        services=names,
        cloud=SimpleNamespace(client=lambda _: ecs, now=lambda: datetime.now(UTC)),
        pipeline=None,
    )


def verdicts(web: Result, worker: Result, own: bool = True) -> dict[str, Verdict]:
    return {
        process: Verdict(result, f"{process} {result}", own=own, process=process)
        for process, result in (("web", web), ("worker", worker))
    }


BEFORE = {"web": f"{ARN}s:1", "worker": f"{ARN}s_worker:4"}


def ends(monkeypatch: pytest.MonkeyPatch, result: Result) -> None:
    monkeypatch.setattr(module, "await_verdict", lambda *_: Verdict(result, "as it went", own=True))


def test_what_was_released_beside_a_failure_goes_back(
    session: Any, ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "succeeded")
    found = together(session, verdicts("succeeded", "rolled_back"), BEFORE, Limits())
    (update,) = ecs.updates
    assert update[0] == "s"
    assert update[1] != BEFORE["web"]  # it was deregistered, so it is registered anew
    assert {process: each.result for process, each in found.items()} == {
        "web": "rolled_back",
        "worker": "rolled_back",
    }
    verdict = whole(found)
    assert (verdict.result, verdict.process) == ("rolled_back", "worker")


def test_a_process_goes_back_when_the_web_process_fails(
    session: Any, ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, "succeeded")
    together(session, verdicts("rolled_back", "succeeded"), BEFORE, Limits())
    assert ecs.updates == [("s_worker", BEFORE["worker"])]


def test_a_way_back_that_fails_is_a_failure(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, "failed")
    found = together(session, verdicts("succeeded", "rolled_back"), BEFORE, Limits())
    assert whole(found).result == "failed"


@pytest.mark.parametrize(
    ("found", "before"),
    [
        (verdicts("succeeded", "succeeded"), BEFORE),
        (verdicts("succeeded", "rolled_back", own=False), BEFORE),
        (verdicts("succeeded", "failed"), {}),
    ],
    ids=["all is well", "nothing of it was released now", "nothing ran before"],
)
def test_nothing_else_goes_back(
    session: Any, ecs: FakeEcs, found: dict[str, Verdict], before: dict[str, str]
) -> None:
    assert together(session, found, before, Limits()) == found
    assert ecs.updates == []


def test_all_well_is_the_web_processs_success() -> None:
    assert whole(verdicts("succeeded", "succeeded")).process == "web"


def test_a_process_that_failed_without_a_release_before_fails_the_whole() -> None:
    assert whole(verdicts("rolled_back", "failed")).result == "failed"


def test_what_runs_is_only_asked_for_with_several_processes(session: Any, ecs: FakeEcs) -> None:
    assert running(session) == {"web": ecs.runs["s"], "worker": ecs.runs["s_worker"]}
    del ecs.runs["s_worker"]
    assert running(session) == {"web": ecs.runs["s"]}
    del session.services["worker"]
    assert running(session) == {}


def release(number: int, image: str, when: datetime) -> Release:
    return Release(number, image, None, when, "superseded", f"{ARN}s_worker:{number}")


def test_a_rollback_takes_the_processs_release_of_the_same_image_and_time(
    session: Any, ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        release(5, "app:5", NOW),
        release(4, "app:old", NOW - timedelta(hours=1)),
        release(3, "app:old", NOW - timedelta(days=9)),
    ]
    monkeypatch.setattr(module, "releases", lambda *_: rows)
    follow(session, "worker", release(7, "app:old", NOW - timedelta(minutes=59)))
    assert ecs.updates == [("s_worker", f"{ARN}s_worker:4")]


def test_a_rollback_takes_what_the_process_ran_with_the_release(session: Any, ecs: FakeEcs) -> None:
    whole_release = replace(release(7, "app:5", NOW), processes={"worker": f"{ARN}s_worker:3"})
    follow(session, "worker", whole_release)
    assert ecs.updates == [("s_worker", f"{ARN}s_worker:3")]


def test_with_a_pipeline_its_image_goes_back_and_its_settings_stay(
    session: Any, ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.pipeline = "p"
    monkeypatch.setattr(module, "releases", lambda *_: [])
    follow(session, "worker", release(7, "app:old", NOW))
    ((service, definition),) = ecs.updates
    assert (service, definition) == ("s_worker", f"{ARN}s_worker:50-app:old")
    ecs.updates.clear()
    follow(session, "worker", release(7, "app:5", NOW))
    assert ecs.updates == []
