"""The release command of the pipeline, with real containers: once for each release, and a bad one
stops it before a task is replaced. The tests run in the order in which they stand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e import faulty
from tests.e2e.checkout import Checkout
from tests.e2e.pipeline_harness import PIPELINE, Pipeline, WorkingCopy, working_copy
from tests.e2e.test_release_command import STACK, image, log, release, settings

GITHUB = {"github_owner": "acme", "github_repository": "hello", "github_token": "a-token"}


@pytest.fixture(scope="module")
def created(checkout: Checkout) -> dict[str, Any]:
    settings(checkout, **GITHUB, customer_managed_key=True)
    return faulty.up(checkout)


@pytest.fixture(scope="module")
def pipeline(checkout: Checkout, created: dict[str, Any]) -> Pipeline:
    return Pipeline(checkout.client("codepipeline"))


@pytest.fixture(scope="module")
def copy(
    checkout: Checkout, created: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> WorkingCopy:
    folder: Path = tmp_path_factory.mktemp("developer") / "hello"
    return working_copy(folder, checkout, created["outputs"]["git_remote_url"], "faulty")


def test_a_push_runs_it_once_before_it_deploys(
    checkout: Checkout, copy: WorkingCopy, pipeline: Pipeline
) -> None:
    release(copy.folder / "faulty", "print('migrated to 2')")
    before = image(checkout)
    execution = pipeline.wait_for(copy.push("Migrate to 2"))
    written = checkout.run("logs", *STACK, "--build").stdout
    assert execution["status"] == "Succeeded", written
    assert image(checkout) != before
    assert log(checkout).count("migrated to 2") == 1
    assert "migrated to 2" in written


def test_the_stacks_key_encrypts_what_the_pipeline_passes_on(
    checkout: Checkout, copy: WorkingCopy
) -> None:
    """After a run: the three builds and the pipeline have read and written under their roles."""
    s3 = checkout.client("s3")
    [bucket] = [b["Name"] for b in s3.list_buckets()["Buckets"] if "-artifacts-" in b["Name"]]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert {key.split("/")[1] for key in keys} == {"Source", "Image"}
    found = {s3.head_object(Bucket=bucket, Key=key).get("SSEKMSKeyId", "") for key in keys}
    [key] = found
    aliases = checkout.client("kms").list_aliases(KeyId=key.rpartition("/")[2])["Aliases"]
    assert [each["AliasName"] for each in aliases] == ["alias/fargate-cd-local"]


def test_neither_up_nor_a_repeated_run_runs_it_again(
    checkout: Checkout, pipeline: Pipeline
) -> None:
    checkout.configure(environment={"COLOUR": "red"})
    faulty.up(checkout)
    done = checkout.run("pipeline", "start", *STACK)
    assert done.returncode == 0, done.stderr
    assert pipeline.executions()[0]["status"] == "Succeeded"
    assert log(checkout).count("migrated to 2") == 1


def test_a_failure_stops_the_release_and_the_version_before_runs_on(
    checkout: Checkout, copy: WorkingCopy, pipeline: Pipeline
) -> None:
    before = image(checkout)
    release(copy.folder / "faulty", "import sys; print('no table orders'); sys.exit(3)")
    execution = pipeline.wait_for(copy.push("Migrate badly"))
    assert execution["status"] == "Failed"
    assert pipeline.failure(execution)[0] == "Deploy"
    assert image(checkout) == before
    found = checkout.json("diagnose", *STACK)["diagnosis"]
    assert "ended with exit code 3" in found["cause"]
    assert found["setting"].startswith("fargate-cd:release_command")
    assert any("no table orders" in line for line in found["evidence"])


def test_destroy_leaves_none_of_its_task_definitions(checkout: Checkout) -> None:
    ecs = checkout.client("ecs")
    family = f"{PIPELINE}__release"
    assert ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"]
    assert checkout.json("destroy", *STACK, "--yes")["leftovers"] == []
    for status in ("ACTIVE", "INACTIVE"):
        answer = ecs.list_task_definitions(familyPrefix=family, status=status)
        assert answer["taskDefinitionArns"] == []
