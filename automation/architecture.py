"""Make the drawings of docs/architecture.md: `python -m automation.architecture`.

Most are the program's own resource graph: the program runs without an engine, each component that
it registers becomes a box with what it is made of, and each dependency between two an arrow. The
others are the imports between packages (`import_graph.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from automation import import_graph, paths
from automation.import_graph import reduced
from automation.pricing.offline import offline
from automation.pricing.resources import Resource, Resources
from infra.settings.model import Settings

PAGE = paths.ROOT / "docs" / "architecture.md"

DRAWN: Mapping[str, Mapping[str, object]] = {
    "default": {},
    "pipeline": {
        "github_owner": "octo",
        "github_repository": "shop",
        "github_token": "any",
        "notify_emails": ["team@example.org"],
        "approval": True,
    },
    "blue_green": {"strategy": "blue_green"},
}
"""The name of a drawing → its settings."""

LINES = 8
"""So many kinds of resources stand in a box; the rest is counted."""


@dataclass(frozen=True)
class Graph:
    """Components and what they wait for.

    Attributes:
        contents: component → how many of each kind it is made of.
        edges: (what must exist, what waits for it).
    """

    contents: Mapping[str, Counter[str]]
    edges: frozenset[tuple[str, str]]


def graph(resources: Resources) -> Graph:
    """The components of a stack, and the dependencies between their resources."""
    contents: dict[str, Counter[str]] = {}
    edges: set[tuple[str, str]] = set()
    for each in resources.all:
        if not _belongs(each):
            continue
        component = _name(each.parent)
        contents.setdefault(component, Counter())[each.type.rpartition(":")[2]] += 1
    owners = {each.name: _name(each.parent) for each in resources.all if _belongs(each)}
    for each in resources.all:
        if not _belongs(each):
            continue
        for urn in each.needs:
            source = owners.get(_name(urn), _name(urn))
            if source in contents and source != owners[each.name]:
                edges.add((source, owners[each.name]))
    return Graph(contents, frozenset(edges))


def _belongs(resource: Resource) -> bool:
    """Whether it is a component's part; the network's own component runs elsewhere, as a whole."""
    is_part = resource.custom or resource.type.startswith("awsx:")
    is_provider = resource.type.startswith("pulumi:")
    return is_part and not is_provider and "fargate-cd:infra:" in resource.parent


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def drawing(drawn: Graph) -> str:
    """A flowchart in Mermaid, which GitHub shows as a picture."""
    lines = ["```mermaid", "flowchart LR"]
    lines += [_box(name, contents) for name, contents in sorted(drawn.contents.items())]
    lines += [f"    {_id(one)} --> {_id(other)}" for one, other in reduced(drawn.edges)]
    return "\n".join([*lines, "```"])


def _box(name: str, contents: Counter[str]) -> str:
    kinds = [f"{count} {kind}" if count > 1 else kind for kind, count in sorted(contents.items())]
    rest = kinds[LINES:]
    shown = kinds[:LINES] + ([f"{len(rest)} more"] if rest else [])
    return f'    {_id(name)}["<b>{name}</b><br/>{"<br/>".join(shown)}"]'


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name)


def page(text: str, drawings: Mapping[str, str]) -> str:
    """The page with its drawings brought up to date.

    Raises:
        KeyError: the page asks for a drawing that there is not.
    """
    return re.sub(
        r"<!-- drawing: (\w+) -->\n.*?<!-- end of drawing -->",
        lambda match: (
            f"<!-- drawing: {match[1]} -->\n{drawings[match[1]]}\n<!-- end of drawing -->"
        ),
        text,
        flags=re.DOTALL,
    )


def drawings() -> dict[str, str]:
    """Name → drawing: resource graphs, and `imports_PACKAGE` for each package of the project."""
    drawn = {
        name: drawing(graph(offline(Settings.parse(settings), "fargate-cd", "dev", "eu-central-1")))
        for name, settings in DRAWN.items()
    }
    return drawn | {f"imports_{top}": import_graph.drawing(top) for top in import_graph.TOP}


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), drawings()))
