"""The rules of `.dockerignore`, as Docker documents them."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from infra.image.dockerignore import context_files

FILES = (
    "a.md",
    "README.md",
    "src/a.md",
    "src/main.py",
    "src/deep/main.pyc",
    "temp/x",
    "tempa",
    "[",
)

RULES = [
    (["*/temp*"], FILES),
    (["*.md"], ("src/a.md", "src/main.py", "src/deep/main.pyc", "temp/x", "tempa", "[")),
    (["**/*.md", "!README.md"], ("README.md", *FILES[3:])),
    (["*.md", "!README*.md", "README.md"], FILES[2:]),
    (["temp?"], tuple(name for name in FILES if name != "tempa")),
    (["/temp/", ""], tuple(name for name in FILES if name != "temp/x")),
    (["./src/../temp"], tuple(name for name in FILES if name != "temp/x")),
    (["."], FILES),
    (["**"], ()),
    (["*", "!src/deep"], ("src/deep/main.pyc",)),
    (["src/**", "!src/main.py"], (*FILES[:2], "src/main.py", *FILES[5:])),
    (["**/deep"], tuple(name for name in FILES if "deep" not in name)),
    (["[Rr]*.md"], tuple(name for name in FILES if name != "README.md")),
    (["[^a].md", "a.[m]d"], FILES[1:]),
    (["["], FILES[:-1]),
    (["src/main.py[co]", "src/*/main.py?"], tuple(n for n in FILES if n != "src/deep/main.pyc")),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(("patterns", "kept"), RULES, ids=[" ".join(row[0]) for row in RULES])
def test_the_rules(folder: Path, patterns: list[str], kept: tuple[str, ...]) -> None:
    given = [pattern for pattern in patterns if pattern]
    found = context_files(folder, given)
    assert [name for name in found if (folder / name).is_file()] == sorted(kept)
    # Docker's own client for Python is the second opinion.
    assert found == sorted(exclude_paths(str(folder), given))


def test_a_linked_folder_is_a_link(folder: Path) -> None:
    (folder / "link").symlink_to("src")
    assert [name for name in context_files(folder, []) if name.startswith("link")] == ["link"]


def test_a_backslash_takes_a_letter_as_it_is(tmp_path: Path) -> None:
    for name in ("*", "x"):
        (tmp_path / name).write_text("")
    assert context_files(tmp_path, [r"\*"]) == ["x"]
