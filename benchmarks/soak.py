"""Releases and previews in a row under load, with faults between them: `make soak`.

`python -m benchmarks.soak [--releases N] [--previews N] [--steps N] [--seed N]`. The faults are
drawn by the seed, which is printed, so that a run can be repeated. Afterwards nothing may differ:
the service is healthy and as its settings say, no request is lost but by a fault that may lose
some, the previews and everything of the stack are gone, and memory and disk are back where they
were after the first release. Needs Docker and the Pulumi engine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import psutil

from tests.e2e.checkout import UP_SECONDS, Checkout, copy_tree
from tests.e2e.faulty import SETTINGS, Visitor, names, prepare

STACK = ("--stack", "local")
UP = ("up", *STACK, "--yes", "--no-smoke")
CUT_SECONDS = 10.0
LOSING_SECONDS = 30.0
"""For so long after a task was killed, requests that go to it may be lost: the time until its
target fails two health checks, with time to spare."""
MOST_GROWTH_MIB = 100.0
"""How much more memory and disk the local cloud may hold at the end than after the first release:
its records of releases, deliveries and log events."""


@dataclass
class Soak:
    """One run.

    Attributes:
        checkout: where it runs.
        draw: the source of chance.
        losing: from when to when a fault may lose requests, as seconds since 1970.
        told: what was done, in order.
    """

    checkout: Checkout
    draw: random.Random
    losing: list[tuple[float, float]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def say(self, words: str) -> None:
        """Note what is done."""
        self.told.append(words)
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")

    def succeeds(self, *arguments: str) -> None:
        """A command that must exit with 0.

        Raises:
            RuntimeError: it did not.
        """
        done = self.checkout.run(*arguments)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")

    def process(self) -> psutil.Process:
        """The local cloud's."""
        endpoints = json.loads((self.checkout.state_dir / "endpoints.json").read_text())
        return psutil.Process(endpoints["pid"])

    def held(self) -> tuple[float, float]:
        """MiB of memory and of disk that the local cloud holds."""
        files = (file for file in self.checkout.state_dir.rglob("*") if file.is_file())
        disk = sum(file.stat().st_size for file in files)
        return self.process().memory_info().rss / 2**20, disk / 2**20


def throttled(soak: Soak) -> None:
    """The next calls of ECS are throttled, or fail once."""
    rows = [
        {"service": "ecs", "operation": "UpdateService", "code": "ThrottlingException"},
        {"service": "ecs", "operation": "DescribeServices", "code": "ServerException", "times": 2},
    ]
    (soak.checkout.state_dir / "faults.json").write_text(json.dumps(rows))


def killed_task(soak: Soak) -> None:
    """A container of the service is killed."""
    task = soak.draw.choice(sorted(tasks(soak.checkout)))
    label = [f"com.amazonaws.ecs.task-arn={task}", "com.amazonaws.ecs.container-name=app"]
    client = docker.from_env()
    for container in client.containers.list(ignore_removed=True, filters={"label": label}):
        soak.losing.append((time.time(), time.time() + LOSING_SECONDS))
        container.kill()
    client.close()


def tasks(checkout: Checkout) -> list[str]:
    """The ARNs of the service's tasks."""
    where = names(checkout)
    ecs = checkout.client("ecs")
    found = ecs.list_tasks(cluster=where["cluster"], serviceName=where["service"])["taskArns"]
    return [str(arn) for arn in found]


def killed_cloud(soak: Soak) -> None:
    """The local cloud dies; the next command starts it again."""
    soak.process().kill()


def killed_driver(soak: Soak) -> None:
    """A driver is killed in the midst of an update; the next one goes on."""
    update = soak.checkout.begin(*UP)
    time.sleep(soak.draw.uniform(1, 15))
    update.kill()
    update.wait()


def cut_network(soak: Soak) -> None:
    """The cloud is out of reach for a while during an update."""
    update = soak.checkout.begin(*UP)
    time.sleep(soak.draw.uniform(1, 15))
    process = soak.process()
    os.kill(process.pid, signal.SIGSTOP)
    try:
        time.sleep(CUT_SECONDS)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    said = update.communicate(timeout=UP_SECONDS)[0]
    if update.returncode:
        raise RuntimeError(f"the update did not outlive the cut: {said}")


FAULTS: tuple[Callable[[Soak], None], ...] = (
    throttled,
    killed_task,
    killed_cloud,
    killed_driver,
    cut_network,
)


def steps(draw: random.Random, releases: int, previews: int) -> list[str]:
    """Releases and previews in an order that chance gives."""
    order = ["release"] * releases + ["preview"] * previews
    draw.shuffle(order)
    return order


def take(soak: Soak, number: int, step: str) -> None:
    """One step, after a fault or none."""
    fault = soak.draw.choice([None, *FAULTS])
    soak.say(f"{number}: {step} after {fault.__name__ if fault else 'no fault'}")
    if fault:
        fault(soak)
    if step == "release":
        soak.checkout.configure(environment={"VERSION": str(number)})
        soak.succeeds(*UP)
    else:
        soak.succeeds(*UP, "--branch", f"soak-{number}")
        soak.succeeds("destroy", *STACK, "--branch", f"soak-{number}", "--yes")


def lost(soak: Soak, faults: list[str]) -> list[str]:
    """The requests that no fault explains."""
    return [
        fault
        for fault in faults
        if not any(start <= float(fault.partition(":")[0]) <= end + 1 for start, end in soak.losing)
    ]


def run(soak: Soak, order: list[str]) -> dict[str, Any]:
    """Take the steps in this order; what was found.

    Raises:
        RuntimeError: a command did not do what it must.
    """
    soak.succeeds(*UP)
    before = soak.held()
    url = str(soak.checkout.json("outputs", *STACK)["service_url"])
    with Visitor(url) as visitor:
        for number, step in enumerate(order, 1):
            take(soak, number, step)
        soak.succeeds(*UP)
    status = soak.checkout.json("status", *STACK)["service"]
    soak.succeeds("preview", *STACK, "--expect-no-changes")
    after = soak.held()
    gone = soak.checkout.json("destroy", *STACK, "--yes")
    return {
        "healthy": status["running"] == status["desired"] == SETTINGS["desired_count"],
        "answers": visitor.answers,
        "lost": lost(soak, visitor.faults),
        "lost_by_faults": len(visitor.faults) - len(lost(soak, visitor.faults)),
        "leftovers": gone["leftovers"],
        "grown_mib": {
            kind: round(end - begin, 1)
            for kind, begin, end in zip(("memory", "disk"), before, after, strict=True)
        },
        "steps": soak.told,
    }


def sound(found: dict[str, Any]) -> bool:
    """Whether the run ended as it must."""
    grown = max(found["grown_mib"].values()) <= MOST_GROWTH_MIB
    return bool(found["healthy"] and grown and not found["lost"] and not found["leftovers"])


def main() -> None:
    """Run it; the exit code is 1 where something was lost or left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=50)
    parser.add_argument("--previews", type=int, default=20)
    parser.add_argument("--steps", type=int, help="only so many of them, the first ones drawn")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    sys.stderr.write(f"seed {given.seed}\n")
    with tempfile.TemporaryDirectory() as folder:
        checkout = copy_tree(Path(folder))
        prepare(checkout)
        soak = Soak(checkout, random.Random(given.seed))  # noqa: S311 - chance, not a secret
        try:
            order = steps(soak.draw, given.releases, given.previews)[: given.steps]
            found = run(soak, order)
        finally:
            checkout.run("destroy", *STACK, "--yes", "--with-previews")
            checkout.run("local", "stop")
    sys.stdout.write(json.dumps({"seed": given.seed, **found}, indent=2) + "\n")
    raise SystemExit(0 if sound(found) else 1)


if __name__ == "__main__":
    main()
