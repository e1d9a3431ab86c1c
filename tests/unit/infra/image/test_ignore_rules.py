"""`.dockerignore` by Docker's rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.image.build_context import BuildContext, BuildContextError
from infra.image.ignore_rules import IgnoreRulesError, parse_pattern, read_rules
from tests.unit.infra.image.ignore_table import (
    LONE_CARRIAGE_RETURN,
    ROWS,
    WRONG,
    Row,
    lay_out,
    sent,
)


def files_of(folder: Path) -> set[str]:
    context = BuildContext.read(folder, folder / "Dockerfile")
    return {entry.name for entry in context.entries if entry.kind != "folder"} - {"Dockerfile"}


@pytest.mark.parametrize("row", [*ROWS.values(), LONE_CARRIAGE_RETURN], ids=[*ROWS, "lone CR"])
def test_what_is_sent(tmp_path: Path, row: Row) -> None:
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_bytes(row.ignoring)
    assert files_of(tmp_path) == sent(row)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_one_name_is_judged_as_the_walk_does(tmp_path: Path, row: Row) -> None:
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_bytes(row.ignoring)
    rules = read_rules(tmp_path / ".dockerignore")
    assert {name for name in sent(Row(b"", ())) if not rules.excludes(name)} == sent(row)


@pytest.mark.parametrize("ignoring", WRONG.values(), ids=WRONG)
def test_what_docker_refuses_is_named_with_its_line(tmp_path: Path, ignoring: bytes) -> None:
    lay_out(tmp_path)
    file = tmp_path / ".dockerignore"
    file.write_bytes(ignoring)
    with pytest.raises(BuildContextError) as caught:
        files_of(tmp_path)
    (problem,) = caught.value.problems
    line = ignoring.count(b"\n")
    assert problem.startswith(f"fargate-cd:app_path: {file}, line {line}: ")


@pytest.mark.parametrize("pattern", [r"dir\data", "[*]", "[?]", "[[:alpha:]]", "\\é"])
def test_what_docker_reads_as_nobody_means_it_is_refused(pattern: str) -> None:
    with pytest.raises(IgnoreRulesError, match="Docker reads"):
        parse_pattern(pattern)


@pytest.mark.parametrize("pattern", ["*.{js,ts}", "a^b*", "x|y", "a+b?", "(a)*", "$", "a.b"])
def test_signs_of_regular_expressions(pattern: str) -> None:
    """As patternmatcher 0.6.1 has them: `|` divides, `^` in the middle matches nothing."""
    matches = parse_pattern(pattern).matches
    assert bool(matches.search(pattern)) is (pattern != "a^b*")
    assert not matches.search("aXb")


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    lay_out(tmp_path)
    name = b"caf\xe9".decode(errors="surrogateescape")
    (tmp_path / name).write_text("")
    for ignoring in (b"caf\xe9\n", b"caf?\n", b"ca*\xe9\n", b"*\n"):
        (tmp_path / ".dockerignore").write_bytes(ignoring)
        assert name not in files_of(tmp_path)


def test_the_dockerfiles_own_ignore_file_comes_first(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / ".dockerignore").write_text("data\n")
    (tmp_path / "Dockerfile.dockerignore").write_text("bin\n")
    assert files_of(tmp_path) == sent(
        Row(b"", ("bin/run.py", "bin/deep/more.py", "bin/deep/note.txt"))
    )
