"""Property values: between Pulumi's wire format, plain Python and botocore's shapes.

Pulumi names properties in camelCase and turns blocks of which there is one at most into plain
objects; AWS's members are in either case, and lists are lists. Walking the shape settles most of
it; what it can't settle is in a row's `names`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import Shape
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc

_SIGNATURE = rpc._special_sig_key
_SECRET = rpc._special_secret_sig
_OUTPUT = rpc._special_output_value_sig


class Unknown:
    """A value that is known only after the update; there is one, `UNKNOWN`."""

    def __repr__(self) -> str:
        return "(known after the update)"


UNKNOWN = Unknown()


class UnmappedError(ValueError):
    """A property for which the row and the operation's shape have no place.

    Attributes:
        path: the property's path, such as `defaultActions[0].forward`.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def from_struct(struct: Struct) -> dict[str, Any]:
    """Plain values of a protobuf struct: secrets opened, unknowns as `UNKNOWN`, nulls dropped."""
    return {
        key: plain
        for key, value in MessageToDict(struct).items()
        if (plain := _plain(value)) is not None
    }


def _plain(value: Any) -> Any:
    if value == rpc.UNKNOWN:
        return UNKNOWN
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        if value.get(_SIGNATURE) in (_SECRET, _OUTPUT):
            return _plain(value["value"]) if "value" in value else UNKNOWN
        return {key: plain for key, item in value.items() if (plain := _plain(item)) is not None}
    return value


def to_struct(values: Mapping[str, Any]) -> Struct:
    """The protobuf struct of plain values; `UNKNOWN` becomes Pulumi's marker."""
    struct = Struct()
    struct.update(_wire(values))
    return struct


def _wire(value: Any) -> Any:
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _wire(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_wire(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode()
    return value


def has_unknown(value: Any) -> bool:
    """Whether a value is, or holds at any depth, one that is not known yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def camel(member: str) -> str:
    """Pulumi's spelling of an AWS member: `DNSName` → `dnsName`, `VpcId` → `vpcId`."""
    head = re.match(r"[A-Z]+(?![a-z])|[A-Z]", member)
    return head.group().lower() + member[head.end() :] if head else member


def pascal(names: str) -> dict[str, str]:
    """Properties that are called as the member but for the first letter, as JMESPath."""
    return {name: name[0].upper() + name[1:] for name in names.split()}


def same(names: str) -> dict[str, str]:
    """Properties that are called exactly as the member, as JMESPath."""
    return {name: name for name in names.split()}


def member_for(shape: Any, key: str, path: str, names: Mapping[str, str]) -> str | None:
    """The member of a structure that a property belongs to, or None.

    Args:
        shape: the structure.
        key: the property's name in its object.
        path: its path without indices, by which `names` may rename it.
        names: a row's renames, path → member.
    """
    if path in names:
        return names[path] if names[path] in shape.members else None
    spellings: dict[str, str] = {member.lower(): member for member in shape.members}
    low = key.lower()
    for candidate in (low, low + "s", low.removesuffix("s"), re.sub("ies$", "y", low)):
        if candidate in spellings:
            return spellings[candidate]
    return None


def to_shape(shape: Shape, value: Any, path: str, names: Mapping[str, str]) -> Any:
    """A property's value as the shape wants it; raises UnmappedError for what has no place."""
    if value is UNKNOWN:
        return value
    if shape.type_name == "list" and not isinstance(value, list):
        value = [value]
    if shape.type_name in _BLOCKS:
        return _BLOCKS[shape.type_name](shape, value, path, names)
    return _SCALARS[shape.type_name](value) if shape.type_name in _SCALARS else value


def _to_structure(shape: Any, value: Any, path: str, names: Mapping[str, str]) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return value
    members = {}
    for key, item in value.items():
        inner = f"{path}.{key}" if path else key
        member = member_for(shape, key, _without_indices(inner), names)
        if member is None:
            raise UnmappedError(inner, f"has no place in AWS's {shape.name}")
        members[member] = to_shape(shape.members[member], item, inner, names)
    return members


def _to_list(shape: Any, value: Any, path: str, names: Mapping[str, str]) -> Any:
    return [
        to_shape(shape.member, item, f"{path}[{index}]", names) for index, item in enumerate(value)
    ]


def _to_map(shape: Any, value: Any, path: str, names: Mapping[str, str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: to_shape(shape.value, item, path, names) for key, item in value.items()}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d+", value) else value


def _number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    return value


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


_BLOCKS: dict[str, Callable[[Any, Any, str, Mapping[str, str]], Any]] = {
    "structure": _to_structure,
    "list": _to_list,
    "map": _to_map,
}
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "integer": _whole,
    "long": _whole,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
}


def from_shape(value: Any, path: str, names: Mapping[str, str]) -> Any:
    """An answer's value with the property names of Pulumi; `names` is the row's, path → member."""
    if isinstance(value, list):
        return [from_shape(item, path, names) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if not isinstance(value, dict):
        return value
    return {
        key: from_shape(item, f"{path}.{key}" if path else key, names)
        for member, item in value.items()
        for key in [property_for(member, path, names)]
    }


def property_for(member: str, path: str, names: Mapping[str, str]) -> str:
    """The property, within the object at `path`, that an AWS member is read into."""
    prefix = f"{path}." if path else ""
    for renamed, target in names.items():
        head, _, key = renamed.rpartition(".")
        if target == member and (f"{head}." if head else "") == prefix:
            return key
    return camel(member)


def _without_indices(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)
