"""docs/reliability.md: every test that it names exists."""

from __future__ import annotations

import ast
import re

import pytest

from automation.paths import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:tests|localcloud)/[\w/]+\.py(?:::\w+)?)`", PAGE)))
ROWS = sorted(set(re.findall(r"`([\w/]+_test\.py)` \(\"([^\"]+)\"\)", PAGE)))


@pytest.mark.parametrize("named", NAMED)
def test_a_named_test_exists(named: str) -> None:
    path, _, name = named.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert name in tests if name else any(each.startswith("test_") for each in tests)


@pytest.mark.parametrize(("path", "row"), ROWS)
def test_a_named_row_exists(path: str, row: str) -> None:
    assert f'"{row}"' in (ROOT / path).read_text()
