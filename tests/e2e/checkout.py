"""A checkout of its own for every end-to-end module: another folder, so another local cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml

from localcloud.api import LocalCloud
from localcloud.ecs.scheduler import SETTLING_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
UP_SECONDS = 600
"""How long one command may take; a hung engine fails the test rather than the whole run."""

DRAIN_SECONDS = 1
"""Tests end many tasks, whose answers take no time; by default each is drained for 10 s."""


@dataclass(frozen=True)
class Checkout:
    """A copy of the working tree, with a local cloud of its own.

    Attributes:
        settling_seconds: how long the local cloud looks at a healthy task before an older one goes;
            None leaves it the time that users have.
    """

    root: Path
    settling_seconds: float | None = field(default=None, kw_only=True)

    @property
    def state_dir(self) -> Path:
        return self.root / ".localcloud"

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, without what would point at another cloud or backend."""
        foreign = ("AWS_", "PULUMI_", "FARGATE_CD_", "GITHUB_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        settling = self.settling_seconds
        chosen = {} if settling is None else {SETTLING_VARIABLE: str(settling)}
        return kept | chosen | {"AWS_EC2_METADATA_DISABLED": "true"}

    def run(
        self, *arguments: str, given: str = "", **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """One command of the driver, as a user without a terminal runs it.

        Args:
            arguments: the command line.
            given: its standard input.
            extra: variables of its environment.
        """
        return subprocess.run(
            [sys.executable, "automation/run.py", *arguments],
            cwd=self.root,
            env=self.environment | extra,
            input=given,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )

    def has_stack(self, name: str) -> bool:
        """Whether the local backend still has a stack; `destroy` takes it away."""
        return any((self.state_dir / "pulumi" / ".pulumi" / "stacks").glob(f"*/{name}.json"))

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """A command of the driver that goes on while the test does."""
        return subprocess.Popen(
            [sys.executable, "automation/run.py", *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def json(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        """The JSON document of a command that must end with `exit_code`."""
        done = self.run(*arguments, "--json")
        assert done.returncode == exit_code, f"{done.stdout}\n{done.stderr}"
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def configure(self, **settings: object) -> None:
        """Write settings into Pulumi.local.yaml; None removes one."""
        path = self.root / "Pulumi.local.yaml"
        document = yaml.safe_load(path.read_text())
        for name, value in settings.items():
            document["config"].pop(f"fargate-cd:{name}", None)
            if value is not None:
                document["config"][f"fargate-cd:{name}"] = value
        path.write_text(yaml.safe_dump(document))

    def cloud_environment(self) -> dict[str, str]:
        """What `local env` prints, as a mapping; starts no command where the local cloud runs."""
        running = LocalCloud(self.state_dir).status()
        if running is not None:
            return running.environment()
        done = self.run("local", "env")
        assert done.returncode == 0, done.stderr
        lines = [line.removeprefix("export ") for line in done.stdout.splitlines() if "=" in line]
        return {k: v.strip("'\"") for k, _, v in (line.partition("=") for line in lines)}

    def client(self, service: str) -> Any:
        """A boto3 client of the local cloud, from nothing but `local env`."""
        environment = self.cloud_environment()
        return boto3.client(
            service,
            region_name=environment["AWS_REGION"],
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )


def until(look: Callable[[], Any], seconds: float = UP_SECONDS) -> Any:
    """The first true answer.

    Args:
        look: asks for what is waited for, many times: an API rather than a command of the driver.
        seconds: how long that may take.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.5)
    return found


def copy_tree(target: Path, settling_seconds: float | None = None) -> Checkout:
    """The files that git tracks or would, as they are in the working tree, with a short drain."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    copy = Checkout(target, settling_seconds=settling_seconds)
    copy.configure(deregistration_delay=DRAIN_SECONDS)
    return copy
