"""What a request to AWS must satisfy by the service model that botocore carries.

botocore itself checks types and required members before it sends; lengths, patterns, enums and
upper bounds are in its models too, but only the service enforces them. A local cloud that does
not would accept what AWS refuses.

Source of the models: https://github.com/boto/botocore/tree/develop/botocore/data; of the traits'
meaning: https://smithy.io/2.0/spec/constraint-traits.html.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import botocore.session
import regex
from botocore.model import ServiceModel, Shape

_NOTHING = object()

# The models are written for Java, where a pair of surrogates stands for one character beyond the
# basic plane; Python's strings hold that character itself.
_SURROGATE_PAIRS = r"\uD800\uDC00-\uDBFF\uDFFF"
_BEYOND_BASIC_PLANE = r"\U00010000-\U0010FFFF"

_NUMBERS = (int, float)
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": _NUMBERS,
    "double": _NUMBERS,
    "boolean": (bool,),
    "blob": (bytes, bytearray, str),
    "timestamp": (datetime.datetime, str, *_NUMBERS),
    "list": (list, tuple),
    "map": (dict,),
    "structure": (dict,),
}
_SIZED = {"string": "characters", "blob": "bytes", "list": "members", "map": "entries"}
_RANGED = ("integer", "long", "float", "double")


@lru_cache(maxsize=1)
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@lru_cache(maxsize=128)
def service_model(service: str) -> ServiceModel:
    """The model of a service by botocore's name for it; raises UnknownServiceError."""
    return _session().get_service_model(service)


@lru_cache(maxsize=4096)
def compiled_pattern(pattern: str) -> regex.Pattern[str]:
    """A model's pattern as Python's `regex` reads it; raises `regex.error` if it can't."""
    return regex.compile(pattern.replace(_SURROGATE_PAIRS, _BEYOND_BASIC_PLANE), regex.V1)


def violations(
    service: str, operation: str, params: dict[str, Any], *, unknown: object = _NOTHING
) -> list[str]:
    """How a request breaks its operation's model.

    Args:
        service: botocore's service name, such as `elbv2`.
        operation: the operation, such as `CreateTargetGroup`.
        params: the request's members by the names of the model.
        unknown: a marker for values that are not known yet (a preview); they satisfy anything.

    Returns:
        One sentence per breach, each beginning with the member's path; empty if there is none.

    Raises:
        botocore.exceptions.UnknownServiceError: no such service.
        botocore.model.OperationNotFoundError: no such operation.
    """
    model = service_model(service).operation_model(operation)
    if model.input_shape is None:
        return [f"{member}: {operation} takes no parameters" for member in params]
    generated = frozenset(model.idempotent_members)
    return list(_structure(model.input_shape, params, "", unknown, generated))


def _check(shape: Shape, value: Any, path: str, unknown: object) -> Iterator[str]:
    if value is unknown or getattr(shape, "is_document_type", False):
        return
    expected = _TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        yield f"{path}: must be {_article(shape.type_name)}, not {_shown(value)}"
        return
    yield from _size(shape, value, path)
    walk = _CONTAINERS.get(shape.type_name)
    if walk is not None:
        yield from walk(shape, value, path, unknown)
    elif isinstance(value, str) and shape.type_name == "string":
        yield from _text(shape, value, path)


def _size(shape: Shape, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name in _SIZED:
        amount, unit = len(value), f" {_SIZED[shape.type_name]}"
    elif shape.type_name in _RANGED:
        amount, unit = value, ""
    else:
        return
    if low is not None and amount < low:
        yield f"{path}: {_shown(value)} is below the minimum of {low}{unit}"
    if high is not None and amount > high:
        yield f"{path}: {_shown(value)} is above the maximum of {high}{unit}"


def _text(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield f"{path}: {_shown(value)} is none of {', '.join(allowed)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not compiled_pattern(pattern).fullmatch(value):
        yield f"{path}: {_shown(value)} does not match the pattern {pattern}"


def _structure(
    shape: Any, value: dict[str, Any], path: str, unknown: object, generated: frozenset[str]
) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None and name not in generated:
            yield f"{_join(path, name)}: is required"
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"{path}: takes exactly one of {', '.join(shape.members)}"
    for name, item in value.items():
        if name not in shape.members:
            yield f"{_join(path, name)}: is unknown; known are {', '.join(sorted(shape.members))}"
        elif item is not None:
            yield from _check(shape.members[name], item, _join(path, name), unknown)


def _members(shape: Any, value: dict[str, Any], path: str, unknown: object) -> Iterator[str]:
    return _structure(shape, value, path, unknown, frozenset())


def _items(shape: Any, value: list[Any], path: str, unknown: object) -> Iterator[str]:
    for index, item in enumerate(value):
        yield from _check(shape.member, item, f"{path}[{index}]", unknown)


def _entries(shape: Any, value: dict[str, Any], path: str, unknown: object) -> Iterator[str]:
    for key, item in value.items():
        yield from _check(shape.key, key, f"{path}[key {_shown(key)}]", unknown)
        yield from _check(shape.value, item, f"{path}[{_shown(key)}]", unknown)


_CONTAINERS: dict[str, Callable[[Any, Any, str, object], Iterator[str]]] = {
    "structure": _members,
    "list": _items,
    "map": _entries,
}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _article(type_name: str) -> str:
    return f"{'an' if type_name == 'integer' else 'a'} {type_name}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
