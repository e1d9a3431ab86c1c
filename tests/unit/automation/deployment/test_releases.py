"""Releases are read from ECS's record; the right one is put back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from automation.aws.ecs import ServiceName
from automation.commands.rollback import choose
from automation.deployment import releases as module
from automation.deployment.releases import Release, current, earlier, releases
from automation.errors import ConfigurationError

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FAMILY = "arn:aws:ecs:us-east-1:1:task-definition/fargate-cd-dev:"


class FakeCloud:
    """ECS with deployments (release, status), oldest first; the service runs one of them."""

    def __init__(self, serving: int, *deployments: tuple[int, str]) -> None:
        self.serving = serving
        self.revisions: list[int] = []
        self.rows = [
            {
                "serviceDeploymentArn": f"d{index}",
                "targetServiceRevisionArn": f"r{release}",
                "status": status,
                "createdAt": NOW + timedelta(minutes=index),
            }
            for index, (release, status) in enumerate(deployments)
        ]

    def client(self, _service: str) -> FakeCloud:
        return self

    def pages(self, _service: str, operation: str, *_: str, **given: Any) -> list[Any]:
        if operation == "list_service_deployments":
            return self.rows
        active = given["status"] == "ACTIVE"
        return [f"{FAMILY}{n}" for n in self.revisions if active == (n == max(self.revisions))]

    def describe_task_definition(self, taskDefinition: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        image = f"image{taskDefinition.rpartition(':')[2]}"
        containers = [{"name": "proxy", "image": "proxy"}, {"name": "app", "image": image}]
        described = {"containerDefinitions": containers, "registeredAt": NOW}
        return {"taskDefinition": described}

    def describe_services(self, **_: Any) -> dict[str, Any]:
        return {"services": [{"status": "ACTIVE", "taskDefinition": f"{FAMILY}{self.serving}"}]}

    def describe_service_revisions(self, serviceRevisionArns: list[str]) -> dict[str, Any]:  # noqa: N803
        return {
            "serviceRevisions": [
                {
                    "serviceRevisionArn": arn,
                    "taskDefinition": FAMILY + arn.removeprefix("r"),
                    "containerImages": [{"containerName": "app", "image": f"image{arn}"}],
                }
                for arn in serviceRevisionArns
            ]
        }


@pytest.fixture(autouse=True)
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "commit_of", lambda _cloud, image: f"commit-of-{image}")


def read(cloud: FakeCloud) -> list[Release]:
    return releases(cloud, ServiceName("c", "fargate-cd-dev"))  # type: ignore[arg-type]


def serves(*numbers: int) -> Callable[[Release], bool]:
    return lambda release: release.number in numbers


def states(cloud: FakeCloud) -> dict[int, str]:
    return {release.number: release.state for release in read(cloud)}


def test_the_newest_comes_first_with_its_state() -> None:
    found = read(FakeCloud(3, (1, "SUCCESSFUL"), (2, "ROLLBACK_SUCCESSFUL"), (3, "SUCCESSFUL")))
    assert [(r.number, r.state) for r in found] == [
        (3, "current"),
        (2, "rolled back"),
        (1, "superseded"),
    ]
    assert found[0].image == "imager3"
    assert found[0].commit == "commit-of-imager3"


def test_after_a_rollback_the_one_before_is_current() -> None:
    found = states(FakeCloud(1, (1, "SUCCESSFUL"), (2, "SUCCESSFUL"), (1, "SUCCESSFUL")))
    assert found == {1: "current", 2: "superseded"}


def test_a_running_deployment_is_told() -> None:
    cloud = FakeCloud(2, (1, "SUCCESSFUL"), (2, "IN_PROGRESS"))
    assert states(cloud) == {2: "deploying", 1: "superseded"}
    serving = current(read(cloud))
    assert serving is not None
    assert serving.number == 2


def test_the_release_before_skips_what_was_never_healthy() -> None:
    found = read(
        FakeCloud(
            4, (1, "SUCCESSFUL"), (2, "SUCCESSFUL"), (3, "ROLLBACK_FAILED"), (4, "SUCCESSFUL")
        )
    )
    assert [release.number for release in earlier(found)] == [2, 1]
    assert choose(found, None, serves(4)).number == 2
    assert choose(found, 1, serves(4)).number == 1


def test_the_release_before_is_the_newest_that_differs() -> None:
    found = read(FakeCloud(3, (1, "SUCCESSFUL"), (2, "SUCCESSFUL"), (3, "SUCCESSFUL")))
    assert choose(found, None, serves(2, 3)).number == 1
    with pytest.raises(ConfigurationError, match="has the same content"):
        choose(found, 2, serves(2, 3))


@pytest.mark.parametrize(("to", "words"), [(4, "is the one that runs"), (9, "there are: 4, 1")])
def test_a_release_that_cannot_be_put_back_is_refused(to: int, words: str) -> None:
    found = read(FakeCloud(4, (1, "SUCCESSFUL"), (4, "SUCCESSFUL")))
    with pytest.raises(ConfigurationError, match=words):
        choose(found, to, serves(4))


def test_without_an_earlier_one_there_is_nothing_to_go_back_to() -> None:
    with pytest.raises(ConfigurationError, match="no earlier healthy release"):
        choose(read(FakeCloud(1, (1, "SUCCESSFUL"))), None, serves(1))


@pytest.mark.parametrize("deployments", [(), ((3, "SUCCESSFUL"),), ((4, "ROLLBACK_SUCCESSFUL"),)])
def test_after_a_quiet_quarter_the_revisions_are_the_ledger(
    deployments: tuple[tuple[int, str], ...],
) -> None:
    """ECS forgets a deployment after 90 days, and no revision."""
    cloud = FakeCloud(3, *deployments)
    cloud.revisions = [1, 2, 3, 4]
    found = read(cloud)
    assert [release.number for release in earlier(found)] == [2, 1]
    assert [release.number for release in found if release.state == "current"] == [3]
    assert choose(found, None, serves(3)).image == "image2"
