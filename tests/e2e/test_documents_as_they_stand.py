"""The commands of README.md and docs/*.md are typed as they stand, in one stack's life.

`run.py` commands are collected from code blocks, tables and sentences; a command that stands in
several places is typed once, without regard to `--stack local` and `--yes`, which the environment
and the missing terminal make equal. Blocks with other programs are typed as whole blocks.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Mapping

import pytest
import yaml

from tests.e2e.checkout import ROOT, UP_SECONDS, Checkout
from tests.e2e.document_commands import blocks, typed
from tests.e2e.pipeline_harness import Pipeline
from tests.unit.test_document_commands import commands
from tests.unit.test_documents import PAGES

AWS = "needs an account of AWS"
NAMED = "names a command; it is no command line"
NOT_HERE: Mapping[str, str] = {
    "doctor --stack dev": AWS,
    "up --stack dev": AWS,
    "up --stack prod --image URI": AWS,
    "outputs image_uri --stack dev": AWS,
    "outputs repository_url --stack dev": AWS,
    "outputs git_remote_url --stack dev": AWS,
    "outputs github_preview_role_arn --stack dev": AWS,
    "outputs github_deploy_role_arn --stack dev": AWS,
    "cost --stack dev --running": AWS,
    "up --stack trial": AWS,
    "preview --stack trial --expect-no-changes": AWS,
    "exec --stack trial -- sh -c 'id; exit 3'": AWS,
    "destroy --stack trial": AWS,
    "up --stack api": "tests/e2e/test_place.py",
    "up --image URI": "tests/e2e/test_operate_starts.py",
    "rollback": "tests/e2e/test_own_repository.py",
    "rollback --to 3": "tests/e2e/test_operate_commands.py",
    "logs --container collector": "tests/e2e/test_sidecars.py",
    "exec --container collector -- sh": "tests/e2e/test_sidecars.py",
    "pipeline approve": "tests/e2e/test_pipeline_commands.py",
    "exec": NAMED,
    "run": NAMED,
    "up --branch": NAMED,
    "up --branch BRANCH": NAMED,
}
"""A command → why it is not typed here, or the test that types it in a stack that it needs."""

FOLLOWED = {"docs/own-repository.md": "tests/e2e/test_own_repository.py"}
"""A page → the test that types all of its commands."""

OWN = [page for page in PAGES if page == ROOT / "README.md" or page.parent == ROOT / "docs"]
VALUES = {"COMMAND…": "true", "BRANCH": "feature/menu", "JOB": "nightly"}
PARTS = {
    "processes": {"worker": {"command": ["sleep", "infinity"]}},
    "jobs": {"nightly": {"command": ["true"], "schedule": "cron(0 3 * * ? *)"}},
    "stop_timeout": 2,
    "test_commands": ["exit 3"],
}
"""The worker and the job that the documents speak of; and a test that ends the pipeline's run soon
(test_own_repository.py has releases)."""

ENDLESS = ("status --watch", "logs --follow")
AFTER_A_PUSH = ("logs --build",)
OF_A_PREVIEW = re.compile(r"--branch|^previews|^prune")
LAST = "destroy"
README = blocks("README.md", "")
TRY, PUSH, PREVIEW = "Try it", "Push, and it is released", "A preview for a branch"


def plain(command: str) -> str:
    """A command without what the environment says as well."""
    return re.sub(r" --stack local\b| --yes\b", "", command)


def collected() -> dict[str, str]:
    """Every command of the driver in the documents, in their order: plain form → as it stands."""
    found: dict[str, str] = {}
    for page in OWN:
        if str(page.relative_to(ROOT)) in FOLLOWED:
            continue
        for command in commands(page):
            stands = found.setdefault(plain(command), command)
            found[plain(command)] = max(stands, command, key=len)
    return found


HERE = {form: stands for form, stands in collected().items() if form not in NOT_HERE}
LOOKS = [
    each
    for form, each in HERE.items()
    if not OF_A_PREVIEW.search(form) and form not in (*ENDLESS, *AFTER_A_PUSH, LAST)
]
OF_PREVIEWS = [each for form, each in HERE.items() if OF_A_PREVIEW.search(form)]


def line(command: str) -> str:
    """What is typed for a command of the driver; a word for the reader's own gets a value."""
    words = [VALUES.get(word, word) for word in command.split(" ")]
    return f"python automation/run.py {' '.join(words)}"


def without_prompts(block: str) -> str:
    """The lines of a console's block that are typed."""
    return "\n".join(row[2:] for row in block.splitlines() if row.startswith("$ "))


SET_UP = {"FARGATE_CD_STACK": "local", "MAKEFLAGS": "--old-file=.venv/.installed"}
"""The packages are there: the tests run in them."""


@pytest.fixture(scope="module")
def here(checkout: Checkout) -> Checkout:
    """A clone with its virtual environment and the README's pipeline."""
    (checkout.root / ".venv").symlink_to(sys.prefix)
    checkout.configure(**PARTS)
    settings, _ = README[PUSH]
    file = checkout.root / "Pulumi.local.yaml"
    file.write_text(file.read_text() + settings)
    typed(checkout, "git init --quiet && git add . && git commit --quiet --message clone")
    return checkout


def test_every_command_is_typed_or_has_a_reason() -> None:
    assert set(NOT_HERE) - set(collected()) == set()
    for form, reason in NOT_HERE.items():
        if reason.endswith(".py"):
            text = (ROOT / reason).read_text()
            verb = re.match(r"[a-z ]+", form)
            assert verb
            assert f'"{verb[0].split()[0]}"' in text or "blocks(PAGE" in text
    assert len(HERE) > 30


def test_the_first_minutes(here: Checkout) -> None:
    up, _, curl = README[TRY]
    assert "local: Succeeded" in typed(here, up, **SET_UP)
    assert "Hello World!" in typed(here, without_prompts(curl), **SET_UP)


@pytest.mark.parametrize("command", LOOKS)
def test_it_can_be_typed(here: Checkout, command: str) -> None:
    typed(here, line(command), **SET_UP)


@pytest.mark.parametrize("command", ENDLESS)
def test_it_goes_on_until_it_is_interrupted(here: Checkout, command: str) -> None:
    _, _, curl = README[TRY]
    typed(here, without_prompts(curl), **SET_UP)  # so that the log has a line that is not old
    with subprocess.Popen(
        [sys.executable, *line(command).split()[1:]],
        cwd=here.root,
        env=here.environment | SET_UP,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline()
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(UP_SECONDS) == 130


def test_settings_can_be_written_by_the_engine(here: Checkout) -> None:
    """The engine is where `make up` has put it; it writes the names that the README gives."""
    file = here.root / "Pulumi.local.yaml"
    (block,) = blocks("docs/pipeline.md", "console")["How a push starts a run"]
    first, second, *_ = without_prompts(block).replace("--stack dev", "--stack local").splitlines()
    assert first.startswith("pulumi config set ")
    typed(here, f'eval "$({line("local env")})"\n{first}\n{second}', **SET_UP)
    settings = yaml.safe_load(file.read_text())["config"]
    assert settings["fargate-cd:github_owner"] == "acme"
    assert settings["fargate-cd:github_repository"] == "hello"


def test_a_preview_for_a_branch(here: Checkout) -> None:
    (block,) = README[PREVIEW]
    up, look, prune = block.splitlines()
    typed(here, f"{up}\n{look}", **SET_UP)
    for command in OF_PREVIEWS:
        if line(command) not in block:
            typed(here, line(command), **SET_UP)
    typed(here, prune, **SET_UP)
    said = typed(here, line("destroy --branch feature/menu --yes"), **SET_UP)
    assert "0 left" in said


def test_a_push_starts_the_pipeline(here: Checkout) -> None:
    _, block = README[PUSH]
    said = typed(here, block, **SET_UP)
    assert "pipeline fargate-cd-local" in said
    commit = typed(here, "git rev-parse HEAD").strip()
    Pipeline(here.client("codepipeline")).wait_for(commit)
    run = here.json("status", "--stack", "local")["pipeline"]["execution"]
    assert (run["commit"], run["status"]) == (commit, "Failed")
    for command in AFTER_A_PUSH:
        assert "exit 3" in typed(here, line(command), **SET_UP)
    _, _, curl = README[TRY]
    assert "Hello World!" in typed(here, without_prompts(curl), **SET_UP)


def test_all_of_it_is_taken_away(here: Checkout) -> None:
    assert "deleted, 0 left" in typed(here, line(f"{LAST} --yes"), **SET_UP)
