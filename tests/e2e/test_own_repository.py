"""A newcomer with an application that is not the sample, and with docs/own-repository.md alone.

The application is in Perl, in its own repository: slow to start, a log of plain text, files in
/tmp, a secret. Every command is the page's, as it stands there; the tests share one stack and run
in the order in which they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.checkout import Checkout, copy_tree
from tests.e2e.document_commands import blocks, typed
from tests.e2e.pipeline_harness import Load, Pipeline, greeting

PAGE = "docs/own-repository.md"
SHELL, SETTINGS = (
    {heading: block for heading, (block,) in blocks(PAGE, language).items()}
    for language in ("sh", "yaml")
)
BESIDE, NAME = "Put the two side by side", "Name the application and its repository"
SECRET, MAKE, PUSH = "Make the secret", "Make the environment", "Push"
GREETING = "Hello from the shop!"


@pytest.fixture(scope="module")
def checkout(
    tmp_path_factory: pytest.TempPathFactory, settling_seconds: float | None
) -> Iterator[Checkout]:
    """A checkout beside which nothing else is."""
    folder = tmp_path_factory.mktemp("team") / "fargate-cd"
    folder.mkdir()
    copy = copy_tree(folder, settling_seconds)
    try:
        yield copy
    finally:
        copy.run("destroy", "--stack", "local", "--yes", "--with-previews")
        stopped = copy.run("local", "stop")
        assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def shop(checkout: Checkout) -> Path:
    """The application's repository, and the settings that name it."""
    typed(checkout, SHELL[BESIDE])
    configure(checkout, SETTINGS[NAME])
    return checkout.root.parent / "shop"


@pytest.fixture(scope="module")
def url(checkout: Checkout, shop: Path) -> str:
    return str(checkout.json("outputs", "--stack", "local")["service_url"])


def configure(checkout: Checkout, lines: str) -> None:
    """Add lines of the page below `config:`, which is the file's last part."""
    file = checkout.root / "Pulumi.local.yaml"
    file.write_text(file.read_text() + lines)


def push(checkout: Checkout, shop: Path, old: str, new: str) -> str:
    """Change the server, commit and push; returns how the pipeline's run of the commit ended."""
    file = shop / "server.pl"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    commit = typed(
        checkout,
        "git -C ../shop commit --quiet --all --message Change && git -C ../shop rev-parse HEAD",
    ).strip()
    typed(checkout, SHELL[PUSH])
    Pipeline(checkout.client("codepipeline")).wait_for(commit)
    run = checkout.json("status", "--stack", "local")["pipeline"]["execution"]
    assert run["commit"] == commit
    return str(run["status"])


def test_without_its_secret_the_container_is_refused_in_its_own_words(
    checkout: Checkout, shop: Path
) -> None:
    refused = checkout.run("up", "--stack", "local", "--yes")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "nothing was touched" in refused.stderr
    assert "API_KEY is not set" in refused.stderr


def test_it_comes_up(checkout: Checkout, shop: Path) -> None:
    arn = typed(checkout, SHELL[SECRET]).strip().splitlines()[-1]
    assert arn.startswith("arn:aws:secretsmanager:")
    configure(checkout, SETTINGS[SECRET].replace("ARN", arn))
    said = typed(checkout, SHELL[MAKE])
    assert "local: Succeeded" in said
    assert f"{GREETING}\n" in said
    assert "key: 0 letters" not in said


def test_a_push_is_a_release(checkout: Checkout, shop: Path, url: str) -> None:
    with Load(url) as load:
        assert push(checkout, shop, GREETING, "Hello from a push!") == "Succeeded"
    assert load.lost == []
    assert greeting(url) == "Hello from a push!"
    released = checkout.json("status", "--stack", "local")["release"]["image"]
    assert checkout.run("outputs", "image_uri", "--stack", "local").stdout.strip() == released
    said = typed(checkout, SHELL["See the release"])
    assert "stage Deploy  Succeeded" in said
    assert " 200 GET / HTTP" in said, "a log of plain text is shown as it is"


def test_settings_are_tried_with_the_image_that_is_kept(checkout: Checkout, url: str) -> None:
    """Without the secret it can be tried here, and ends at once."""
    file = checkout.root / "Pulumi.local.yaml"
    whole = file.read_text()
    file.write_text(whole.partition("  fargate-cd:secrets:")[0])
    refused = checkout.run("up", "--stack", "local", "--yes")
    file.write_text(whole)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "The running image is kept, and app_path (../shop) is not built here" in refused.stderr
    assert "API_KEY is not set" in refused.stderr
    assert greeting(url) == "Hello from a push!"


def test_a_failed_release_leaves_the_site_as_it_was(
    checkout: Checkout, shop: Path, url: str
) -> None:
    with Load(url) as load:
        broken = 'die "the price list is missing\\n";\nprint "filling'
        assert push(checkout, shop, 'print "filling', broken) == "Failed"
    assert load.lost == []
    assert set(load.bodies) == {"Hello from a push!"}
    said = typed(checkout, SHELL["If a release fails"])
    assert "the price list is missing" in said
    assert "exit" in said


def test_rollback_puts_the_first_release_back(checkout: Checkout, url: str) -> None:
    with Load(url) as load:
        said = typed(checkout, SHELL["Go back"])
    assert "local: Succeeded" in said
    assert load.lost == []
    assert greeting(url) == GREETING


def test_a_branch_has_a_preview(checkout: Checkout, shop: Path, url: str) -> None:
    typed(
        checkout,
        "git -C ../shop checkout --quiet HEAD~1 -- . && "
        "git -C ../shop commit --quiet --message 'As before'",
    )
    said = typed(checkout, SHELL["A preview of a branch"])
    assert "feature/menu" in said
    assert "Hello from a push!\n" in said
    assert greeting(url) == GREETING


def test_nothing_is_left(checkout: Checkout, url: str) -> None:
    said = typed(checkout, SHELL["Take it all away"])
    assert "deleted, 0 left" in said
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=60)


def test_every_block_of_the_page_was_typed() -> None:
    used = {BESIDE, SECRET, MAKE, PUSH, "See the release", "If a release fails", "Go back"}
    assert set(SHELL) == used | {"A preview of a branch", "Take it all away"}
    assert set(SETTINGS) == {NAME, SECRET}
