"""Figures as JSON, as tables, and as a picture in `docs/performance.md`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from automation.paths import ROOT
from benchmarks.measure import Summary
from benchmarks.scenarios import ROWS, Row

PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "performance.svg"
FIGURES = ROOT / "docs" / "performance.json"

OURS = "ours"
WIDTH, BAR, LABEL = 860, 18, 330
COLOURS = {OURS: "#2f6fde"}
OTHER = "#9aa4b2"

Runs = Mapping[str, Mapping[str, Sequence[float]]]
"""Row → who → the figure of every run."""


def summaries(runs: Runs) -> dict[str, dict[str, Summary]]:
    """Row → who → summary, in the order of the rows."""
    return {
        name: {who: Summary.of(values) for who, values in runs[name].items()}
        for name in ROWS
        if name in runs
    }


def table(runs: Runs) -> str:
    """The rows, each with its peers and whether it is as wanted."""
    lines = ["| | fargate-cd | beside it | ratio | wanted |", "|---|---|---|---|---|"]
    for name, sides in summaries(runs).items():
        row = ROWS[name]
        others = "; ".join(f"{who} {found}" for who, found in sides.items() if who != OURS)
        ratio, wanted = _judged(row, sides)
        lines.append(f"| {row.title}, {row.unit} | {sides[OURS]} | {others} | {ratio} | {wanted} |")
    return "\n".join(lines)


def _judged(row: Row, sides: Mapping[str, Summary]) -> tuple[str, str]:
    ours = sides[OURS].median
    if row.peer is None:
        holds = row.wanted is None or ours <= row.wanted
        return "", "" if row.wanted is None else f"at most {row.wanted:g} {_word(holds)}"
    peer = sides[row.peer].median
    if not peer:
        return "", "" if row.wanted is None else f"none {_word(not ours)}"
    holds = row.wanted is None or ours <= row.wanted * peer
    wanted = "" if row.wanted is None else f"at most {row.wanted:g} times {_word(holds)}"
    return f"{ours / peer:.2f}", wanted


def _word(holds: bool) -> str:
    return "(holds)" if holds else "(falls short)"


def rows_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows with the same keys as a table."""
    found = list(rows)
    if not found:
        return ""
    head = list(found[0])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(row[name]) for name in head) + " |" for row in found]
    return "\n".join(lines)


def picture(runs: Runs) -> str:
    """Bars of the medians in seconds, each row's own and its peer's, as SVG."""
    rows = [
        (ROWS[name], sides) for name, sides in summaries(runs).items() if ROWS[name].unit == "s"
    ]
    longest = max((each.median for _, sides in rows for each in sides.values()), default=1)
    parts: list[str] = []
    y = 24
    for row, sides in rows:
        title = row.title.replace("`", "")
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{title}</text>')
        for who, found in sorted(sides.items(), key=lambda side: side[0] != OURS):
            y += BAR + 4
            length = max(2, round((WIDTH - LABEL - 120) * found.median / longest))
            label = "fargate-cd" if who == OURS else who
            parts += [
                f'<text x="{LABEL - 8}" y="{y}" text-anchor="end">{label}</text>',
                f'<rect x="{LABEL}" y="{y - 13}" width="{length}" height="{BAR - 2}" '
                f'fill="{COLOURS.get(who, OTHER)}"/>',
                f'<text x="{LABEL + length + 6}" y="{y}">{found.median:.1f} s</text>',
            ]
        y += 2 * BAR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'font-family="sans-serif" font-size="13">\n'
        '<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def written(document: Mapping[str, Any]) -> None:
    """Keep the figures, and put them into the page and its picture.

    Rows that were not measured this time keep their figures.
    """
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    runs = {**known.get("runs", {}), **document["runs"]}
    kept = {**known, **document, "runs": runs, "growth": {**known.get("growth", {})}}
    kept["growth"] |= document["growth"]
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n")
    PICTURE.write_text(picture(runs))
    growth = "\n\n".join(rows_table(rows) for rows in kept["growth"].values())
    text = f"{kept['machine']}\n\n{table(runs)}\n\n![Medians in seconds](performance.svg)\n"
    _put(PAGE, f"{text}\n{growth}".rstrip())


def _put(page: Path, text: str) -> None:
    head, tail = "<!-- figures -->", "<!-- end of figures -->"
    whole = re.sub(
        f"{head}.*?{tail}",
        lambda _: f"{head}\n{text}\n{tail}",
        page.read_text(),
        flags=re.DOTALL,
    )
    page.write_text(whole)
