"""Faults on purpose: they hit what they name, as often as they say."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from localcloud.gateway.faults import Faults
from localcloud.tests.unit.gateway_harness import Served, served


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


@pytest.fixture
def cloud(file: Path) -> Iterator[Served]:
    with served() as found:
        found.gateway.faults = Faults(file)
        yield found


def test_a_fault_hits_as_often_as_it_says(cloud: Served, file: Path) -> None:
    row = {"service": "sns", "operation": "ListTopics", "code": "Throttling", "status": 400}
    file.write_text(json.dumps([{**row, "times": 2}]))
    sns = cloud.client("sns")
    cloud.client("sqs").list_queues()
    sns.create_topic(Name="faults")

    for _ in range(2):
        with pytest.raises(ClientError, match="Throttling"):
            sns.list_topics()
    assert sns.list_topics()["Topics"]
    assert not file.exists()


def test_an_answer_lost_after_the_call_leaves_what_it_made(cloud: Served, file: Path) -> None:
    row = {"service": "sqs", "operation": "CreateQueue", "code": "InternalError", "when": "after"}
    file.write_text(json.dumps([row]))
    sqs = cloud.client("sqs")

    with pytest.raises(ClientError, match="A fault staged by"):
        sqs.create_queue(QueueName="faults")
    assert len(sqs.list_queues(QueueNamePrefix="faults")["QueueUrls"]) == 1


def test_a_slow_call_is_slow_once(cloud: Served, file: Path) -> None:
    file.write_text(json.dumps([{"service": "sns", "seconds": 0.5}]))
    began = time.monotonic()
    cloud.client("sns").list_topics()

    assert time.monotonic() - began >= 0.5
    assert not file.exists()


def test_what_is_no_fault_is_told(cloud: Served, file: Path) -> None:
    file.write_text(json.dumps([{"service": "sns", "opertion": "ListTopics"}]))
    with pytest.raises(ClientError, match="is no fault"):
        cloud.client("sns").list_topics()
