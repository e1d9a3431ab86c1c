"""The pipeline by hand: a push, an approval, a rejection, build logs, releases, and its cost.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checkout import Checkout, until
from tests.e2e.pipeline_harness import ENDED, Pipeline

SETTINGS = {
    "github_owner": "octo",
    "github_repository": "shop",
    "github_token": "word",
    "approval": True,
    "notify_emails": ["team@example.org"],
    "test_commands": ["sh checks/run.sh"],
    "desired_count": 1,
}
STAGES = ["Source", "Test", "Build", "Approval", "Deploy"]
LIMIT_SECONDS = 300.0


@contextmanager
def running(checkout: Checkout, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command of the driver that goes on; ended at the latest with the block."""
    process = subprocess.Popen(
        [sys.executable, "automation/run.py", *arguments, "--stack", "local"],
        cwd=checkout.root,
        env=checkout.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class Repository:
    """A clone of the team's repository."""

    def __init__(self, folder: Path, remote: str) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("remote", "add", "origin", remote)

    def git(self, *arguments: str) -> str:
        person = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", *person, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def push(self, message: str) -> str:
        """Commit everything and push it; the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD")


def status(checkout: Checkout) -> dict[str, Any]:
    return checkout.json("status", "--stack", "local")


def waits(checkout: Checkout, commit: str) -> bool:
    """Whether the run of a commit waits for an answer."""
    pipeline = status(checkout)["pipeline"]
    assert pipeline["stopped"] is None, pipeline["stopped"]
    return bool(pipeline["waiting"]) and pipeline["execution"]["commit"] == commit


@pytest.fixture(scope="module")
def created(checkout: Checkout) -> dict[str, Any]:
    """The stack with its pipeline, whose repository is still empty."""
    checkout.configure(**SETTINGS)
    return checkout.json("up", "--stack", "local", "--yes")


@pytest.fixture(scope="module")
def pipeline(checkout: Checkout, created: dict[str, Any]) -> Pipeline:
    assert created
    return Pipeline(checkout.client("codepipeline"))


@pytest.fixture(scope="module")
def repository(
    checkout: Checkout, created: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Repository:
    """The app with a check, not pushed yet."""
    folder = tmp_path_factory.mktemp("shop")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "app"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((checkout.root / name).read_bytes())
    (folder / "checks").mkdir()
    (folder / "checks" / "run.sh").write_text("echo all is well\n")
    return Repository(folder, created["outputs"]["git_remote_url"])


@pytest.fixture(scope="module")
def first(checkout: Checkout, repository: Repository, pipeline: Pipeline) -> str:
    """The first commit, pushed, tested, built, and waiting for an answer."""
    commit = repository.push("First release")
    pipeline.wait_for_action("Approval", commit, "InProgress")
    assert waits(checkout, commit)
    return commit


def test_up_makes_the_pipeline(created: dict[str, Any]) -> None:
    assert created["result"] == "succeeded"
    assert {"pipeline_url", "webhook_url", "git_remote_url"} <= created["outputs"].keys()


def test_an_empty_repository_is_a_cause_in_words(checkout: Checkout, pipeline: Pipeline) -> None:
    """CodePipeline runs a new pipeline at once, which finds no branch here."""
    until(lambda: any(run["status"] in ENDED for run in pipeline.executions()))
    stopped = status(checkout)["pipeline"]["stopped"]
    assert stopped["stage"] == "Source"
    found = checkout.json("diagnose", "--stack", "local")["diagnosis"]
    assert found["name"] == "branch not found"
    assert "octo/shop has no branch main" in found["cause"]


def test_nothing_waits_before_a_push(checkout: Checkout, created: dict[str, Any]) -> None:
    done = checkout.run("pipeline", "approve", "--stack", "local")
    assert done.returncode == 2
    assert "waits for an answer" in done.stderr


def test_status_shows_every_stage_of_the_waiting_run(checkout: Checkout, first: str) -> None:
    document = status(checkout)
    pipeline = document["pipeline"]
    told = {stage["name"]: stage["status"] for stage in pipeline["stages"]}
    assert list(told) == STAGES
    assert [told[name] for name in STAGES[:4]] == ["Succeeded"] * 3 + ["InProgress"]
    assert pipeline["execution"]["commit"] == first
    assert pipeline["execution"]["message"] == "First release"
    assert document["release"]["commit"] != first


def test_build_logs_hold_both_builds(checkout: Checkout, first: str) -> None:
    rows: Any = checkout.json("logs", "--build", "--stack", "local")
    texts = {(row["stage"], row["message"]) for row in rows}
    assert ("Test", "all is well") in texts
    assert any(stage == "Build" and "imageUri" in text for stage, text in texts)


def test_an_approved_release_goes_live(
    checkout: Checkout, first: str, created: dict[str, Any], pipeline: Pipeline
) -> None:
    answered = checkout.json("pipeline", "approve", "--stack", "local", "--comment", "fine")
    assert answered["result"] == "approved"
    pipeline.wait_for(first)
    ended = status(checkout)
    assert ended["pipeline"]["execution"]["status"] == "Succeeded"
    assert ended["release"]["commit"] == first
    with urllib.request.urlopen(created["outputs"]["service_url"], timeout=30) as answer:
        assert first in answer.read().decode()


def test_releases_tell_their_commits(checkout: Checkout, first: str) -> None:
    found = checkout.json("releases", "--stack", "local")["releases"]
    assert [row["state"] for row in found] == ["current", "superseded"]
    assert found[0]["commit"] == first
    assert "@sha256:" in found[0]["image"]


def test_a_run_by_hand_that_is_rejected_exits_1(
    checkout: Checkout, first: str, pipeline: Pipeline
) -> None:
    with running(checkout, "pipeline", "start", "--json") as process:
        pipeline.wait_for_action("Approval", first, "InProgress")
        assert waits(checkout, first)
        done = checkout.run("pipeline", "reject", "--stack", "local", "--comment", "not today")
        assert done.returncode == 0, done.stderr
        document, told = process.communicate(timeout=LIMIT_SECONDS)
        assert process.returncode == 1, told
    assert '"result": "failed"' in document
    assert "not today" in document
    assert told.index("Source/Source Succeeded") < told.index("Approval/Approval Failed")
    assert status(checkout)["release"]["commit"] == first


def test_failed_tests_stop_there_with_their_cause(
    checkout: Checkout, repository: Repository, first: str, pipeline: Pipeline
) -> None:
    (repository.folder / "checks" / "run.sh").write_text("echo one went wrong\nexit 4\n")
    commit = repository.push("Broken")
    pipeline.wait_for(commit)
    told = status(checkout)["pipeline"]
    assert told["execution"]["commit"] == commit
    assert told["stopped"]
    found = checkout.json("diagnose", "--stack", "local")["diagnosis"]
    assert found["name"] == "tests failed"
    assert found["cause"] == (
        "The tests failed: one went wrong (`sh checks/run.sh` ended with exit status 4)."
    )
    assert "one went wrong" in found["evidence"]
    assert status(checkout)["release"]["commit"] == first


def test_the_state_costs_what_the_settings_say(checkout: Checkout, created: dict[str, Any]) -> None:
    running_cost = checkout.json("cost", "--stack", "local", "--running")
    planned = checkout.json("cost", "--stack", "local")
    assert running_cost["lines"] == planned["lines"]
    assert planned["monthly"] > 0
