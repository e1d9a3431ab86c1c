"""The API: what StartBuild takes from its project, what is refused, and the queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcloud.codebuild import builds, projects, runs
from localcloud.codebuild.core import Core
from localcloud.codebuild.execution import Execution
from localcloud.codebuild.image import BuildImages
from localcloud.codebuild.model import Build
from localcloud.codebuild.store import Store
from localcloud.codebuild.supported_members import refuse_unhonoured
from localcloud.shared.service import Call, ServiceError, Surroundings

ACCOUNT = "123456789012"
PROJECT: dict[str, Any] = {
    "name": "demo",
    "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {}\n"},
    "artifacts": {"type": "NO_ARTIFACTS"},
    "environment": {
        "type": "LINUX_CONTAINER",
        "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        "computeType": "BUILD_GENERAL1_SMALL",
        "environmentVariables": [{"name": "A", "value": "project"}],
    },
    "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
}


class Recorded:
    """Builds that were told to start or stop, and never run."""

    def __init__(self) -> None:
        self.started: list[Build] = []

    def start(self, build: Build) -> None:
        self.started.append(build)

    def stop(self, build: Build, why: str) -> None:
        build.shape["buildComplete"] = True

    def wait(self, build_ids: set[str]) -> None:
        pass


class NoImages:
    def prepare(self, environment: Any) -> None:
        pass


def _no_client(*_: object) -> None:
    raise AssertionError("no other service is asked")


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Core:
    around = Surroundings(
        str(tmp_path),
        "test",
        ACCOUNT,
        "us-east-1",
        "http://127.0.0.1:1",
        "",
        "",
        "",
        client=_no_client,
    )
    made = Core(around, Store(tmp_path))
    made.runs, made.images = Recorded(), NoImages()
    monkeypatch.setattr(made, "assume", lambda *_: None)
    return made


def _call(operation: str, **given: Any) -> Call:
    refuse_unhonoured(operation, given)
    return Call("codebuild", operation, given, "us-east-1", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")


def _started(core: Core, **overrides: Any) -> dict[str, Any]:
    shape: dict[str, Any] = builds.start(
        core, _call("StartBuild", projectName="demo", **overrides)
    )["build"]
    return shape


def test_a_build_has_its_projects_settings_and_the_overrides(core: Core) -> None:
    projects.create(core, _call("CreateProject", **PROJECT))
    build = _started(
        core,
        timeoutInMinutesOverride=7,
        privilegedModeOverride=True,
        environmentVariablesOverride=[{"name": "A", "value": "request"}],
    )
    assert build["timeoutInMinutes"] == 7
    assert build["queuedTimeoutInMinutes"] == 480
    assert build["environment"]["privilegedMode"] is True
    assert build["environment"]["environmentVariables"] == [
        {"type": "PLAINTEXT", "name": "A", "value": "request"}
    ]
    assert build["initiator"] == "root"
    uuid = build["id"].split(":")[1]
    assert (build["logs"]["groupName"], build["logs"]["streamName"]) == (
        "/aws/codebuild/demo",
        uuid,
    )
    kept = core.store.project("us-east-1", "demo")
    assert kept is not None
    assert kept.shape["environment"]["privilegedMode"] is False


def test_the_same_token_starts_one_build(core: Core) -> None:
    projects.create(core, _call("CreateProject", **PROJECT))
    first = _started(core, idempotencyToken="once")
    assert _started(core, idempotencyToken="once")["id"] == first["id"]
    with pytest.raises(ServiceError, match="Idempotent parameter mismatch"):
        _started(core, idempotencyToken="once", imageOverride="other")


def test_no_more_builds_than_the_project_allows(core: Core) -> None:
    projects.create(core, _call("CreateProject", **PROJECT, concurrentBuildLimit=1))
    _started(core)
    with pytest.raises(ServiceError) as refused:
        _started(core)
    assert refused.value.code == "AccountLimitExceededException"


def test_state_is_on_disk(core: Core, tmp_path: Path) -> None:
    projects.create(core, _call("CreateProject", **PROJECT))
    build = _started(core)
    again = Store(tmp_path)
    found = again.build(build["id"])
    assert found is not None
    assert found.shape == build
    assert again.project("us-east-1", "demo") is not None


def test_codes_of_what_is_not_there_or_is_already(core: Core) -> None:
    projects.create(core, _call("CreateProject", **PROJECT))
    with pytest.raises(ServiceError) as twice:
        projects.create(core, _call("CreateProject", **PROJECT))
    assert twice.value.code == "ResourceAlreadyExistsException"
    with pytest.raises(ServiceError) as absent:
        builds.start(core, _call("StartBuild", projectName="absent"))
    assert absent.value.code == "ResourceNotFoundException"
    assert projects.delete(core, _call("DeleteProject", name="absent")) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"badgeEnabled": True}, "badgeEnabled"),
        ({"cache": {"type": "S3", "location": "b/p"}}, "cache"),
        ({"source": {"type": "GITHUB", "location": "x"}}, "GITHUB"),
        ({"vpcConfig": {"vpcId": "vpc-1"}}, "vpcConfig"),
        ({"artifacts": {"type": "CODEPIPELINE"}}, "both be of type CODEPIPELINE"),
        ({"artifacts": {"type": "S3"}}, "location"),
        ({"source": {"type": "NO_SOURCE"}}, "inline buildspec"),
        ({"tags": [{"key": "aws:x", "value": "y"}]}, "aws:"),
    ],
)
def test_projects_that_are_refused(core: Core, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError, match=said) as refused:
        projects.create(core, _call("CreateProject", **{**PROJECT, **change}))
    assert refused.value.code == "InvalidInputException"
    assert core.store.project("us-east-1", "demo") is None


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def blocked(core: Core, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Builds whose one phase lasts until they are told to end, or the event is set."""
    free = threading.Event()

    def last(self: Execution) -> None:
        self._phase("PROVISIONING", lambda: _wait(lambda: free.is_set() or self.told_to_end))

    monkeypatch.setattr(Execution, "_phases", last)
    core.runs = runs.BuildRuns(core, BuildImages())
    projects.create(core, _call("CreateProject", **PROJECT))
    return free


def _shape(core: Core, build: dict[str, Any]) -> dict[str, Any]:
    found = core.store.build(build["id"])
    assert found is not None
    return found.shape


@pytest.mark.usefixtures("blocked")
def test_a_build_that_takes_too_long_times_out(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(threading.Timer):
        """Its time is not up before the build is in its phase, however slow the machine is."""

        def run(self) -> None:
            (one,) = core.store.builds
            _wait(lambda: one.shape["currentPhase"] == "PROVISIONING")
            super().run()

    monkeypatch.setattr(runs.threading, "Timer", Late)
    monkeypatch.setattr(runs, "SECONDS_PER_MINUTE", 0.02)
    build = _started(core, timeoutInMinutesOverride=5)
    _wait(lambda: _shape(core, build)["buildComplete"])
    shape = _shape(core, build)
    assert shape["buildStatus"] == "TIMED_OUT"
    phase = next(p for p in shape["phases"] if p["phaseType"] == "PROVISIONING")
    assert phase["phaseStatus"] == "TIMED_OUT"
    assert phase["contexts"][0]["statusCode"] == "BUILD_TIMED_OUT"


def test_more_builds_than_the_machine_runs_wait_their_turn(
    core: Core, blocked: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "AT_ONCE", 1)
    first = _started(core)
    _wait(lambda: _shape(core, first)["currentPhase"] == "PROVISIONING")
    second, third = _started(core), _started(core)
    builds.stop(core, _call("StopBuild", id=third["id"]))
    _wait(lambda: _shape(core, third)["buildComplete"])
    assert _shape(core, third)["buildStatus"] == "STOPPED"
    assert _shape(core, second)["currentPhase"] == "QUEUED"
    blocked.set()
    _wait(lambda: _shape(core, second)["buildComplete"])
    assert _shape(core, second)["buildStatus"] == "SUCCEEDED"


@pytest.mark.usefixtures("blocked")
def test_a_queue_that_is_too_long_times_out(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "AT_ONCE", 1)
    first = _started(core)
    _wait(lambda: _shape(core, first)["currentPhase"] == "PROVISIONING")
    monkeypatch.setattr(runs, "SECONDS_PER_MINUTE", 0.02)
    second = _started(core, queuedTimeoutInMinutesOverride=5)
    _wait(lambda: _shape(core, second)["buildComplete"])
    assert _shape(core, second)["buildStatus"] == "TIMED_OUT"
    builds.stop(core, _call("StopBuild", id=first["id"]))
    _wait(lambda: _shape(core, first)["buildComplete"])


def test_an_unforeseen_error_is_a_fault_and_not_a_success(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Execution) -> None:
        def work() -> None:
            raise RuntimeError("unforeseen")

        self._phase("PROVISIONING", work)

    monkeypatch.setattr(Execution, "_phases", broken)
    core.runs = runs.BuildRuns(core, BuildImages())
    projects.create(core, _call("CreateProject", **PROJECT))
    build = _started(core)
    _wait(lambda: _shape(core, build)["buildComplete"])
    assert _shape(core, build)["buildStatus"] == "FAULT"
