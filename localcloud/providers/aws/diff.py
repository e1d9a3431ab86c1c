"""Diff: what changed between two sets of inputs, and whether that takes a new resource."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from localcloud.providers.aws import naming
from localcloud.providers.aws.comparing import DELETED, differences
from localcloud.providers.aws.mapping import HIDDEN, replaces
from localcloud.providers.aws.spec import Spec, Values

# To AWS an empty list or map says as much as none.
_NOTHING: tuple[Any, ...] = (None, [], {})


@dataclass(frozen=True)
class Change:
    """One input that changed.

    Attributes:
        name: the input.
        paths: where within it, path → ADD, DELETE or UPDATE.
        replaces: whether it takes a new resource.
    """

    name: str
    paths: dict[str, str]
    replaces: bool


@dataclass(frozen=True)
class Differences:
    """The changes, and whether the old resource has to go before the new one can come."""

    changes: tuple[Change, ...]
    delete_before_replace: bool

    @property
    def names(self) -> list[str]:
        """The inputs that changed."""
        return [change.name for change in self.changes]


def diff(spec: Spec, old: Values, new: Values, ignored: Iterable[str] = ()) -> Differences:
    """Compare the checked inputs of the last update with the new ones.

    Args:
        ignored: property paths of `ignoreChanges`; the whole input of such a path counts as equal,
            unless the path reaches inside, for which the engine has put the old value back.
    """
    skipped = frozenset(ignored)
    forcing = spec.forcing(old, new) if spec.forcing else frozenset()
    changes = [
        Change(name, paths, name in forcing or replaces(spec, name))
        for name in sorted(set(old) | set(new))
        if not name.startswith(HIDDEN) and name not in skipped
        if (paths := _paths(spec, name, old, new))
    ]
    first = any(change.replaces for change in changes) and _names_collide(spec, old, new)
    return Differences(tuple(changes), first)


def _paths(spec: Spec, name: str, old: Values, new: Values) -> dict[str, str]:
    before, after = old.get(name), new.get(name)
    equal = spec.equal.get(name)
    if equal is not None and before is not None and after is not None and equal(before, after):
        return {}
    if before in _NOTHING and after in _NOTHING and name not in spec.sticky:
        return {}
    found = dict(differences(before, after, name))
    if name in spec.sticky and set(found.values()) == {DELETED} and name in found:
        return {}
    return found


def _names_collide(spec: Spec, old: Values, new: Values) -> bool:
    if spec.name is None or not naming.is_fixed(spec, new):
        return False
    return bool(old.get(spec.name.property) == new.get(spec.name.property))
