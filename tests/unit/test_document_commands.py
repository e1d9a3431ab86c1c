"""Commands, `make` targets and settings that the documents name exist, and can be typed as told."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from automation import paths, run
from tests.unit.test_documents import PAGES

GROUP: Any = typer.main.get_command(run.app)
PLACEHOLDERS = {"N": "3", "NAME": "dev", "JOB": "nightly"}
"""What stands in a document for a value of the reader's own → such a value."""

CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]+(?:\n[^`\n]+)?`", re.M | re.S)


def code(page: Path) -> list[str]:
    """The lines of a page's code blocks, and its words in code."""
    found = []
    for each in CODE.findall(page.read_text()):
        if each.lstrip().startswith("```mermaid"):
            continue
        block = each.lstrip().startswith("```")
        found += each.replace("\\\n", " ").splitlines() if block else [" ".join(each.split())]
    return found


def commands(page: Path) -> list[str]:
    """What follows `run.py` on a page, each without what the shell makes of its output."""
    found = []
    for line in code(page):
        for rest in re.split(r"(?:\./|automation/)*\brun\.py ", line)[1:]:
            words = re.split(r"\)\"|&&|\|\||[|>`]|\s#|\s→|\s\(", rest.replace('"$(', "URI "))[0]
            found.append(re.sub(r"\s+(python|\.venv/bin/python)\s*$", "", words).strip())
    return [each for each in found if each and not each.startswith(("COMMAND", "…"))]


def parsed(words: list[str]) -> None:
    """Parse a command line to its last option, and run nothing.

    Raises:
        typer.TyperException: there is no such command or option, or it lacks a value.
    """
    context = typer.Context(GROUP, info_name="run.py")
    if words[0].startswith("-"):
        assert words[0] in {"--help", "-h", "--version", "--install-completion"}, words
        return
    name, command, rest = GROUP.resolve_command(context, words)
    if hasattr(command, "resolve_command"):
        if not rest:
            return
        name, command, rest = command.resolve_command(context, rest)
    # A document may name a command without its arguments, or an option without its value.
    valued = {
        name for each in command.params if not getattr(each, "is_flag", True) for name in each.opts
    }
    rest = [*rest, "VALUE"] if rest and rest[-1] in valued else rest
    command.make_context(name, rest, resilient_parsing=not rest)


def pages_with(pattern: str) -> list[Any]:
    """The pages whose text has the pattern, each a case of a test."""
    return [
        pytest.param(page, id=str(page.relative_to(paths.ROOT)))
        for page in PAGES
        if re.search(pattern, page.read_text())
    ]


@pytest.mark.parametrize("page", pages_with(r"run\.py "))
def test_every_command_of_the_driver_can_be_typed(page: Path) -> None:
    wrong = {}
    for each in commands(page):
        words = [PLACEHOLDERS.get(word, word) for word in shlex.split(each)]
        try:
            parsed(words)
        except Exception as error:  # noqa: BLE001 - each is told with its command
            wrong[each] = getattr(error, "format_message", error.__str__)()
    assert wrong == {}


@pytest.mark.parametrize("page", pages_with(r"\bmake \w"))
def test_every_target_of_make_exists(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (paths.ROOT / "Makefile").read_text(), re.M))
    typed = {name for line in code(page) for name in re.findall(r"^[`$ ]*make ([\w-]+)", line)}
    assert typed - targets == set()


@pytest.mark.parametrize("page", pages_with(r"fargate-cd:\w"))
def test_every_setting_is_declared(page: Path) -> None:
    declared = yaml.safe_load((paths.ROOT / "Pulumi.yaml").read_text())["config"]
    known = {name.removeprefix("fargate-cd:") for name in declared}
    named = {name for line in code(page) for name in re.findall(r"fargate-cd:([a-z_]+)\b", line)}
    assert named - known - {"infra"} == set()


def test_a_wrong_command_does_not_pass() -> None:
    for wrong in ("upp", "up --imag x", "rollback --to x", "pipeline stop"):
        with pytest.raises(typer.TyperException):
            parsed(shlex.split(wrong))
