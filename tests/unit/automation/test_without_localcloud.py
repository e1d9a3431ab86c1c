"""With `localcloud/` removed and its packages absent every command works on AWS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from automation import paths
from automation.run import app
from tests.unit.automation.without_localcloud.commands import BLOCKED, EXIT_STATUS

FOLDER = Path(__file__).parent / "without_localcloud"
COPIED = ("app", "automation", "infra", "__main__.py", "Pulumi.yaml", "requirements.txt")

SETTINGS = """config:
  aws:region: eu-central-1
  fargate-cd:target: aws
  fargate-cd:github_owner: octo
  fargate-cd:github_repository: shop
  fargate-cd:github_token: any
  fargate-cd:approval: true
  fargate-cd:jobs:
    nightly:
      command: [tidy]
      schedule: cron(0 3 * * ? *)
"""


class Row(NamedTuple):
    """A command line, what it must exit with, and words that it must print."""

    arguments: str
    code: int
    words: str


ROWS: Mapping[str, Row] = {
    "up": Row("up --yes --build", 0, "Succeeded"),
    "preview": Row("preview", 0, "1 to update"),
    "destroy": Row("destroy --yes", 0, "0 left"),
    "refresh": Row("refresh", 0, "nothing drifted"),
    "outputs": Row("outputs service_name", 0, "fargate-cd-dev"),
    "status": Row("status", 0, "healthy"),
    "logs": Row("logs", 0, "listening on 9292"),
    "releases": Row("releases", 0, "sha256:222222222222"),
    "rollback": Row("rollback --yes", 0, "Succeeded"),
    "exec": Row("exec -- id", EXIT_STATUS, "uid=0(root)"),
    "run": Row("run -- id", EXIT_STATUS, "ended with exit code 7"),
    "jobs": Row("jobs", 0, "failed (exit code 3)"),
    "run a job": Row("run nightly", EXIT_STATUS, "ended with exit code 7"),
    "diagnose": Row("diagnose", 0, "successful"),
    "cost": Row("cost", 0, "USD"),
    "use": Row("use dev", 0, "work on dev"),
    "doctor": Row("doctor", 0, "aws credentials"),
    "previews": Row("previews", 0, "no previews"),
    "prune": Row("prune --yes", 0, "preview"),
    "pipeline start": Row("pipeline start --no-wait", 0, "e2"),
    "pipeline approve": Row("pipeline approve --yes", 0, "pprove"),
    "pipeline reject": Row("pipeline reject --yes", 0, "eject"),
    "local start": Row("local start", 2, "This checkout has no localcloud/"),
    "local stop": Row("local stop", 2, "This checkout has no localcloud/"),
    "local status": Row("local status", 2, "This checkout has no localcloud/"),
    "local env": Row("local env", 2, "This checkout has no localcloud/"),
    "local logs": Row("local logs", 2, "This checkout has no localcloud/"),
    "a stack of the target local": Row("up --yes --stack local", 2, "has no localcloud/"),
}
"""Every command of the command line; one that is missing here fails a test below."""


def words(row: Row) -> list[str]:
    """The arguments; the stack comes before what is passed on to a container."""
    own, dashes, rest = row.arguments.partition(" -- ")
    stack = [] if "--stack" in own or own.startswith(("local", "use")) else ["--stack", "dev"]
    return [*own.split(), *stack, *([dashes.strip(), rest] if dashes else [])]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Each row's exit code and output, in a copy of the checkout without `localcloud/`."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source = paths.ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, checkout / name)
    (checkout / "Pulumi.dev.yaml").write_text(SETTINGS)
    shutil.copyfile(paths.ROOT / "Pulumi.local.yaml", checkout / "Pulumi.local.yaml")
    python = Path(sys.executable).parent
    environment = {
        "PATH": f"{FOLDER}:{python}:{os.environ['PATH']}",
        "HOME": str(checkout / "home"),
        "RECORDED": str(checkout),
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_CONFIG_FILE": os.devnull,
        "PULUMI_CONFIG_PASSPHRASE": "any",
    }
    rows = json.dumps({name: words(row) for name, row in ROWS.items()})
    done = subprocess.run(
        [sys.executable, FOLDER / "commands.py", checkout, rows, FOLDER / "recorded.json"],
        env=environment,
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ROWS)
def test_the_command_works(results: Mapping[str, Any], name: str) -> None:
    found = results[name]
    text = found["out"] + found["err"]
    assert found["code"] == ROWS[name].code, text
    assert ROWS[name].words in text


def commands(group: typer.Typer, before: str = "") -> Iterator[str]:
    """The names of every command of the command line."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield before + (command.name or command.callback.__name__.replace("_", "-"))
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{before}{inner.name} ")


def test_every_command_is_run() -> None:
    assert set(commands(app)) <= set(ROWS)


def test_the_packages_of_the_local_cloud_are_no_requirement_of_aws() -> None:
    required = (paths.ROOT / "requirements.txt").read_text().lower()
    names = {line.partition("==")[0].partition("[")[0] for line in required.splitlines()}
    assert not names & (BLOCKED | {"grpcio"})
