"""A release is what all processes ran together: one row, whichever of them it changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from automation.aws.ecs import ServiceName
from automation.deployment import releases as of_one
from automation.deployment.releases import Release, current, earlier
from automation.deployment.stack_releases import parts, stack_releases

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SERVICES = {"web": "shop", "worker": "shop_worker"}
GOOD, BAD, ON = "SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "IN_PROGRESS"


def arn(service: str, revision: int) -> str:
    return f"arn:aws:ecs:us-east-1:1:task-definition/{service}:{revision}"


class FakeEcs:
    """Deployments (process, revision, status, minute of its beginning and end), oldest first."""

    def __init__(self, *rows: tuple[str, int, str, float, float | None]) -> None:
        self.rows = rows
        self.running = {
            SERVICES[process]: revision for process, revision, status, *_ in rows if status != BAD
        }

    def client(self, _service: str) -> FakeEcs:
        return self

    def pages(self, _service: str, operation: str, *_: str, **given: Any) -> list[Any]:
        if operation != "list_service_deployments":
            return []
        return [
            {
                "targetServiceRevisionArn": arn(SERVICES[process], revision),
                "status": status,
                "createdAt": NOW + timedelta(minutes=begun),
                **({} if end is None else {"finishedAt": NOW + timedelta(minutes=end)}),
            }
            for process, revision, status, begun, end in self.rows
            if SERVICES[process] == given["service"]
        ]

    def describe_services(self, *, services: list[str], **_: Any) -> dict[str, Any]:
        found = [name for name in services if name in self.running]
        return {
            "services": [
                {"status": "ACTIVE", "taskDefinition": arn(name, self.running[name])}
                for name in found
            ]
        }

    def describe_service_revisions(self, serviceRevisionArns: list[str]) -> dict[str, Any]:  # noqa: N803
        return {
            "serviceRevisions": [
                {
                    "serviceRevisionArn": each,
                    "taskDefinition": each,
                    "containerImages": [
                        {"containerName": "app", "image": f"image{each.rpartition(':')[2]}"}
                    ],
                }
                for each in serviceRevisionArns
            ]
        }


@pytest.fixture(autouse=True)
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_one, "commit_of", lambda *_: None)


def read(ecs: FakeEcs, processes: tuple[str, ...] = ("web", "worker")) -> list[Release]:
    names = {process: ServiceName("c", SERVICES[process]) for process in processes}
    session: Any = SimpleNamespace(cloud=ecs, services=names, service=names[processes[0]])
    return stack_releases(session)


def told(found: list[Release]) -> list[tuple[int, dict[str, int], str]]:
    """The number, the revision of each process and the state of every release."""
    return [
        (
            each.number,
            {process: int(ran.rpartition(":")[2]) for process, ran in each.processes.items()},
            each.state,
        )
        for each in found
    ]


FIRST = (("web", 1, GOOD, 0, 2), ("worker", 1, GOOD, 0.1, 0.2))


def test_what_all_processes_were_given_together_is_one_release() -> None:
    found = read(FakeEcs(*FIRST, ("worker", 2, GOOD, 9, 9.1), ("web", 2, GOOD, 9.4, 11)))
    assert told(found) == [
        (2, {"web": 2, "worker": 2}, "current"),
        (1, {"web": 1, "worker": 1}, "superseded"),
    ]
    assert found[0].when == NOW + timedelta(minutes=9)


def test_a_release_of_the_worker_alone_is_one_that_can_be_gone_back_from() -> None:
    found = read(FakeEcs(*FIRST, ("worker", 2, GOOD, 9, 10)))
    assert told(found) == [
        (1, {"web": 1, "worker": 2}, "current"),
        (1, {"web": 1, "worker": 1}, "superseded"),
    ]
    assert [told([each])[0][1] for each in earlier(found)] == [{"web": 1, "worker": 1}]


def test_one_bad_process_makes_a_bad_release_and_the_way_back_is_the_release_before() -> None:
    """The web process is put back by a deployment of its own."""
    bad = (("web", 2, GOOD, 9, 10), ("worker", 2, BAD, 9, 11), ("web", 1, GOOD, 11.1, 12))
    found = read(FakeEcs(*FIRST, *bad))
    assert told(found) == [
        (1, {"web": 1, "worker": 1}, "current"),
        (2, {"web": 2, "worker": 2}, "rolled back"),
    ]


def test_a_release_under_way_is_told() -> None:
    found = read(FakeEcs(*FIRST, ("web", 2, GOOD, 9, 10), ("worker", 2, ON, 9, None)))
    assert [each.state for each in found] == ["deploying", "superseded"]
    running = current(found)
    assert running is not None
    assert running.number == 2


def test_updates_one_after_the_other_are_releases_of_their_own() -> None:
    found = read(FakeEcs(*FIRST, ("web", 2, GOOD, 9, 10), ("worker", 2, GOOD, 10.6, 11)))
    assert [each[1] for each in told(found)] == [
        {"web": 2, "worker": 2},
        {"web": 2, "worker": 1},
        {"web": 1, "worker": 1},
    ]


def test_a_process_that_came_first_is_no_release_without_the_web_process() -> None:
    found = read(FakeEcs(("worker", 1, GOOD, 0, 1), ("web", 1, GOOD, 4, 5)))
    assert told(found) == [(1, {"web": 1, "worker": 1}, "current")]


def test_one_process_has_the_releases_of_its_service() -> None:
    (found,) = read(FakeEcs(*FIRST), ("worker",))
    assert (found.number, found.state, found.processes) == (1, "current", {})
    session: Any = SimpleNamespace(services={"worker": None})
    assert parts(session, found) == {"worker": arn("shop_worker", 1)}


def test_a_stack_without_a_service_has_none() -> None:
    assert read(FakeEcs()) == []
