"""Times whole processes, and sums up what several runs took."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes:
        wall: seconds by the clock.
        cpu: seconds of processor time of the process and its children, user and system.
    """

    wall: float
    cpu: float


def process(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the message is the end of what it said.
    """
    began = time.perf_counter()
    running = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None  # noqa: S101 - it was asked for
    said = running.stdout.read()
    _, status, used = os.wait4(running.pid, 0)
    wall = time.perf_counter() - began
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {running.returncode}: {said[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime)


def call(function: Callable[[], object]) -> Cost:
    """Run a function of this process."""
    began, used = time.perf_counter(), time.process_time()
    function()
    return Cost(time.perf_counter() - began, time.process_time() - used)


@dataclass(frozen=True)
class Summary:
    """Several runs of one thing.

    Attributes:
        median: of all runs.
        lowest: the fastest.
        highest: the slowest.
        runs: how many.
    """

    median: float
    lowest: float
    highest: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """Sum up at least one run."""
        return cls(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        return f"{self.median:.1f} ({self.lowest:.1f} to {self.highest:.1f})"
