"""The benchmarks: `python -m benchmarks [--runs N] [--only SCENARIO ...] [--docs]`.

Each scenario runs the driver and what it is held against in turn, in one local cloud of its own,
and prints a table and one JSON document. Needs Docker, the Pulumi engine and the `aws` command.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks import growth, report
from benchmarks.place import Place, place
from benchmarks.scenarios import SCENARIOS, available

RUNS = 5
GROWTH = "growth"
"""Runs once: its rows show a slope, not a difference of seconds."""


def measured(where: Place, name: str, times: int, runs: dict[str, dict[str, list[float]]]) -> None:
    """Run a scenario so many times; adds its figures."""
    for number in range(1, times + 1):
        began = time.monotonic()
        for row, sides in SCENARIOS[name](where).items():
            for who, figure in sides.items():
                runs.setdefault(row, {}).setdefault(who, []).append(round(figure, 3))
        _say(f"{name} {number} of {times}: {time.monotonic() - began:.0f} s")


def grown(where: Place) -> dict[str, list[dict[str, Any]]]:
    """The rows of both growths."""
    found = {
        "resources": list(growth.of_resources(where)),
        "previews": list(growth.of_previews(where)),
    }
    _say("growth: done")
    return found


def machine() -> str:
    """Where and when."""
    cores = os.cpu_count()
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {cores} processor cores, {platform.system()}, "
        f"Python {platform.python_version()}; median (lowest to highest) of each row's runs."
    )


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def main() -> None:
    """Measure what is asked for."""
    names = [*SCENARIOS, GROWTH]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="of each scenario (default 5)")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SCENARIO")
    parser.add_argument("--docs", action="store_true", help="write docs/performance.md as well")
    chosen = parser.parse_args()
    available()
    runs: dict[str, dict[str, list[float]]] = {}
    document: dict[str, Any] = {"machine": machine(), "runs": runs, "growth": {}}
    with place() as where:
        if GROWTH in chosen.only:
            document["growth"] = grown(where)
        for name in (name for name in SCENARIOS if name in chosen.only):
            measured(where, name, chosen.runs, runs)
    if chosen.docs:
        report.written(document)
    _say(report.table(runs))
    for rows in document["growth"].values():
        _say(report.rows_table(rows))
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
