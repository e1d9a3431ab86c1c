"""`cost`, and the difference that `preview` tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automation.commands.cost import cost
from automation.errors import ConfigurationError
from automation.pricing.difference import cost_difference, print_difference
from automation.pricing.region import region_of
from automation.pricing.resources import Plan
from automation.stack.stack_file import StackFile
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured


def file(region: str | None, **settings: object) -> StackFile:
    return StackFile("dev", "fargate-cd", Settings.parse(settings), region, Path("Pulumi.dev.yaml"))


def use(monkeypatch: pytest.MonkeyPatch, found: StackFile) -> None:
    monkeypatch.setattr("automation.commands.cost.load_stack_file", lambda _: found)


def test_it_tells_lines_total_dates_and_an_alternative(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, file("eu-central-1", egress="nat"))
    assert cost("dev", captured.screen) == 0
    told = captured.out.getvalue()
    assert "NAT gateways: 1" in told
    assert "dev in eu-central-1: " in told
    assert "Cheapest alternative: egress: public: " in told
    assert "automation/pricing/prices.csv" in told
    assert "2026-" in told


def test_json_is_one_document(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, file("us-west-2"))
    captured.screen.json = True
    assert cost("dev", captured.screen) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["region"] == "us-west-2"
    assert document["monthly"] > 0
    assert {"item", "quantity", "unit", "unit_price", "monthly", "read", "source"} <= set(
        document["lines"][0]
    )
    assert captured.out.getvalue() == ""


def test_a_region_without_prices_is_refused(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, file("ap-east-1"))
    with pytest.raises(ConfigurationError, match="no prices for the region ap-east-1"):
        cost("dev", captured.screen)


def test_the_region_is_the_stacks_or_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert region_of(file("us-west-2")) == "us-west-2"
    assert region_of(file(None)) == "eu-west-1"


def test_no_region_at_all_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="set aws:region"):
        region_of(file(None))


def test_a_preview_in_a_region_without_prices_goes_on(captured: Captured) -> None:
    difference = cost_difference(Plan(), file("ap-east-1"))
    print_difference(captured.screen, difference)
    assert "cost: unknown. There are no prices" in captured.out.getvalue()


def test_a_preview_without_changes_tells_that_the_cost_stays(captured: Captured) -> None:
    difference = cost_difference(Plan(), file("us-east-1"))
    print_difference(captured.screen, difference)
    assert difference["difference"] == 0
    assert "(+0.00)" in captured.out.getvalue()
