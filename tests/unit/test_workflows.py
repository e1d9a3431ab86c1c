"""GitHub's workflows: sound, tight, and without a way for a branch's name to become a command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.actionlint import actionlint
from tests.workflows import FOLDER, commands, path_with, recording, run_steps, workflow

ROOT = Path(__file__).parents[2]
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
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each) for each in uses), "a tag can move"
    assert ("id-token" in rights) == any("aws-actions" in each for each in uses)


@pytest.mark.parametrize("job", ["up", "down"])
def test_forks_get_no_credentials(job: str) -> None:
    assert PULL_REQUEST_HEAD in workflow("preview")["jobs"][job]["if"]
    assert set(workflow("preview")["on"]) == {"pull_request"}, "pull_request_target has secrets"


@pytest.mark.parametrize("job", ["up", "down"])
def test_dependabot_gets_no_preview(job: str) -> None:
    """GitHub gives its runs no secrets, so that they could not open the stack's state.

    https://docs.github.com/en/code-security/dependabot/troubleshooting-dependabot/troubleshooting-dependabot-on-github-actions
    """
    assert "github.actor != 'dependabot[bot]'" in workflow("preview")["jobs"][job]["if"]


ROLES = {
    ("deploy", "dev"): "AWS_DEPLOY_ROLE_ARN",
    ("deploy", "prod"): "AWS_PRODUCTION_ROLE_ARN",
    ("preview", "up"): "AWS_PREVIEW_ROLE_ARN",
    ("preview", "down"): "AWS_PREVIEW_ROLE_ARN",
    ("prune", "prune"): "AWS_PREVIEW_ROLE_ARN",
}


@pytest.mark.parametrize(("name", "job"), ROLES)
def test_without_its_role_a_job_does_nothing(name: str, job: str) -> None:
    found, role = workflow(name)["jobs"][job], ROLES[name, job]
    assert f"vars.{role} != ''" in found["if"]
    (login,) = [step["with"] for step in found["steps"] if "aws-actions" in step.get("uses", "")]
    assert login["role-to-assume"] == f"${{{{ vars.{role} }}}}"
    document = (ROOT / "docs" / "previews.md").read_text()
    assert role in document


@pytest.mark.parametrize(("name", "job"), ROLES)
def test_what_changes_a_stack_is_alone_and_not_cut_off(name: str, job: str) -> None:
    """A workflow's group would be held by a promotion that waits for its review."""
    document = workflow(name)
    found = document["jobs"][job].get("concurrency", document.get("concurrency"))
    assert found["group"]
    assert not found.get("cancel-in-progress")
    assert (name == "deploy") == ("concurrency" not in document)


@pytest.mark.parametrize(
    ("job", "calls"),
    [
        ("lint", ["make lint"]),
        (
            "test",
            [
                "sudo apt-get update -qq",
                "sudo apt-get install --yes -qq haproxy",
                "sudo sysctl -q net.ipv4.ip_unprivileged_port_start=80",
                "make test",
            ],
        ),
    ],
)
def test_ci_runs_make_in_the_checkout(tmp_path: Path, job: str, calls: list[str]) -> None:
    """The steps as they stand, with programs that only tell how they were called: the tests can't
    be run within the tests. What they call is there: `make` knows the targets."""
    checkout, programs = tmp_path / "checkout", tmp_path / "programs"
    (checkout / ".ci").mkdir(parents=True)
    programs.mkdir()
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci" / "run")
    path = path_with(recording(programs, "make", "sudo") / "make")
    run_steps("ci", job, checkout, {"PATH": path}, {})
    assert (programs / "calls").read_text().splitlines() == calls
    target = calls[-1].removeprefix("make ")
    known = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, env=os.environ, capture_output=True, check=False
    )
    assert known.returncode == 0, known.stderr


def test_an_image_that_is_not_known_is_not_handed_on(tmp_path: Path) -> None:
    """The release of dev fails where its image can't be told, so that prod builds none instead."""
    path = path_with(recording(tmp_path, "pip") / "pip")
    (tmp_path / "python").write_text('#!/bin/sh\ncase "$2" in outputs) exit 1;; esac\n')
    (tmp_path / "python").chmod(0o755)
    output = tmp_path / "output"
    values = dict.fromkeys((*PULUMI, "STACK"), "dev")
    with pytest.raises(AssertionError, match="Which image that is"):
        run_steps("deploy", "dev", tmp_path, {"PATH": path, "GITHUB_OUTPUT": str(output)}, values)
    assert not output.exists()


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
