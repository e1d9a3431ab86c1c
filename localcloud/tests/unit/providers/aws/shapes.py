"""What a JMESPath expression reaches in an answer, by the service's model alone."""

from __future__ import annotations

from typing import Any

import jmespath

ANYTHING = object()


def reach(expression: str, shape: Any) -> Any:
    """The shape that an expression selects; `ANYTHING` where the model can't tell.

    Raises:
        KeyError: the expression names a member that the model does not have.
    """
    return _walk(jmespath.compile(expression).parsed, shape)


def _walk(node: dict[str, Any], shape: Any) -> Any:
    handler = _NODES.get(node["type"])
    return handler(node, shape) if handler else ANYTHING


def _field(node: dict[str, Any], shape: Any) -> Any:
    if shape is ANYTHING or shape is None:
        return ANYTHING
    if shape.type_name == "map":
        return shape.value
    if node["value"] not in getattr(shape, "members", {}):
        raise KeyError(f"{shape.name} has no {node['value']}")
    return shape.members[node["value"]]


def _chain(node: dict[str, Any], shape: Any) -> Any:
    for child in node["children"]:
        shape = _walk(child, shape)
    return shape


def _index(_node: dict[str, Any], shape: Any) -> Any:
    return shape if shape is ANYTHING else shape.member


def _projection(node: dict[str, Any], shape: Any) -> Any:
    base, inner = node["children"][0], node["children"][1]
    listed = _walk(base, shape)
    element = ANYTHING if listed is ANYTHING else listed.member
    if node["type"] == "filter_projection":
        _walk(node["children"][2], element)
    _walk(inner, element)
    return listed


def _each(node: dict[str, Any], shape: Any) -> Any:
    for child in node["children"]:
        _walk(child, shape)
    return ANYTHING


def _same(_node: dict[str, Any], shape: Any) -> Any:
    return shape


_NODES = {
    "field": _field,
    "subexpression": _chain,
    "index_expression": _chain,
    "pipe": _chain,
    "index": _index,
    "projection": _projection,
    "filter_projection": _projection,
    "comparator": _each,
    "identity": _same,
    "current": _same,
    "function_expression": _each,
}
