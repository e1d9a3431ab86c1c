"""How cost grows: with the number of resources of a stack, and with that of an environment's
previews. `python -m benchmarks.growth FOLDER COUNT` makes a stack of so many log groups."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pulumi_aws as aws

from automation.paths import ROOT
from benchmarks import flat, measure
from benchmarks.place import STACK, Place
from localcloud.server.process import Endpoints, status

RESOURCES = (60, 120, 240)
PREVIEWS = (1, 5, 20)


def of_resources(place: Place) -> Iterator[dict[str, Any]]:
    """A row for each number of resources."""
    for number in RESOURCES:
        folder = place.floor.parent / f"growth-{number}"
        folder.mkdir()
        command = [sys.executable, "-m", "benchmarks.growth", str(folder)]
        made = measure.process([*command, str(number)], ROOT, place.cloud)
        state = folder / ".pulumi" / "stacks" / flat.PROJECT / f"{flat.STACK}.json"
        yield {
            "resources": number,
            "create and preview, s": round(made.wall, 1),
            "processor time of program and engine, s": round(made.cpu, 1),
            "state, kB": state.stat().st_size // 1000,
            "memory of the local cloud, MB": _memory(place),
        }
        measure.process([*command, "0"], ROOT, place.cloud)


def of_previews(place: Place) -> Iterator[dict[str, Any]]:
    """A row for each number of previews beside the environment."""
    made = 0
    for number in PREVIEWS:
        while made < number:
            made += 1
            up = place.drive("up", *STACK, "--branch", f"growth-{made}", "--yes", "--no-smoke")
        yield {
            "previews": number,
            "`up` of the last one, s": round(up.wall, 1),
            "`previews`, s": round(place.drive("previews", *STACK).wall, 1),
            "`preview` of the environment, s": round(place.drive("preview", *STACK).wall, 1),
            "memory of the local cloud, MB": _memory(place),
        }
    for one in range(1, made + 1):
        place.drive("destroy", *STACK, "--branch", f"growth-{one}", "--yes")


def _memory(place: Place) -> int:
    running = status(place.checkout.state_dir)
    assert isinstance(running, Endpoints)  # noqa: S101 - the stack's commands have used it
    return int(psutil.Process(running.pid).memory_info().rss // 10**6)


def _groups(number: int) -> None:
    for one in range(number):
        aws.cloudwatch.LogGroup(f"group-{one}", name=f"/growth/{one}")


if __name__ == "__main__":
    stack = flat.opened(Path(sys.argv[1]).resolve(), lambda: _groups(int(sys.argv[2])))
    stack.up(on_event=lambda _: None)
    stack.preview(on_event=lambda _: None)
    sys.stdout.write(json.dumps({"resources": sys.argv[2]}) + "\n")
