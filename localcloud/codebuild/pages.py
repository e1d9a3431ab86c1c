"""Answers in pages of a hundred, as CodeBuild gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.codebuild.errors import invalid
from localcloud.shared import paging


def page(rows: Sequence[str], given: Mapping[str, Any]) -> tuple[list[str], str | None]:
    """One page of names, and the token of the next; None at the end.

    Raises:
        ServiceError: the token is not one that an earlier page gave.
    """
    return paging.page(rows, given, invalid("Invalid next token"))
