"""What is told of one resource type of the vendor's provider, and of one change by plain calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held

Values = dict[str, Any]


@dataclass(frozen=True)
class Vendor:
    """One resource type of the vendor's provider.

    Attributes:
        source: its file.
        reads: the operations that its read makes.
        kept: inputs that are optional and computed, or whose absence its diff suppresses: leaving
            one out changes nothing.
        defaults: input → what it takes where the program gives none.
        nested: block → the same for what is left out of a given block.
        waits: what it waits for after a create, an update or a delete.
        least: the inputs of its case in `lives` that a change by plain calls begins with; none:
            all of them.
    """

    source: str
    reads: frozenset[str]
    kept: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    nested: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waits: str = ""
    least: tuple[str, ...] = ()


@dataclass(frozen=True)
class ByHand:
    """A change by plain calls of what a resource of this type is.

    Attributes:
        token: its type.
        change: makes the change.
        told: the input that a preview tells after it; none where the vendor's provider keeps what
            it finds.
        given: inputs beside those of `Vendor.least`.
        leaves: inputs of the case that are left out.
        gone: whether the resource is not there any more.
    """

    token: str
    change: Callable[[World, Held], Any]
    told: str = ""
    given: Values = field(default_factory=dict)
    leaves: tuple[str, ...] = ()
    gone: bool = False
