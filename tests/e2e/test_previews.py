"""Previews on the local cloud, with real containers, in the order in which a team meets them.

The tests of this file share one environment and run in the order in which they stand.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from automation.previews.pull_request import cell
from infra.ingress.preview_route import preferred_port
from infra.names import preview_stack
from tests.e2e.checkout import ROOT, UP_SECONDS, Checkout, copy_tree
from tests.e2e.test_main_job import get, inventory
from tests.github_comments import GitHub
from tests.workflows import job_outputs, path_with, run_steps

ENVIRONMENT = ("--stack", "local")
UP = ("up", *ENVIRONMENT, "--yes", "--no-smoke")
"""The run of the container before an update is tested elsewhere, and by the workflows here."""


SOURCE = Path("app/hello/application.py")


def say(checkout: Checkout, text: str) -> None:
    """Let the application say something else from the next build on."""
    original = (ROOT / SOURCE).read_text()
    assert "Hello World!" in original
    (checkout.root / SOURCE).write_text(original.replace("Hello World!", f"Hello {text}!"))


def start(checkout: Checkout, *arguments: str) -> subprocess.Popen[str]:
    """A command of the driver that runs beside others."""
    return subprocess.Popen(
        [sys.executable, "automation/run.py", *arguments, "--json"],
        cwd=checkout.root,
        env=checkout.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Its exit code, its document, and what it said beside."""
    out, err = process.communicate(timeout=UP_SECONDS)
    return process.returncode, json.loads(out), err


class Watch:
    """Asks URLs again and again, on a connection for each request, and keeps what went wrong."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.urls = urls
        self.seen: dict[str, set[str]] = {name: set() for name in urls}
        self.answers = dict.fromkeys(urls, 0)
        self.failures: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(name,)) for name in urls]

    def _ask(self, name: str) -> None:
        while not self._over.is_set():
            try:
                self.seen[name].add(spoken(get(self.urls[name])))
                self.answers[name] += 1
            except (OSError, urllib.error.URLError) as error:
                self.failures.append(f"{name}: {error}")
            self._over.wait(0.05)

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def spoken(body: str) -> str:
    """Whom a page greets."""
    return body.partition("Hello ")[2].partition("!")[0]


@pytest.fixture(scope="module")
def checkout(
    tmp_path_factory: pytest.TempPathFactory, settling_seconds: float | None
) -> Iterator[Checkout]:
    copy = copy_tree(tmp_path_factory.mktemp("previews"), settling_seconds)
    try:
        yield copy
    finally:
        copy.run("destroy", *ENVIRONMENT, "--yes", "--with-previews")
        stopped = copy.run("local", "stop")
        assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def environment(checkout: Checkout) -> dict[str, Any]:
    """The environment, as deploy.yml makes it of a push, and what there was before any preview."""
    refused = checkout.run(*UP, "--branch", "early")
    assert refused.returncode == 2, refused.stderr
    assert "environment local does not exist" in refused.stderr
    in_workflow(checkout, "deploy", "dev", {"STACK": "local"})
    handed_on = job_outputs("deploy", "dev", checkout.root / OUTPUT)
    outputs = checkout.json("outputs", *ENVIRONMENT)
    assert handed_on == {"image": outputs["image_uri"]}
    return {"outputs": outputs, "inventory": inventory(checkout)}


def meeting(branch: str) -> str:
    """Another branch whose preview would like to have the same port; it tries to be a path too."""
    wanted = preferred_port(preview_stack("local", branch))
    names = (f"../../branch {number}" for number in range(10**6))
    return next(n for n in names if preferred_port(preview_stack("local", n)) == wanted)


HOSTILE = "--stack=prod;$(touch${IFS}owned)/Ünïcode…"
"""A name that wants to be an option and a command, and is just a branch, for git too."""

PUSHED = "feature/login"
UNPUSHED = meeting(PUSHED)
"""Git takes no such name, so that no remote has it."""

BRANCHES = (HOSTILE, PUSHED, UNPUSHED)

OUTPUT = "github-output"
"""The file in which a workflow's steps leave what others take on."""


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        yield server


def in_workflow(
    checkout: Checkout, name: str, job: str, values: Mapping[str, str], **defaults: str
) -> None:
    """Run the commands of a workflow's job, as they stand there.

    Args:
        checkout: where.
        name: the workflow.
        job: its job.
        values: what the workflow's own variables hold.
        defaults: what GitHub sets for every step.
    """
    backend = ("PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE")
    variables = {
        **checkout.environment,
        "PATH": path_with(Path(sys.executable)),
        "GITHUB_OUTPUT": str(checkout.root / OUTPUT),
        **defaults,
    }
    run_steps(name, job, checkout.root, variables, {**dict.fromkeys(backend, ""), **values})


def in_pull_request(checkout: Checkout, github: GitHub, job: str) -> dict[str, Any]:
    """Run a job of preview.yml for the first branch; what its command printed."""
    values = {"STACK": "local", "BRANCH": BRANCHES[0], **github.environment}
    told = {name: github.environment[name] for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY")}
    in_workflow(checkout, "preview", job, values, **told)
    document: dict[str, Any] = json.loads((checkout.root / "preview.json").read_text())
    return document


@pytest.fixture(scope="module")
def began() -> datetime:
    """A moment before the first preview."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def previews(
    checkout: Checkout, environment: dict[str, Any], github: GitHub, began: datetime
) -> dict[str, dict[str, Any]]:
    """Branch → the document of its `up`: the first one's in the workflow of a pull request, the
    others' at the same moment."""
    made = {}
    with_remote(checkout, (HOSTILE, PUSHED))
    say(checkout, "zero")
    made[BRANCHES[0]] = in_pull_request(checkout, github, "up")
    say(checkout, "one")
    with ThreadPoolExecutor() as pool:
        both = {
            branch: pool.submit(ended, start(checkout, *UP, "--branch", branch))
            for branch in BRANCHES[1:]
        }
    for branch, future in both.items():
        code, document, err = future.result()
        assert code == 0, err
        made[branch] = document
    return made


def test_each_preview_is_healthy_at_a_url_of_its_own(
    checkout: Checkout, environment: dict[str, Any], previews: dict[str, dict[str, Any]]
) -> None:
    assert all(each["result"] == "succeeded" for each in previews.values())
    urls = [each["outputs"]["service_url"] for each in (environment, *previews.values())]
    assert len(set(urls)) == 4
    said = [spoken(get(url)) for url in urls]
    assert said == ["World", "zero", "one", "one"]
    assert not list(checkout.root.rglob("owned"))


def test_the_pull_request_tells_of_the_preview(
    github: GitHub, previews: dict[str, dict[str, Any]]
) -> None:
    (comment,) = github.comments
    told = previews[BRANCHES[0]]["outputs"]
    assert told["service_url"] in str(comment["body"])
    assert cell(told["image_uri"]) in str(comment["body"])
    assert "succeeded after" in str(comment["body"])
    assert "USD a month" in str(comment["body"])


def test_a_preview_adds_at_most_twelve_resources(
    environment: dict[str, Any], previews: dict[str, dict[str, Any]]
) -> None:
    for document in previews.values():
        assert document["changes"]["create"] + 1 <= 12, "and the stack itself"


def test_the_list_of_previews(
    checkout: Checkout, previews: dict[str, dict[str, Any]], began: datetime
) -> None:
    listed = checkout.json("previews", *ENVIRONMENT)["previews"]
    longest = (datetime.now(UTC) - began).total_seconds()
    assert {each["branch"] for each in listed} == set(BRANCHES)
    for each in listed:
        assert each["url"] == previews[each["branch"]]["outputs"]["service_url"]
        assert each["creator"]
        assert 0 < each["age_seconds"] < longest
        assert 71 * 3600 < each["seconds_left"] <= 72 * 3600
        assert 0 < each["monthly_usd"] < 20
    shown = checkout.run("previews", *ENVIRONMENT)
    assert all(branch in shown.stdout for branch in BRANCHES)


def test_a_preview_is_described_by_its_branch(
    checkout: Checkout, previews: dict[str, dict[str, Any]]
) -> None:
    branch = BRANCHES[0]
    status = checkout.json("status", *ENVIRONMENT, "--branch", branch)
    assert (status["service"]["desired"], status["service"]["running"]) == (1, 1)
    bare = checkout.run("outputs", "preview_branch", *ENVIRONMENT, "--branch", branch)
    assert bare.stdout.rstrip("\n") == branch
    tags = checkout.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "stack", "Values": [preview_stack("local", branch)]}]
    )["ResourceTagMappingList"]
    for row in tags:
        pairs = {tag["Key"]: tag["Value"] for tag in row["Tags"]}
        assert pairs["branch"] == "--stack=prod___touch__IFS_owned_/Ünïcode_"
        assert pairs["environment"] == "local"
        assert pairs["creator"]
    assert any("expires" in {tag["Key"] for tag in row["Tags"]} for row in tags)


def test_an_update_of_one_leaves_the_others_alone(
    checkout: Checkout, environment: dict[str, Any], previews: dict[str, dict[str, Any]]
) -> None:
    updated = BRANCHES[0]
    urls = {name: each["outputs"]["service_url"] for name, each in previews.items()}
    urls["environment"] = environment["outputs"]["service_url"]
    say(checkout, "two")
    with Watch(urls) as watch:
        first = start(checkout, *UP, "--branch", updated)
        second = start(checkout, *UP, "--branch", updated)
        outcomes = [ended(first), ended(second)]
    assert sorted(code for code, _, _ in outcomes) == [0, 3], "one wins, the other one is told"
    assert watch.failures == []
    assert watch.seen == {
        updated: {"zero", "two"},
        BRANCHES[1]: {"one"},
        BRANCHES[2]: {"one"},
        "environment": {"World"},
    }
    assert all(count > 20 for count in watch.answers.values())


def test_an_environment_with_previews_stays(
    checkout: Checkout, previews: dict[str, dict[str, Any]]
) -> None:
    refused = checkout.run("destroy", *ENVIRONMENT, "--yes")
    assert refused.returncode == 2
    assert all(preview_stack("local", branch) in refused.stderr for branch in BRANCHES)
    assert "--with-previews" in refused.stderr


def remote_of(checkout: Checkout) -> Path:
    """The repository that the checkout's remote `origin` leads to."""
    return checkout.root.parent / "remote.git"


def with_remote(checkout: Checkout, branches: Iterable[str]) -> None:
    """Make the checkout a repository of git, with a remote that has these branches beside main."""
    remote = remote_of(checkout)
    nobody = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    run_git("init", "--quiet", "--bare", str(remote))
    run_git("-C", str(remote), "hash-object", "-t", "tree", "-w", "/dev/null")
    commit = run_git("-C", str(remote), *nobody, "commit-tree", "-m", "first", empty)
    for branch in ("main", *branches):
        run_git("-C", str(remote), "update-ref", f"refs/heads/{branch}", commit)
    run_git("-C", str(checkout.root), "init", "--quiet")
    run_git("-C", str(checkout.root), "remote", "add", "origin", str(remote))


def run_git(*arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_prune_takes_exactly_the_expired(
    checkout: Checkout, environment: dict[str, Any], previews: dict[str, dict[str, Any]]
) -> None:
    """One is extended to a longer life, which deploys nothing; the clock is moved past the rest.

    Before it is moved the nightly workflow finds that one of them has lost its branch.
    """
    stays = BRANCHES[0]
    before = checkout.json("outputs", *ENVIRONMENT, "--branch", stays)
    checkout.configure(preview_settings={"preview_ttl_hours": 500})
    extended = checkout.json(*UP, "--branch", stays)
    assert extended["changes"]["create"] + extended["changes"]["replace"] == 0
    assert extended["outputs"]["preview_expires"] > before["preview_expires"]
    for kept in ("image_uri", "preview_creator", "service_url"):
        assert extended["outputs"][kept] == before[kept]
    at = (datetime.now(UTC) + timedelta(hours=100)).isoformat()
    dry = checkout.json("prune", *ENVIRONMENT, "--dry-run", "--at", at)
    expired = {preview_stack("local", branch) for branch in BRANCHES[1:]}
    assert {each["stack"] for each in dry["pruned"]} == expired
    assert len(checkout.json("previews", *ENVIRONMENT)["previews"]) == 3
    in_workflow(checkout, "prune", "prune", {"STACK": "local"})
    listed = checkout.json("previews", *ENVIRONMENT)["previews"]
    assert {each["branch"]: each["remote"] for each in listed} == {
        HOSTILE: "origin",
        PUSHED: "origin",
        UNPUSHED: None,
    }, "a branch that was never pushed is not gone"
    run_git("-C", str(remote_of(checkout)), "update-ref", "-d", f"refs/heads/{PUSHED}")
    in_workflow(checkout, "prune", "prune", {"STACK": "local"})
    remaining = {each["branch"] for each in checkout.json("previews", *ENVIRONMENT)["previews"]}
    assert remaining == {HOSTILE, UNPUSHED}, "the one whose branch is gone is gone"
    pruned = checkout.json("prune", *ENVIRONMENT, "--yes", "--at", at)
    assert [(each["stack"], each["result"]) for each in pruned["pruned"]] == [
        (preview_stack("local", UNPUSHED), "destroyed")
    ]
    (left,) = checkout.json("previews", *ENVIRONMENT)["previews"]
    assert left["branch"] == stays
    assert spoken(get(left["url"])) == "two"
    assert spoken(get(environment["outputs"]["service_url"])) == "World"


def test_without_its_previews_the_environment_is_as_it_was(
    checkout: Checkout,
    environment: dict[str, Any],
    previews: dict[str, dict[str, Any]],
    github: GitHub,
) -> None:
    document = in_pull_request(checkout, github, "down")
    assert (document["result"], document["leftovers"]) == ("succeeded", [])
    (comment,) = github.comments
    assert "gone." in str(comment["body"])
    again = checkout.json("destroy", *ENVIRONMENT, "--branch", BRANCHES[0], "--yes")
    assert again["deleted"] == 0
    assert inventory(checkout) == environment["inventory"]
    rules = checkout.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    assert {
        rule["FromPort"] for rule in rules if rule.get("CidrIpv4") and not rule["IsEgress"]
    } <= {80}
    images = checkout.client("ecr").list_images(repositoryName="fargate-cd-local")["imageIds"]
    assert not [row for row in images if row.get("imageTag", "").startswith("preview-")]
    say(checkout, "World")
    looked = checkout.run("preview", *ENVIRONMENT, "--expect-no-changes")
    assert looked.returncode == 0, looked.stdout + looked.stderr


def test_the_image_of_one_environment_is_released_as_it_is(
    checkout: Checkout, environment: dict[str, Any], previews: dict[str, dict[str, Any]]
) -> None:
    """By deploy.yml's second job: here into the environment that it comes from, where nothing is
    to be deployed, and nothing is built."""
    say(checkout, "nobody")
    image = environment["outputs"]["image_uri"]
    in_workflow(checkout, "deploy", "prod", {"STACK": "local", "IMAGE": image})
    assert checkout.run("outputs", "image_uri", *ENVIRONMENT).stdout.strip() == image
    assert spoken(get(environment["outputs"]["service_url"])) == "World"
