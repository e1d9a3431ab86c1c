"""Modules and functions stay short enough to be read at once."""

from __future__ import annotations

import ast
from statistics import median

import pytest

from automation import paths
from automation.import_graph import TOP, modules

LONGEST_MODULE = 400
MEDIAN_FUNCTION = 10


@pytest.mark.parametrize("top", TOP)
def test_no_module_is_too_long_to_be_read_at_once(top: str) -> None:
    lengths = {
        str(file.relative_to(paths.ROOT)): len(file.read_text().splitlines())
        for file in modules(top).values()
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


@pytest.mark.parametrize("top", TOP)
def test_half_of_the_functions_are_short(top: str) -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for file in modules(top).values()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert median(lengths) <= MEDIAN_FUNCTION
