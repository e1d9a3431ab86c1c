"""From a push to the new version: by the stack's pipeline, and by a shell script."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from automation.machine.local_cloud import build_arguments
from benchmarks import plain
from benchmarks.place import STACK, Place
from tests.e2e.pipeline_harness import Pipeline, WorkingCopy, working_copy

SOURCE = "app/hello/application.py"
GITHUB = {
    "github_owner": "acme",
    "github_repository": "hello",
    "github_token": "a-token-of-the-benchmark",
}
PATIENCE_SECONDS = 600


def releases(place: Place) -> Mapping[str, Mapping[str, float]]:
    """One release each, of another greeting."""
    with with_pipeline(place) as (copy, outputs):
        number = next(place.numbers)
        pushed = _pushed(place, copy, outputs, f"Pushed {number}")
        scripted = _scripted(place, copy, outputs, f"Scripted {number}")
    return {
        f"push_{moment}": {"ours": pushed[moment], "shell script": scripted[moment]}
        for moment in pushed
    }


@contextmanager
def with_pipeline(place: Place) -> Iterator[tuple[WorkingCopy, Mapping[str, Any]]]:
    """The stack with a pipeline, and a developer's clone that has released once."""
    place.checkout.configure(**GITHUB)
    folder = place.floor.parent / "developer"
    if not folder.exists():
        place.drive("up", *STACK, "--yes")
    outputs = place.outputs
    if not folder.exists():
        copy = working_copy(folder, place.checkout, outputs["git_remote_url"], "app")
        _await(Pipeline(plain.clients(place.cloud)("codepipeline")), copy.push("First"))
    yield WorkingCopy(folder, outputs["git_remote_url"]), outputs


def _say(copy: WorkingCopy, words: str) -> None:
    file = copy.folder / SOURCE
    first, rest = file.read_text().split('"Hello ', 1)
    file.write_text(f'{first}"Hello {words}!{rest[rest.index("!") + 1 :]}')


def _pushed(
    place: Place, copy: WorkingCopy, outputs: Mapping[str, Any], words: str
) -> dict[str, float]:
    _say(copy, words)
    began = time.perf_counter()
    commit = copy.push(words)
    answer = _answered(outputs["service_url"], words) - began
    _await(Pipeline(plain.clients(place.cloud)("codepipeline")), commit)
    return {"answer": answer, "complete": time.perf_counter() - began}


def _scripted(
    place: Place, copy: WorkingCopy, outputs: Mapping[str, Any], words: str
) -> dict[str, float]:
    _say(copy, words)
    cluster, service = str(outputs["cluster_name"]), str(outputs["service_name"])
    base = build_arguments(copy.folder / "app" / "Dockerfile", "linux/amd64", lambda _: None)
    began = time.perf_counter()
    plain.release(
        copy.folder,
        place.cloud,
        words.replace(" ", "-"),
        str(outputs["repository_url"]),
        cluster,
        service,
        "fargate-cd-local",
        base.get("BASE_IMAGE", ""),
    )
    answer = _answered(outputs["service_url"], words) - began
    ecs = plain.clients(place.cloud)("ecs")

    def complete() -> bool:
        (found,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
        return [each["rolloutState"] for each in found["deployments"]] == ["COMPLETED"]

    while not complete():
        time.sleep(0.3)
    return {"answer": answer, "complete": time.perf_counter() - began}


def _answered(url: str, words: str) -> float:
    """The moment at which a greeting is answered first."""
    end = time.perf_counter() + PATIENCE_SECONDS
    while time.perf_counter() < end:
        if words in requests.get(url, timeout=30).text:
            return time.perf_counter()
        time.sleep(0.05)
    raise TimeoutError(f"{url} never answered {words}")


def _await(pipeline: Pipeline, commit: str) -> None:
    execution = pipeline.wait_for(commit)
    if execution["status"] != "Succeeded":
        raise RuntimeError(f"the pipeline's run ended: {pipeline.failure(execution)}")
