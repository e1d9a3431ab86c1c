"""An application of workers alone, with real containers: every command, and nothing is left.

The tests share one stack and run in the order in which they stand.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.faulty import until_running, until_said

STACK = ("--stack", "local")

DOCKERFILE = """\
ARG BASE_IMAGE=public.ecr.aws/docker/library/python:3.13-slim
FROM ${BASE_IMAGE}
ENV PYTHONUNBUFFERED=1
COPY work.py /work.py
"""

PROGRAM = '''\
"""Works until SIGTERM; says what COLOUR it has."""
import os, signal, sys, time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("working in", os.environ.get("COLOUR", "no colour"))
open("/tmp/ready", "w").close()
while True:
    time.sleep(1)
'''


def worker(**others: object) -> dict[str, object]:
    return {
        "command": ["python3", "/work.py"],
        "health_check_command": ["test", "-f", "/tmp/ready"],  # noqa: S108 - in the container
        **others,
    }


def configure(checkout: Checkout, **others: object) -> None:
    checkout.configure(
        web=False,
        app_path="workers",
        deregistration_delay=None,
        stop_timeout=2,
        processes={"worker": worker(**others)},
    )


@pytest.fixture(scope="module")
def stack(checkout: Checkout) -> Checkout:
    folder = checkout.root / "workers"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "work.py").write_text(PROGRAM)
    configure(checkout)
    return checkout


def up(checkout: Checkout, exit_code: int = 0) -> dict[str, Any]:
    return checkout.json("up", *STACK, "--yes", exit_code=exit_code)


def said(checkout: Checkout, words: str) -> bool:
    events: Any = checkout.json("logs", *STACK, "--since", "1h", "--process", "worker")
    return any(words in event["message"] for event in events)


def runs(checkout: Checkout) -> Any:
    """The container that the worker's service runs."""
    ecs = checkout.client("ecs")
    (service,) = ecs.describe_services(
        cluster="fargate-cd-local", services=["fargate-cd-local_worker"]
    )["services"]
    told = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    return told["taskDefinition"]["containerDefinitions"][0]


def test_a_wrong_setting_is_refused_by_name_and_nothing_is_touched(stack: Checkout) -> None:
    stack.configure(domain="app.example.com", hosted_zone="example.com")
    done = stack.run("up", *STACK, "--yes")
    assert done.returncode == 2
    assert "leave out" in done.stderr
    assert "domain" in done.stderr
    stack.configure(domain=None, hosted_zone=None)


def test_it_is_released_without_a_load_balancer(stack: Checkout) -> None:
    told = up(stack)
    assert told["result"] == "succeeded"
    assert "service_url" not in told["outputs"]
    assert told["outputs"]["service_name"] == "fargate-cd-local_worker"
    status = stack.json("status", *STACK)
    assert (status["url"], status["targets"]) == (None, [])
    assert (status["service"]["desired"], status["service"]["running"]) == (1, 1)
    assert stack.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert up(stack)["changes"]["same"] > 0


def test_its_log_its_tasks_and_its_price_are_told(stack: Checkout) -> None:
    until_said(stack, "working in no colour")
    assert said(stack, "working in no colour")
    inside = stack.run("exec", *STACK, "--", "sh", "-c", "test -f /work.py && exit 7")
    assert inside.returncode == 7, inside.stderr
    once = stack.run("run", *STACK, "--", "python3", "-c", "print('once')")
    assert once.returncode == 0, once.stderr
    assert "once" in once.stdout
    items = [row["item"] for row in stack.json("cost", *STACK)["lines"]]
    assert any("Fargate" in item for item in items)
    assert not any("oad balancer" in item for item in items)


def test_a_bad_release_goes_back_and_is_explained(stack: Checkout) -> None:
    configure(stack, command=["false"])
    told = up(stack, 1)
    assert told["result"] == "rolled_back", told
    assert "exited with code 1" in told["diagnosis"]["cause"]
    found = stack.json("diagnose", *STACK)["diagnosis"]
    assert "exited with code 1" in found["cause"]
    until_running(stack, 1, "worker")
    assert stack.json("status", *STACK)["service"]["running"] == 1


def test_a_release_is_put_back_and_the_next_up_deploys_the_settings_again(stack: Checkout) -> None:
    configure(stack, environment={"COLOUR": "red"})
    assert up(stack)["result"] == "succeeded"
    until_said(stack, "working in red")
    assert said(stack, "working in red")
    rows: Any = stack.json("releases", *STACK)["releases"]
    assert [row["state"] for row in rows] == ["current", "rolled back", "superseded"]
    assert stack.json("rollback", *STACK, "--yes")["result"] == "succeeded"
    assert "COLOUR" not in str(runs(stack))
    planned = stack.json("preview", *STACK)["changes"]
    assert (planned["replace"], planned["update"]) == (1, 1), planned
    assert up(stack)["result"] == "succeeded"
    assert "COLOUR" in str(runs(stack))
    stack.json("preview", *STACK, "--expect-no-changes")


def test_nothing_is_left(stack: Checkout) -> None:
    told = stack.json("destroy", *STACK, "--yes")
    assert (told["result"], told["leftovers"]) == ("succeeded", [])
