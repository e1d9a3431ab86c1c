"""docs/performance.md: its scenarios are the benchmarks', its timeline that of the graph."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import report, timeline
from benchmarks.__main__ import GROWTH
from benchmarks.measure import Summary
from benchmarks.scenarios import ROWS, SCENARIOS
from infra.settings.model import Settings

PAGE = report.PAGE.read_text()


def test_every_scenario_is_explained() -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Figures")[0], re.M)
    assert set(told) == {*SCENARIOS, GROWTH}


def test_the_timeline_is_up_to_date() -> None:
    drawn = timeline.drawing(timeline.timelines())
    assert timeline.PICTURE.read_text() == drawn, "run python -m benchmarks.timeline"


def test_the_first_update_waits_for_the_load_balancer() -> None:
    chain = [step.name for step in timeline.first_update(Settings.parse({}))]
    assert chain[0] == "network-vpc"
    assert chain[-3:] == ["load-balancer-balancer", "load-balancer-http", "service-service"]


@pytest.mark.parametrize(
    ("setting", "value"), [("health_check_interval", 30), ("deregistration_delay", 300)]
)
def test_settings_that_shorten_a_release_are_in_its_timeline(setting: str, value: int) -> None:
    ends = [
        timeline.release(Settings.parse(values))[-1].end for values in ({}, {setting: str(value)})
    ]
    assert ends[1] > ends[0]


def test_a_row_says_whether_it_holds() -> None:
    runs = {
        "change": {"ours": [2.0, 4.0, 3.0], "boto3": [2.0]},
        "outputs": {"ours": [0.5], "Python with boto3": [0.4]},
        "lost": {"ours": [0.0], "without a rollout": [0.0]},
    }
    lines = report.table(runs).splitlines()[2:]
    assert [line.rpartition(" | ")[2] for line in lines] == [
        "at most 1 (holds) |",
        "at most 1.15 times (falls short) |",
        "none (holds) |",
    ]
    assert "3.0 (2.0 to 4.0)" in lines[1]
    assert set(runs) <= set(ROWS)


def test_tables_keep_the_order_of_their_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIGURES", "PICTURE", "PAGE"):
        monkeypatch.setattr(report, name, tmp_path / name)
    report.PAGE.write_text("<!-- figures --><!-- end of figures -->")
    runs = {"change": {"ours": [2.0], "boto3": [1.0]}}
    grown = {"previews": [{"previews": 1, "memory": 268}], "bytes": [{"size": 2, "a": 3}]}
    report.written({"machine": "", "runs": {}, "growth": grown})
    report.written({"machine": "", "runs": runs, "growth": {}})
    heads = [line for line in report.PAGE.read_text().splitlines() if line.startswith("| ")]
    assert [head for head in heads if "previews" in head or "size" in head] == [
        "| previews | memory |",
        "| size | a |",
    ]


def test_a_picture_has_a_bar_for_each_side() -> None:
    drawn = report.picture({"change": {"ours": [2.0], "boto3": [1.0]}})
    assert drawn.count("<rect") == 3
    assert "2.0 s" in drawn


def test_a_summary_tells_the_spread() -> None:
    assert Summary.of([3.0, 1.0, 2.0]) == Summary(2.0, 1.0, 3.0, 3)
