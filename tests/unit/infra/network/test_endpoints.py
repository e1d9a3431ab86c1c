"""An endpoint's policy keeps what the release before reads until that release is gone."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from infra.own_outputs import READ_OUTPUTS, unfinished
from tests.unit.infra.recorder import ACCOUNT, REGION, Recording, record

STORE = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"
ONE, OTHER = f"{STORE}:one-AbCdEf", f"{STORE}:other-AbCdEf"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"


def after(word: dict[str, Any] | None, *secrets: str) -> Recording:
    """The program with these secrets, after an update that left this word."""
    return _after(json.dumps(word), *secrets)


@cache
def _after(word: str, *secrets: str) -> Recording:
    given = {f"SECRET_{number}": arn for number, arn in enumerate(secrets)}
    outputs = {} if word == "null" else {"endpoints": json.loads(word)}
    return record(
        {"egress": "endpoints", "secrets": json.dumps(given)},
        answers={READ_OUTPUTS: lambda _: {"outputs": outputs}},
    )


def readable(recording: Recording) -> list[str]:
    endpoint = recording.one("VpcEndpoint", "endpoints-secretsmanager").inputs
    (statement,) = json.loads(endpoint["policy"])["Statement"]
    return sorted(statement["Resource"])


def test_a_secret_that_goes_stays_readable_until_the_release_is_there() -> None:
    first = after(None, ONE, OTHER)
    assert not unfinished(first.outputs)
    second = after(first.outputs["endpoints"], ONE)
    assert readable(second) == readable(first) == [ONE, OTHER]
    assert unfinished(second.outputs)
    waits = second.one("Service", "service-service").depends_on
    assert any(urn.endswith("::endpoints-secretsmanager") for urn in waits)


def test_the_update_after_it_takes_the_secret_away() -> None:
    second = after(after(None, ONE, OTHER).outputs["endpoints"], ONE)
    third = after(second.outputs["endpoints"], ONE)
    assert readable(third) == [ONE]
    assert not unfinished(third.outputs)


def test_a_secret_that_comes_is_readable_before_the_release() -> None:
    second = after(after(None, ONE).outputs["endpoints"], ONE, OTHER)
    assert readable(second) == [ONE, OTHER]
    assert not unfinished(second.outputs)


def test_queues_and_repositories_are_kept_likewise() -> None:
    repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/fargate-cd-staging"
    left = {"secret_arns": [ONE], "queue_arns": [QUEUE], "repository_arns": [repository]}
    recording = after(left, ONE)
    pull = recording.one("VpcEndpoint", "endpoints-ecr.api").inputs["policy"]
    assert repository in pull
    assert unfinished(recording.outputs)


def test_with_a_way_to_the_internet_no_word_is_left() -> None:
    assert "endpoints" not in record({"egress": "nat"}).outputs
