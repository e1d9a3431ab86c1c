"""`docs/aws.md` lists every resource type of the program and every call of the driver."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from automation import paths
from automation.aws.resource_table import TYPES
from localcloud.tests.unit.providers.aws.vendor import VENDOR
from tests.policy.matrix import MATRIX, recorded
from tests.unit.infra.recorder import custom

DOCUMENT = (paths.ROOT / "docs" / "aws.md").read_text()


def driver_calls() -> Iterator[tuple[str, str]]:
    """Service and method of each call on a client: at once, by a variable, in pages, by a table."""
    for kind in TYPES.values():
        if kind.call:
            service, method = kind.call.split()[:2]
            yield service, method
    for file in sorted((paths.ROOT / "automation").rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef):
                yield from _calls(function)


def _calls(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    named = {
        node.targets[0].id: service
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if (service := _client(node.value))
    }
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        on, method = node.func.value, node.func.attr
        service = named.get(on.id) if isinstance(on, ast.Name) else _client(on)
        if service and not method.startswith(("can_", "get_paginator", "get_waiter")):
            yield service, method
        texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
        if method == "pages" and len(texts) == 2:
            yield str(texts[0]), str(texts[1])


def _client(node: ast.expr) -> str | None:
    """The service that a `….client("service")` names."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    named = node.func.attr == "client" and node.args and isinstance(node.args[0], ast.Constant)
    return str(ast.literal_eval(node.args[0])) if named else None


@pytest.mark.parametrize("settings", MATRIX)
def test_every_resource_type_has_a_row(settings: str) -> None:
    types = {each.token for each in custom(recorded(settings).resources)}
    made = {name for name in types if not name.startswith("pulumi:providers:")}
    assert [name for name in sorted(made) if f"| `{name}` |" not in DOCUMENT] == []


def test_every_resource_type_names_the_source_that_it_was_held_against() -> None:
    rows = [line.split(" | ") for line in DOCUMENT.splitlines() if line.startswith("| `aws:")]
    told = {row[0].removeprefix("| ").strip("`"): row[2].strip("`") for row in rows}
    assert len(told) > 50
    assert told == {token: VENDOR[token].source for token in told}


def test_every_call_of_the_driver_is_listed() -> None:
    rows = {
        line.split("]", 1)[0].removeprefix("| ["): line
        for line in DOCUMENT.splitlines()
        if line.startswith("| [")
    }
    calls = sorted(set(driver_calls()))
    assert len(calls) > 40
    assert [call for call in calls if f"`{call[1]}`" not in rows.get(call[0], "")] == []
