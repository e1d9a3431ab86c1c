"""The drawings of docs/architecture.md are the program's own resource graph, and up to date."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from automation import architecture
from automation.architecture import PAGE, drawing, graph, page
from automation.pricing.resources import Resource, Resources

PARENT = "urn:pulumi:dev::p::fargate-cd:infra:Part::{}"


def resource(component: str, name: str, *needs: str) -> Resource:
    return Resource("aws:s3/bucket:Bucket", name, {}, True, PARENT.format(component), needs)


@cache
def drawings() -> dict[str, str]:
    return architecture.drawings()


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text()
    assert page(text, drawings()) == text, "run python -m automation.architecture"


def test_every_drawing_is_on_the_page() -> None:
    assert all(f"<!-- drawing: {name} -->" in PAGE.read_text() for name in drawings())


def test_components_are_boxes_and_their_dependencies_arrows() -> None:
    resources = Resources(
        [
            resource("one", "one-a"),
            resource("one", "one-b", "urn::one-a"),
            resource("two", "two-a", "urn::one-b", "urn::unknown"),
        ]
    )
    drawn = graph(resources)
    assert drawn.contents == {"one": Counter(Bucket=2), "two": Counter(Bucket=1)}
    assert drawn.edges == {("one", "two")}
    assert '    one["<b>one</b><br/>2 Bucket"]' in drawing(drawn)
    assert "    one --> two" in drawing(drawn)


def test_an_unknown_drawing_is_an_error() -> None:
    with pytest.raises(KeyError):
        page("<!-- drawing: nothing -->\n<!-- end of drawing -->", {})
