"""Reads settings files, so that a text in the file is the same text in the container.

Pulumi's engine and Python disagree on some scalars without quotes (`no`, `089`, `12:30:45`), and
both drop what a number does not need (`0123`, `1.10`). Such a scalar stays as it is written, an
`Unquoted`, which the settings refuse and which a copy of the file has as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_PLAIN = re.compile(r"true|false|-?[1-9]\d{0,14}|0|null|~|")
"""Scalars that every reader reads as the same value, and writes as the same text."""

_NUMBER = re.compile(
    r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|[-+]?\d[\d_]*|[-+]?0[bBoOxX][0-9a-fA-F_]+"
)
"""What the engine takes for a number beside what PyYAML takes for one
(https://github.com/go-yaml/yaml/blob/v3/resolve.go)."""

DEEPEST = 100
"""How many lists and maps of a file may lie in each other."""
MOST_VALUES = 100_000
"""How many values a file may hold, each alias counted as all that it stands for."""

_TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True)
class Unquoted:
    """A scalar that readers of YAML read as something else than the text that is written.

    Attributes:
        text: as it is written.
        tag: what PyYAML takes it for.
    """

    text: str
    tag: str

    def __repr__(self) -> str:
        return self.text


class _Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml where PyYAML has it: it reads `Pulumi.yaml` in a tenth of the time."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that stands twice, of which PyYAML takes the last and Pulumi none."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and not node.style and _differs(node):
            return Unquoted(node.value, node.tag)
        return super().construct_object(node, deep=deep)


def _differs(node: yaml.ScalarNode) -> bool:
    if _PLAIN.fullmatch(node.value):
        return False
    if node.tag == _TEXT:
        return bool(_NUMBER.fullmatch(node.value))
    if node.tag == "tag:yaml.org,2002:float" and re.fullmatch(r"-?\d+\.\d+", node.value):
        number = float(node.value)
        return number.is_integer() or repr(number) != node.value
    return True


class _Writer(yaml.SafeDumper):
    """Writes every text in quotes, so that no reader takes it for anything else."""


_Writer.add_representer(str, lambda writer, text: writer.represent_scalar(_TEXT, text, style='"'))
_Writer.add_representer(
    Unquoted, lambda writer, scalar: writer.represent_scalar(scalar.tag, scalar.text)
)


def read(path: Path) -> Any:
    """What a file of YAML holds.

    Raises:
        FileNotFoundError: there is no such file.
        UnicodeDecodeError: it is not UTF-8.
        yaml.YAMLError: it is not YAML, or more than a settings file needs.
    """
    text = path.read_text("utf-8")
    _refuse_excess(text)
    try:
        return yaml.load(text, _Reader)  # noqa: S506 - a safe loader
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise yaml.YAMLError(f"a value is not what its tag says ({error})") from error


def _refuse_excess(text: str) -> None:
    """Refuse what a reader can't hold: libyaml overflows the stack on a few hundred kB of `[`,
    and aliases of aliases stand for more values than fit in the memory."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(text, _Reader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, 1))
            if len(open_nodes) > DEEPEST:
                raise yaml.YAMLError(f"it is nested more than {DEEPEST} levels deep")
            continue
        anchor, size = None, int(isinstance(event, yaml.ScalarEvent))
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise yaml.YAMLError(f"*{event.anchor} stands for nothing, or for what it is in")
            size = sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            anchor = event.anchor
        if anchor:
            sizes[anchor] = size
        open_nodes[-1] = (open_nodes[-1][0], open_nodes[-1][1] + size)
        if open_nodes[-1][1] > MOST_VALUES:
            raise yaml.YAMLError(f"it holds more than {MOST_VALUES} values")


def written(document: Mapping[str, Any]) -> str:
    """A document as YAML that every reader reads alike."""
    return yaml.dump(dict(document), Dumper=_Writer, sort_keys=False, width=float("inf"))


NAMESPACE = "fargate-cd"
"""The prefix of settings in every project; `PROJECT:NAME`, as Pulumi writes it, is the same."""


def _name(key: object, project: str) -> str | None:
    """The setting that a key of a stack's configuration names; None for another program's.

    To Pulumi a key without a prefix is the project's, too.
    """
    prefix, colon, name = str(key).partition(":")
    if not colon:
        return prefix
    return name if prefix in (NAMESPACE, project) else None


def is_setting(key: object, project: str) -> bool:
    """Whether a key of a stack's configuration is a setting of the program."""
    return _name(key, project) is not None


def of_project(document: Mapping[str, Any] | None, project: str) -> dict[str, Any]:
    """The settings of a stack's file: name without the prefix → value.

    Args:
        document: the file, with its settings below `config`.
        project: the name in `Pulumi.yaml`. Its prefix is the one that Pulumi itself writes, in
            `pulumi config set` and for the defaults of `Pulumi.yaml`, so the other one wins.
    """
    config = (document or {}).get("config") or {}
    ours = sorted(config, key=lambda key: str(key).startswith(f"{NAMESPACE}:"))
    named = ((_name(key, project), config[key]) for key in ours)
    return {name: value for name, value in named if name is not None}


def given_twice(document: Mapping[str, Any] | None, project: str) -> list[str]:
    """What is wrong about settings that a stack's file has under two prefixes."""
    keys: dict[str, list[str]] = {}
    for key in sorted((document or {}).get("config") or {}, key=str):
        if name := _name(key, project):
            keys.setdefault(name, []).append(str(key))
    return [
        f"{' and '.join(given)} are the same setting; leave one out"
        for given in keys.values()
        if len(given) > 1
    ]


def unquoted(value: object, place: str = "") -> Iterator[tuple[str, Unquoted]]:
    """Every scalar of a value that needs quotes, with its place such as `['PORT']`."""
    if isinstance(value, Unquoted):
        yield place, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from unquoted(key, place)
            yield from unquoted(each, f"{place}[{key!r}]")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from unquoted(each, f"{place}[{index}]")
