"""Where the benchmarks run: a copy of the checkout with a local cloud of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from automation.engine import find_engine
from automation.paths import ROOT
from benchmarks import flat, measure
from benchmarks.measure import Cost
from tests.e2e.checkout import Checkout, copy_tree

STACK = ("--stack", "local")


@dataclass(frozen=True)
class Place:
    """A checkout whose default stack is up and healthy.

    Attributes:
        checkout: the copy.
        floor: the folder of the flat program's backend and state.
        numbers: gives every change another value.
    """

    checkout: Checkout
    floor: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @cached_property
    def cloud(self) -> dict[str, str]:
        """The environment of what talks to the local cloud."""
        return {**self.checkout.environment, **self.checkout.cloud_environment()}

    def drive(self, *arguments: str) -> Cost:
        """One command of the driver, as a whole process."""
        command = [sys.executable, "automation/run.py", *arguments]
        return measure.process(command, self.checkout.root, self.checkout.environment)

    def flat(self, verb: str, folder: Path | None = None) -> Cost:
        """One operation of the flat program, as a whole process."""
        command = [sys.executable, "-m", "benchmarks.flat", str(folder or self.floor), verb]
        return measure.process(command, ROOT, self.cloud)

    def python(self, code: str) -> Cost:
        """A line of Python, as a whole process."""
        return measure.process([sys.executable, "-c", code], ROOT, self.cloud)

    def change(self) -> None:
        """Give the container's variable VERSION another value in the settings."""
        self.checkout.configure(environment={"VERSION": str(next(self.numbers))})

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs."""
        return self.checkout.json("outputs", *STACK)

    def engine(self, *arguments: str) -> None:
        """One command of the engine."""
        found = find_engine()
        assert found is not None  # noqa: S101 - an update has used it
        measure.process([found.command, *arguments], self.checkout.root, self.cloud)


@contextmanager
def place() -> Iterator[Place]:
    """A place in a temporary folder; afterwards nothing of it is left."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "checkout").mkdir()
        checkout = copy_tree(Path(folder) / "checkout")
        checkout.configure(deregistration_delay=None)
        made = Place(checkout, Path(folder) / "floor")
        made.floor.mkdir()
        try:
            made.drive("up", *STACK, "--yes")
            export(made)
            yield made
        finally:
            checkout.run("destroy", *STACK, "--yes", "--with-previews")
            checkout.run("local", "stop")


def export(made: Place) -> None:
    """Copy the stack's state to the flat program."""
    file = str(made.floor / flat.STATE)
    made.engine("stack", "export", *STACK, "--show-secrets", "--file", file)
    made.flat("prepare")
