"""Recorded answers of the real APIs end in the right cause, and in the setting that mends it."""

from __future__ import annotations

import pytest

from automation.aws.ecs import ServiceName
from automation.diagnosis.causes import CAUSES
from automation.diagnosis.diagnosis import diagnose
from automation.diagnosis.evidence import gather
from infra.settings.model import Settings
from tests.unit.automation.diagnosis.recorded_cloud import DEPLOYMENT, Recording, recordings

RECORDINGS = recordings()
NAME = ServiceName("fargate-cd-prod", "fargate-cd-prod")

CAUSES_OF_THE_SET = {
    "image not found",
    "image for another architecture",
    "pull denied",
    "secret not readable",
    "no route to an endpoint",
    "no capacity",
    "out of memory",
    "process exited",
    "never listened on the port",
    "health path answered",
    "healthy too late",
    "permission missing",
    "quota",
    "container unhealthy",
    "dependency not met",
    "sidecar's image not pulled",
}


@pytest.mark.parametrize("recording", RECORDINGS.values(), ids=RECORDINGS.keys())
def test_the_cause_is_named(recording: Recording) -> None:
    settings = Settings.parse(recording.settings)
    facts = gather(recording.cloud(), NAME, "/ecs/fargate-cd-prod/app", DEPLOYMENT)
    found = diagnose(facts, settings, DEPLOYMENT)
    assert found.name == recording.cause, found
    assert recording.sentence in found.cause
    assert recording.setting in (found.setting or "")
    assert found.evidence, "the words that show it"
    assert recording.source.startswith("https://")


def test_every_cause_has_a_recording() -> None:
    recorded = {recording.cause for recording in RECORDINGS.values()}
    assert recorded == CAUSES_OF_THE_SET == {cause.name for cause in CAUSES}
