"""The application of docs/examples/orders, from its first `up` to `destroy`.

The tests share one local cloud and run in the order in which they stand.
"""

from __future__ import annotations

import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from localcloud.rds.servers import image as image_of_database
from tests.e2e.checkout import DRAIN_SECONDS, Checkout, copy_tree
from tests.e2e.own_images import pushed
from tests.e2e.pipeline_harness import Load, Pipeline, WorkingCopy, working_copy

EXAMPLE = Path("docs/examples/orders")
ORDERS, API = ("--stack", "local"), ("--stack", "api")
WAIT_SECONDS = 900


@pytest.fixture(scope="module")
def checkout(
    tmp_path_factory: pytest.TempPathFactory, settling_seconds: float | None
) -> Iterator[Checkout]:
    """A checkout with the example's files at its top."""
    copy = copy_tree(tmp_path_factory.mktemp("orders"), settling_seconds)
    shutil.copytree(copy.root / EXAMPLE, copy.root, dirs_exist_ok=True)
    for name in ("local", "api"):
        path = copy.root / f"Pulumi.{name}.yaml"
        document = yaml.safe_load(path.read_text())
        document["config"]["fargate-cd:deregistration_delay"] = DRAIN_SECONDS
        path.write_text(yaml.safe_dump(document))
    try:
        yield copy
    finally:
        for stack in (API, ORDERS):
            copy.run("destroy", *stack, "--yes")
        stopped = copy.run("local", "stop")
        assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def created(checkout: Checkout) -> dict[str, Any]:
    """The application after its first `up`, with a sidecar of the test's own image."""
    image_of_database(docker.from_env(), "16")  # it can take minutes, which are not the update's
    assert checkout.run("local", "start").returncode == 0
    folder = checkout.root / "sidecar"
    folder.mkdir()
    sidecar = {
        "image": pushed(checkout, "tools/clock", folder),
        "command": ["python3", "-m", "http.server", "--bind", "127.0.0.1", "4318"],
        "port": 4318,
        "app_depends_on": "START",
    }
    checkout.configure(sidecars={"clock": sidecar})
    return checkout.json("up", *ORDERS, "--yes")


@pytest.fixture(scope="module")
def url(created: dict[str, Any]) -> str:
    return str(created["outputs"]["service_url"])


@pytest.fixture(scope="module")
def copy(
    checkout: Checkout, created: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> WorkingCopy:
    """A developer's clone of the application."""
    folder: Path = tmp_path_factory.mktemp("developer") / "orders"
    return working_copy(folder, checkout, created["outputs"]["git_remote_url"], "orders")


@pytest.fixture(scope="module")
def pipeline(checkout: Checkout, created: dict[str, Any]) -> Pipeline:
    assert created
    return Pipeline(checkout.client("codepipeline"))


def ask(url: str, method: str = "GET") -> tuple[int, str]:
    try:
        request = urllib.request.Request(url, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def until(look: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not look():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS} s"
        time.sleep(2)


def running(checkout: Checkout, process: str = "worker") -> int:
    return int(checkout.json("status", *ORDERS)["processes"][process]["running"])


def lines(checkout: Checkout) -> list[str]:
    events: Any = checkout.json("logs", *ORDERS, "--since", "1h")
    return [str(event["message"]) for event in events]


def test_up_makes_all_of_it_and_changes_nothing_afterwards(
    checkout: Checkout, created: dict[str, Any], url: str
) -> None:
    assert created["processes"] == {"web": "succeeded", "worker": "succeeded"}
    assert ask(url) == (200, "orders 1")
    assert lines(checkout).count("migrated to schema 1") == 1
    checkout.json("preview", *ORDERS, "--expect-no-changes")
    assert running(checkout) == 0
    (task,) = checkout.json("status", *ORDERS)["tasks"]
    assert {each["name"]: each["status"] for each in task["containers"]} == {
        "app": "RUNNING",
        "clock": "RUNNING",
    }


def test_a_second_service_answers_in_the_same_environment(checkout: Checkout, url: str) -> None:
    assert checkout.json("up", *API, "--yes")["outputs"]["service_url"] == f"{url}/api"
    assert ask(f"{url}/api/users") == (200, "the api")
    assert ask(f"{url}/users")[1] == "there is no such order"


def test_orders_bring_three_workers_which_go_again(checkout: Checkout, url: str) -> None:
    names = [f"orders/{number}" for number in range(6)]
    until(lambda: 15 < time.time() % 60 < 50)  # so that the queue's minute has all or none of them
    for name in names:
        assert ask(f"{url}/{name}", "POST") == (202, "taken")
    until(lambda: running(checkout) == 3)
    until(lambda: all(ask(f"{url}/{name}")[0] == 200 for name in names))
    assert ask(f"{url}/orders/1") == (200, "done by schema 1")
    until(lambda: running(checkout) == 0)


def test_the_nightly_job_runs_when_it_is_asked_to(checkout: Checkout, url: str) -> None:
    done = checkout.run("run", "nightly", *ORDERS)
    assert done.returncode == 0, done.stderr
    assert "6 orders are done" in done.stdout
    assert ask(f"{url}/report") == (200, "6 orders")


def test_a_push_releases_web_and_worker_after_one_migration(
    checkout: Checkout, copy: WorkingCopy, pipeline: Pipeline, url: str
) -> None:
    copy.edit("orders/web.py", 'VERSION = "1"', 'VERSION = "2"')
    copy.edit("orders/migrate.py", 'SCHEMA = "1"', 'SCHEMA = "2"')
    with Load(url) as load:
        execution = pipeline.wait_for(copy.push("Move to schema 2"))
        until(lambda: "orders 2" in load.bodies)
    assert execution["status"] == "Succeeded", checkout.run("logs", *ORDERS, "--build").stdout
    assert load.lost == []
    assert lines(checkout).count("migrated to schema 2") == 1


def test_a_migration_that_fails_stops_the_release(
    checkout: Checkout, copy: WorkingCopy, pipeline: Pipeline, url: str
) -> None:
    copy.edit("orders/migrate.py", "print(", "raise SystemExit(3)\nprint(")
    copy.edit("orders/web.py", 'VERSION = "2"', 'VERSION = "3"')
    execution = pipeline.wait_for(copy.push("Migrate badly"))
    assert execution["status"] == "Failed"
    assert "exit code 3" in checkout.json("diagnose", *ORDERS)["diagnosis"]["cause"]
    assert ask(url) == (200, "orders 2")
    copy.edit("orders/migrate.py", "raise SystemExit(3)\n", "")


def test_a_bad_release_of_the_worker_alone_takes_all_back_and_loses_nothing(
    checkout: Checkout, copy: WorkingCopy, pipeline: Pipeline, url: str
) -> None:
    document = yaml.safe_load((checkout.root / "Pulumi.local.yaml").read_text())
    worker = document["config"]["fargate-cd:processes"]["worker"] | {"min_count": 1}
    checkout.configure(processes={"worker": worker})
    checkout.json("up", *ORDERS, "--yes")
    # CodePipeline goes back to what the last run deployed since the pipeline was last changed.
    good = pipeline.wait_for(copy.push("Mend the migration"))
    assert good["status"] == "Succeeded", checkout.run("logs", *ORDERS, "--build").stdout
    assert ask(url) == (200, "orders 3")
    copy.edit("orders/worker.py", "import os\n", "import os\n\nraise SystemExit(7)\n")
    copy.edit("orders/web.py", 'VERSION = "3"', 'VERSION = "4"')
    with Load(url) as load:
        execution = pipeline.wait_for(copy.push("Break the worker"))
        until(lambda: ask(url) == (200, "orders 3"))
    assert execution["status"] == "Failed"
    assert load.lost == []
    until(lambda: running(checkout) == 1)
    cause = checkout.json("diagnose", *ORDERS)["diagnosis"]["cause"]
    assert "exited with code 7" in cause, cause


def test_destroy_leaves_nothing_of_ours_and_everything_of_others(checkout: Checkout) -> None:
    sqs = checkout.client("sqs")
    theirs = sqs.create_queue(QueueName="of-somebody-else")["QueueUrl"]
    refused = checkout.run("destroy", *ORDERS, "--yes")
    assert refused.returncode != 0
    assert "api" in refused.stderr
    for stack in (API, ORDERS):
        gone = checkout.json("destroy", *stack, "--yes")
        assert (gone["result"], gone["leftovers"]) == ("succeeded", [])
    assert sqs.list_queues()["QueueUrls"] == [theirs]
    assert checkout.client("ecs").list_clusters()["clusterArns"] == []
