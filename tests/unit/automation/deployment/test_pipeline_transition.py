"""While `up` works, no release enters the stage Deploy; what another closed stays closed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from automation.deployment import pipeline_transition
from automation.deployment.pipeline_transition import REASON, no_release_meanwhile
from automation.errors import DriverError
from localcloud.gateway.constraints import violations
from tests.unit.automation.conftest import Captured


class FakePipeline:
    """CodePipeline with one pipeline, or none."""

    def __init__(self, *statuses: str, present: bool = True, reason: str = "") -> None:
        self.statuses, self.present, self.reason = list(statuses), present, reason
        self.calls: list[str] = []

    def get_pipeline_state(self, **_names: str) -> dict[str, Any]:
        if not self.present:
            error: Any = {"Error": {"Code": "PipelineNotFoundException", "Message": ""}}
            raise ClientError(error, "GetPipelineState")
        status = self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)
        transition = {"enabled": not self.reason, "disabledReason": self.reason}
        stage = {
            "stageName": "Deploy",
            "inboundTransitionState": transition,
            "latestExecution": {"status": status},
        }
        return {"stageStates": [{"stageName": "Source"}, stage]}

    def disable_stage_transition(self, **names: str) -> None:
        assert violations("codepipeline", "DisableStageTransition", names) == []
        self.calls.append("closed")

    def enable_stage_transition(self, **_names: str) -> None:
        self.calls.append("opened")


def session(
    captured: Captured, fake: FakePipeline, created: bool = False, pipeline: str | None = "p"
) -> Any:
    cloud = SimpleNamespace(client=lambda _service: fake)
    return SimpleNamespace(screen=captured.screen, created=created, pipeline=pipeline, cloud=cloud)


def test_the_way_is_closed_meanwhile(captured: Captured) -> None:
    fake = FakePipeline("Succeeded")
    with no_release_meanwhile(session(captured, fake)):
        fake.calls.append("works")
    assert fake.calls == ["closed", "works", "opened"]


def test_it_is_opened_after_a_failure(captured: Captured) -> None:
    fake = FakePipeline("Failed")
    with pytest.raises(DriverError), no_release_meanwhile(session(captured, fake)):
        raise DriverError("the update failed")
    assert fake.calls == ["closed", "opened"]


def test_a_failure_is_told_though_nobody_answers_any_more(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakePipeline("Succeeded")

    def dead(**_names: str) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(fake, "enable_stage_transition", dead)
    with (
        pytest.raises(DriverError, match="the update failed"),
        no_release_meanwhile(session(captured, fake)),
    ):
        raise DriverError("the update failed")
    assert "stage Deploy of p stays closed until the next `up`" in captured.err.getvalue()
    with pytest.raises(EndpointConnectionError), no_release_meanwhile(session(captured, fake)):
        pass


def test_a_release_in_the_stage_is_waited_for(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_transition, "POLL_SECONDS", 0.0)
    fake = FakePipeline("InProgress", "InProgress", "InProgress", "Succeeded")
    with no_release_meanwhile(session(captured, fake)):
        assert fake.statuses == ["Succeeded"]
    assert "waiting until it has ended" in captured.err.getvalue()


def test_a_release_without_end_is_an_error(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_transition, "PATIENCE_SECONDS", -1.0)
    fake = FakePipeline("InProgress")
    with (
        pytest.raises(DriverError, match="run `up` again"),
        no_release_meanwhile(session(captured, fake)),
    ):
        raise AssertionError("the update must not begin")
    assert fake.calls == ["closed", "opened"]


@pytest.mark.parametrize(
    ("fake", "created", "name"),
    [
        (FakePipeline("Succeeded", reason="a freeze"), False, "p"),
        (FakePipeline(present=False), False, "p"),
        (FakePipeline("Succeeded"), True, "p"),
        (FakePipeline("Succeeded"), False, None),
    ],
)
def test_nothing_is_touched(
    fake: FakePipeline, created: bool, name: str | None, captured: Captured
) -> None:
    with no_release_meanwhile(session(captured, fake, created, name)):
        pass
    assert fake.calls == []


def test_what_a_killed_update_closed_is_opened(captured: Captured) -> None:
    fake = FakePipeline("Succeeded", reason=REASON)
    with no_release_meanwhile(session(captured, fake)):
        pass
    assert fake.calls == ["closed", "opened"]
