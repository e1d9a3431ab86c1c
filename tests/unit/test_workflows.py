"""GitHub's workflows: sound, tight, and without a way for a branch's name to become a command."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from tests.actionlint import actionlint
from tests.workflows import FOLDER, commands, workflow

NAMES = sorted(path.stem for path in FOLDER.glob("*.yml"))
PULL_REQUEST_HEAD = "github.event.pull_request.head.repo.full_name == github.repository"
PULUMI = ("PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE")


def jobs(name: str) -> list[tuple[str, dict[str, Any]]]:
    return list(workflow(name)["jobs"].items())


ALL = [(name, job) for name in NAMES for job, _ in jobs(name)]


def test_the_workflows() -> None:
    assert NAMES == ["ci", "deploy", "preview", "prune"]


def test_actionlint_finds_nothing() -> None:
    files = [str(path) for path in sorted(FOLDER.glob("*.yml"))]
    done = subprocess.run(
        [str(actionlint()), "-no-color", *files], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("name", "job"), ALL)
def test_commands_hold_no_expressions(name: str, job: str) -> None:
    """An expression is pasted into the command: a branch called `$(reboot)` would run."""
    for step in commands(name, job):
        assert "${{" not in step["run"], step["name"]
        assert not re.search(r"(?<!\")\$(BRANCH|STACK|IMAGE)\b", step["run"]), step["name"]


@pytest.mark.parametrize(("name", "job"), ALL)
def test_jobs_have_the_least_rights_and_an_end(name: str, job: str) -> None:
    document, found = workflow(name), workflow(name)["jobs"][job]
    rights = found.get("permissions", document["permissions"])
    allowed = {"contents": "read", "id-token": "write", "pull-requests": "write"}
    assert rights.items() <= allowed.items()
    assert found["timeout-minutes"] <= 60
    uses = [step["uses"] for step in found["steps"] if "uses" in step]
    assert ("id-token" in rights) == any("aws-actions" in each for each in uses)


@pytest.mark.parametrize("job", ["up", "down"])
def test_forks_get_no_credentials(job: str) -> None:
    assert PULL_REQUEST_HEAD in workflow("preview")["jobs"][job]["if"]
    assert set(workflow("preview")["on"]) == {"pull_request"}, "pull_request_target has secrets"


def test_a_preview_follows_its_pull_request() -> None:
    triggers = workflow("preview")["on"]["pull_request"]["types"]
    assert set(triggers) == {"opened", "reopened", "synchronize", "closed"}


def test_the_nightly_prune_does_not_touch_environments() -> None:
    (schedule,) = workflow("prune")["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", schedule["cron"])
    runs = [step["run"] for step in commands("prune", "prune")]
    assert not any(word in run for run in runs for word in ("destroy", "--with-previews"))


def test_production_takes_the_image_of_dev_after_a_review() -> None:
    production = workflow("deploy")["jobs"]["prod"]
    assert (production["needs"], production["environment"]) == ("dev", "production")
    (up,) = [step["run"] for step in commands("deploy", "prod") if "run.py" in step["run"]]
    assert '--image "$IMAGE"' in up
    assert "--build" not in up


@pytest.mark.parametrize("name", ["preview", "prune", "deploy"])
def test_the_backend_is_the_teams(name: str) -> None:
    assert set(PULUMI) <= workflow(name)["env"].keys()
