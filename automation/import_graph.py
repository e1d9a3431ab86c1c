"""Which packages of the project import which, read from their source, and the drawing of it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from automation import paths

TOP = ("infra", "automation", "localcloud")
"""The packages of the project."""

Edge = tuple[str, str]
"""(what is imported, what imports it)"""


def modules(top: str, root: Path = paths.ROOT) -> dict[str, Path]:
    """Module → its file, for the modules of a package without its tests."""
    files = (path.relative_to(root) for path in sorted((root / top).rglob("*.py")))
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): root / path
        for path in files
        if "tests" not in path.parts
    }


def imported(file: Path, top: tuple[str, ...] = TOP) -> Iterator[str]:
    """The modules of the project that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] in top)


@cache
def imports(top: str, root: Path = paths.ROOT) -> frozenset[Edge]:
    """The imports by the modules of a package; what is imported may be a name inside a module."""
    files = modules(top, root).items()
    return frozenset((name, module) for module, file in files for name in imported(file))


def module_imports(top: str, root: Path = paths.ROOT) -> frozenset[Edge]:
    """The imports between the modules of a package; those for types alone count too."""
    known = modules(top, root)
    edges = ((_module(name, known), module) for name, module in imports(top, root))
    return frozenset(edge for edge in edges if edge[0] in known and edge[0] != edge[1])


def _module(name: str, known: Mapping[str, Path]) -> str:
    """The module that is imported, or in which the imported name is."""
    return name if name in known else name.rpartition(".")[0]


def package_imports(top: str, root: Path = paths.ROOT) -> frozenset[Edge]:
    """The imports between the packages directly below a package."""
    packages = {
        name
        for name, file in modules(top, root).items()
        if name.count(".") == 1 and file.name == "__init__.py"
    }
    boxes = [(_package(name), _package(module)) for name, module in imports(top, root)]
    return frozenset(edge for edge in boxes if edge[0] != edge[1] and packages.issuperset(edge))


def _package(name: str) -> str:
    return ".".join(name.split(".")[:2])


def _reachable(edges: Iterable[Edge]) -> Mapping[str, set[str]]:
    """Package → what imports it, directly or not."""
    after: dict[str, set[str]] = {}
    for one, other in edges:
        after.setdefault(one, set()).add(other)
        after.setdefault(other, set())
    for middle in after:
        for reached in after.values():
            if middle in reached:
                reached |= after[middle]
    return after


def cycles(edges: Iterable[Edge]) -> set[str]:
    """The packages that import each other, directly or through others."""
    return {name for name, importing in _reachable(edges).items() if name in importing}


def drawing(top: str, root: Path = paths.ROOT) -> str:
    """A flowchart in Mermaid: who imports → what; arrows that follow from others are left out."""
    found = package_imports(top, root)
    lines = ["```mermaid", "flowchart TB"]
    lines += [f'    {_id(name)}["{name.partition(".")[2]}"]' for name in sorted(_reachable(found))]
    lines += [f"    {_id(importing)} --> {_id(used)}" for used, importing in reduced(found)]
    return "\n".join([*lines, "```"])


def _id(name: str) -> str:
    return name.replace(".", "_")


def reduced(edges: frozenset[Edge]) -> list[Edge]:
    """The edges, without a cycle among them, that do not follow from others, sorted."""
    after = _reachable(edges)
    direct: dict[str, set[str]] = {}
    for one, other in edges:
        direct.setdefault(one, set()).add(other)
    return sorted(
        (one, other)
        for one, other in edges
        if not any(other in after[each] for each in direct[one] - {other})
    )
