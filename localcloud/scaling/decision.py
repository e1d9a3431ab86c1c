"""The capacity that a target's bounds and policies lead to: a pure function.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What a policy wants.

    Attributes:
        policy: its name.
        wanted: the capacity; None while it is content.
        shrinks: whether it may ever take capacity away.
    """

    policy: str
    wanted: int | None
    shrinks: bool = True


@dataclass(frozen=True)
class Change:
    """A new capacity and why."""

    capacity: int
    cause: str


def decide(
    capacity: int,
    bounds: tuple[int, int],
    readings: Sequence[Reading],
    *,
    may_grow: bool = True,
    may_shrink: bool = True,
) -> Change | None:
    """The change to make now, if any.

    One policy that wants more is enough to grow; all that may shrink must agree to shrink. The
    bounds hold whatever the policies want.
    """
    least, most = bounds
    if not least <= capacity <= most:
        kept = min(max(capacity, least), most)
        return Change(kept, f"the bounds are {least} and {most}")
    wishes = [(r.wanted, r.policy) for r in readings if r.wanted is not None]
    growing = [wish for wish in wishes if wish[0] > capacity]
    if growing:
        wanted, policy = max(growing)
        change = Change(min(wanted, most), f"the policy {policy} wants {wanted}")
        return change if may_grow and change.capacity > capacity else None
    shrinking = [r for r in readings if r.shrinks]
    if not may_shrink or not shrinking or any(r.wanted is None for r in shrinking):
        return None
    wanted, policy = max((r.wanted or 0, r.policy) for r in shrinking)
    change = Change(max(wanted, least), f"the policy {policy} wants {wanted}")
    return change if change.capacity < capacity else None
