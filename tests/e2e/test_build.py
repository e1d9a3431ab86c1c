"""Arguments, a stage and secrets of a build, with real containers by `up`."""

from __future__ import annotations

import subprocess
import urllib.request

import pytest

from tests.e2e.checkout import Checkout

WORD = "hunter2-in-the-build"
DOCKERFILE = """\
ARG BASE_IMAGE=public.ecr.aws/docker/library/python:3.13-slim
FROM ${BASE_IMAGE} AS app
ARG FLAVOUR=plain
WORKDIR /srv
RUN --mount=type=secret,id=NPM_TOKEN \\
    echo "$FLAVOUR $(sha256sum < /run/secrets/NPM_TOKEN)" > index.html
CMD ["python3", "-m", "http.server", "9292"]
FROM app AS other
RUN exit 7
"""


@pytest.fixture(scope="module")
def serving(checkout: Checkout) -> str:
    """The URL of an application that was built with all of it."""
    folder = checkout.root / "shop"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    started = checkout.run("local", "start")
    assert started.returncode == 0, started.stderr
    manager = checkout.client("secretsmanager")
    secret = manager.create_secret(Name="npm", SecretString=WORD)["ARN"]
    checkout.configure(
        app_path="shop",
        build_args={"FLAVOUR": "dark"},
        build_target="app",
        build_secrets={"NPM_TOKEN": secret},
        desired_count=1,
    )
    return str(checkout.json("up", "--stack", "local", "--yes")["outputs"]["service_url"])


def test_the_build_had_its_argument_and_its_secret(serving: str) -> None:
    digest = subprocess.run(
        ["sha256sum"], input=WORD, capture_output=True, text=True, check=True
    ).stdout
    with urllib.request.urlopen(serving, timeout=60) as answer:
        assert answer.read().decode().split() == ["dark", *digest.split()]


def test_the_secret_is_nowhere(serving: str, checkout: Checkout) -> None:
    image = checkout.run("outputs", "image_uri", "--stack", "local").stdout.strip()
    history = subprocess.run(
        ["docker", "history", "--no-trunc", image], capture_output=True, text=True, check=True
    ).stdout
    assert "NPM_TOKEN" in history
    assert WORD not in history
    for file in checkout.state_dir.rglob("*"):
        if file.is_file() and "/workspace/" in str(file):
            assert WORD.encode() not in file.read_bytes(), file


def test_an_unchanged_build_deploys_nothing(serving: str, checkout: Checkout) -> None:
    done = checkout.run("preview", "--stack", "local", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    names = subprocess.run(
        ["docker", "image", "ls", "--format={{.Repository}}", "fargate-cd-built"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert names.stdout == "", "the local name is removed once the image is pushed"


def test_a_failed_stage_is_told_before_anything_is_touched(
    serving: str, checkout: Checkout
) -> None:
    checkout.configure(build_target="other")
    done = checkout.run("up", "--stack", "local", "--yes")
    assert done.returncode != 0
    assert "RUN exit 7" in done.stderr
    assert WORD not in done.stdout + done.stderr
