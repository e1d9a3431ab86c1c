"""Answers in pages, for every service that the local cloud has itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from localcloud.shared.service import ServiceError

Row = TypeVar("Row")


def page(
    rows: Sequence[Row],
    given: Mapping[str, Any],
    invalid: ServiceError,
    size: int = 100,
    names: tuple[str, str] = ("nextToken", "maxResults"),
) -> tuple[list[Row], str | None]:
    """One page of rows, and the token of the next; None at the end.

    Args:
        rows: all of them.
        given: the request.
        invalid: the service's own error for a token that no earlier answer had.
        size: how many rows a page has, unless the request says so.
        names: the request's members for the token and the number of rows.

    Raises:
        ServiceError: `invalid`.
    """
    token = given.get(names[0]) or "0"
    if not token.isdigit() or int(token) > len(rows):
        raise invalid
    start = int(token)
    end = start + int(given.get(names[1]) or size)
    return list(rows[start:end]), str(end) if end < len(rows) else None
