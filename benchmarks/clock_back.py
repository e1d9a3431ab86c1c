"""The clock is set back by an hour in the midst of a rollout.

`python -m benchmarks.clock_back` takes two minutes. It needs Docker, a base image that an earlier
`up` has made, and the package libfaketime, which needs a C compiler and so is not among the
requirements: `pip install libfaketime`. The wall clock of the driver, of the local cloud and of its
load balancer is that of a file, so no other process of this machine is disturbed. The Pulumi engine
is linked statically and the containers have files of their own: they keep this machine's clock.
Prints one JSON document; exits with 1 if the update fails or takes longer than a rollout may, a
request is lost, `status` finds a fault, the next `up` would change something, or something is left
over.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.e2e.checkout import UP_SECONDS, Checkout, copy_tree
from tests.e2e.faulty import Visitor, prepare
from tests.e2e.test_faults import in_rollout

STACK = ("--stack", "local")
UP = ("up", *STACK, "--yes", "--no-smoke")
HOUR = 3600
ROLLOUT_SECONDS = 240
"""A rollout of two tasks that start in 15 s takes one minute; an hour's wait would be seen."""


@dataclass(frozen=True)
class Timed(Checkout):
    """A checkout whose processes read the wall clock's offset from a file."""

    offset: Path = field(kw_only=True)
    library: dict[str, str] = field(kw_only=True)

    @property
    def environment(self) -> dict[str, str]:
        """With the library that stands before the C library's clock.

        https://github.com/wolfcw/libfaketime#readme
        """
        return (
            super().environment
            | self.library
            | {
                "FAKETIME_TIMESTAMP_FILE": str(self.offset),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        )

    def set_clock(self, seconds: int) -> None:
        """Let the wall clock differ from this machine's by `seconds`, from now on."""
        self.offset.write_text(f"{seconds:+d}\n")


def set_back(checkout: Timed) -> dict[str, Any]:
    """Set the clock back in a rollout; returns what came of it."""
    checkout.set_clock(0)
    prepare(checkout, desired_count=2)
    url = checkout.json(*UP)["outputs"]["service_url"]
    checkout.configure(environment={"START": "15"}, startup_seconds=60)
    with Visitor(url) as visitor:
        update = in_rollout(checkout, checkout.client("ecs"))
        checkout.set_clock(-HOUR)
        began = time.monotonic()
        said = update.communicate(timeout=UP_SECONDS)[0]
        seconds = time.monotonic() - began
        status = checkout.run("status", *STACK)
    again = checkout.run("preview", *STACK, "--expect-no-changes")
    gone = checkout.json("destroy", *STACK, "--yes")
    checkout.run("local", "stop")
    return {
        "update": update.returncode,
        "said": said.splitlines()[-20:] if update.returncode else [],
        "seconds_from_the_change_to_the_end": round(seconds, 1),
        "answers": visitor.answers,
        "lost": visitor.faults,
        "status": status.returncode,
        "no_changes": again.returncode == 0,
        "leftovers": gone["leftovers"],
    }


def main() -> int:
    """Run the benchmark; returns the exit code."""
    try:
        _, library = import_module("libfaketime").get_reload_information()
    except ModuleNotFoundError:
        sys.stderr.write("libfaketime is missing; run: pip install libfaketime\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "checkout").mkdir()
        copy = copy_tree(Path(folder) / "checkout")
        found = set_back(Timed(copy.root, offset=Path(folder) / "offset", library=library))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    well = not (found["update"] or found["lost"] or found["status"] or found["leftovers"])
    in_time = found["seconds_from_the_change_to_the_end"] < ROLLOUT_SECONDS
    return 0 if well and in_time and found["no_changes"] else 1


if __name__ == "__main__":
    sys.exit(main())
