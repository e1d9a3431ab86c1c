"""What a person, a tool or an attacker may hand over in place of what is expected.

Every run draws the same examples, so that a test that passes here passes everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

SLOW_DRAWS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

DEEP = 100_000
"""Levels of nesting that no reader can follow."""


def bounded(examples: int) -> Callable[[Any], Any]:
    """So many examples, the same in each run."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[*SLOW_DRAWS, HealthCheck.function_scoped_fixture],
    )


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["", "[]", "{}", "[1", '{"a": 1}', "[" * 2000, "9" * 5000, "1e999", "\0"])
)


def values(*names: str) -> st.SearchStrategy[Any]:
    """Plain data of any structure, whose maps have these names among others."""
    keys = st.sampled_from(names) | st.text(max_size=10) if names else st.text(max_size=10)
    return st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(keys | st.integers(), inner, max_size=4)
        ),
        max_leaves=12,
    )


def as_json(value: Any) -> str:
    """The text of a value, as Pulumi hands structures to a program."""
    return json.dumps(value, default=str)
