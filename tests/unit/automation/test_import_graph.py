"""Imports between the project's packages point one way."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation import paths
from automation.import_graph import (
    TOP,
    Edge,
    cycles,
    drawing,
    imported,
    imports,
    module_imports,
    package_imports,
    reduced,
)

DOOR = "localcloud.api"


def to_others(top: str) -> list[Edge]:
    return sorted(edge for edge in imports(top) if edge[0].partition(".")[0] != top)


@pytest.mark.parametrize("top", ["infra", "localcloud"])
def test_the_program_and_the_local_cloud_import_neither_of_the_others(top: str) -> None:
    assert to_others(top) == []


def test_the_local_clouds_tests_import_none_of_the_others() -> None:
    files = sorted((paths.ROOT / "localcloud" / "tests").rglob("*.py"))
    assert files
    found = {file.name: list(imported(file, (*TOP, "tests"))) for file in files}
    assert {
        (file, name)
        for file, names in found.items()
        for name in names
        if name.partition(".")[0] != "localcloud"
    } == set()


def test_the_driver_imports_one_module_of_the_local_cloud() -> None:
    used = {name for name, _ in to_others("automation") if name.startswith("localcloud")}
    assert used == {DOOR}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "infra/__init__.py": "",
        "infra/names.py": "",
        "infra/network/__init__.py": "",
        "infra/network/vpc.py": "from infra.names import Names\nimport infra.service.task\n",
        "infra/service/__init__.py": "",
        "infra/service/task.py": "def f():\n    from infra.network import vpc\n    import os\n",
        "infra/image/__init__.py": "",
        "infra/image/build.py": "from infra.service import task\n",
        "infra/stack.py": "from infra.service import task\nfrom infra.names import Names\n",
        "infra/tests/test_x.py": "import infra.stack\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_imports_inside_functions_count_and_those_of_tests_or_single_files_do_not(
    tree: Path,
) -> None:
    assert package_imports("infra", tree) == {
        ("infra.network", "infra.service"),
        ("infra.service", "infra.image"),
        ("infra.service", "infra.network"),
    }


def test_packages_that_import_each_other_are_found(tree: Path) -> None:
    assert cycles(package_imports("infra", tree)) == {"infra.network", "infra.service"}


def test_modules_that_import_each_other_are_found(tree: Path) -> None:
    (tree / "infra" / "names.py").write_text(
        "if TYPE_CHECKING:\n    from infra.stack import define_stack\n"
    )
    assert cycles(module_imports("infra", tree)) == {
        "infra.names",
        "infra.network.vpc",
        "infra.service.task",
        "infra.stack",
    }


@pytest.mark.parametrize("top", TOP)
def test_no_modules_import_each_other(top: str) -> None:
    assert cycles(module_imports(top)) == set()


@pytest.mark.parametrize("top", TOP)
def test_no_packages_import_each_other(top: str) -> None:
    assert cycles(package_imports(top)) == set()


def test_the_packages_are_drawn_with_their_imports(tree: Path) -> None:
    (tree / "infra" / "network" / "vpc.py").write_text("from infra.names import Names\n")
    assert drawing("infra", tree).splitlines()[2:-1] == [
        '    infra_image["image"]',
        '    infra_network["network"]',
        '    infra_service["service"]',
        "    infra_service --> infra_network",
        "    infra_image --> infra_service",
    ]


def test_arrows_that_follow_from_others_are_left_out() -> None:
    assert reduced(frozenset({("a", "b"), ("b", "c"), ("a", "c")})) == [("a", "b"), ("b", "c")]
