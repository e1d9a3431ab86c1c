"""The Docker engine is restarted in the midst of a rollout.

`python -m benchmarks.engine_restart` takes a few minutes, needs root, Docker, `unshare` and a base
image that an earlier `up` has made. It starts an engine of its own, with its own images and its own
network, so that no other container of this machine is touched. All containers end with their
engine; ECS starts them again, the update goes on, and the requests in between are lost. Prints one
JSON document; exits with 1 if the update fails, a request is lost at another time, the next `up`
changes something, or something is left over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from automation.paths import ROOT
from tests.e2e.checkout import UP_SECONDS, Checkout, copy_tree
from tests.e2e.faulty import Visitor, prepare
from tests.e2e.test_faults import in_rollout

STACK = ("--stack", "local")
UP = ("up", *STACK, "--yes", "--no-smoke")
INSIDE = "--inside"
ENGINE_SECONDS = 60
RETURN_SECONDS = 45.0
"""For so long after the engine answers again, requests may be lost: new tasks start, and pass their
first checks."""


class Own(Checkout):
    """A checkout whose containers run on the engine that DOCKER_HOST names."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"DOCKER_HOST": os.environ["DOCKER_HOST"]}


@dataclass
class Engine:
    """An engine that keeps all it has in a folder, and ends with the block."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            RuntimeError: it does not.
        """
        command = ["dockerd", "--host", os.environ["DOCKER_HOST"]]
        command += ["--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--pidfile", f"{self.folder}/pid"], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + ENGINE_SECONDS
        while subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no engine: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.3)

    def stop(self) -> None:
        """End it, and with it all its containers."""
        if self.process:
            self.process.terminate()
            self.process.wait(ENGINE_SECONDS)


def outside(folder: Path) -> int:
    """Take the images along, and go on in a network of its own; returns the exit code."""
    shown = ["docker", "images", "--filter", "reference=fargate-cd-[bs]a*", "--format"]
    images = subprocess.run(
        [*shown, "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True, check=True
    ).stdout.split()
    if not images:
        raise RuntimeError("There is no base image yet: `make up` makes it.")
    subprocess.run(["docker", "save", "--output", str(folder / "images.tar"), *images], check=True)
    within = ["unshare", "--net", "--mount", sys.executable, "-m", __spec__.name, INSIDE]
    environment = os.environ | {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
    done = subprocess.run([*within, str(folder)], cwd=ROOT, env=environment, check=False)
    return done.returncode


def restarted(checkout: Checkout, engine: Engine) -> dict[str, Any]:
    """Restart the engine in a rollout; returns what came of it."""
    prepare(checkout, desired_count=2)
    url = checkout.json(*UP)["outputs"]["service_url"]
    checkout.configure(environment={"START": "15"}, startup_seconds=60)
    with Visitor(url) as visitor:
        update = in_rollout(checkout, checkout.client("ecs"))
        away = time.time()
        engine.stop()
        engine.start()
        back = time.time()
        said = update.communicate(timeout=UP_SECONDS)[0]
    lost = [float(fault.partition(":")[0]) for fault in visitor.faults]
    late = [at for at in lost if not away <= at <= back + RETURN_SECONDS]
    again = checkout.run("preview", *STACK, "--expect-no-changes")
    gone = checkout.json("destroy", *STACK, "--yes")
    checkout.run("local", "stop")
    return {
        "update": update.returncode,
        "said": said.splitlines()[-20:] if update.returncode else [],
        "engine_away_seconds": round(back - away, 1),
        "answers": visitor.answers,
        "lost": len(lost),
        "answers_again_after_seconds": round(max(lost, default=back) - back, 1),
        "lost_at_another_time": len(late),
        "no_changes": again.returncode == 0,
        "leftovers": gone["leftovers"],
    }


def inside(folder: Path) -> int:
    """Stage it, and print what came of it; returns the exit code."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (folder / "checkout").mkdir()
    copy = copy_tree(folder / "checkout")
    with Engine(folder) as engine:
        subprocess.run(["docker", "load", "--input", f"{folder}/images.tar"], check=True)
        found = restarted(Own(copy.root), engine)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    well = found["update"] == 0 and not found["lost_at_another_time"] and found["no_changes"]
    return 0 if well and not found["leftovers"] else 1


def main(arguments: list[str]) -> int:
    """Run the benchmark; returns the exit code."""
    if arguments[:1] == [INSIDE]:
        return inside(Path(arguments[1]))
    with tempfile.TemporaryDirectory() as folder:
        return outside(Path(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
