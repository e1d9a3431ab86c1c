"""Answers in pages: `maxResults` and `nextToken`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from localcloud.shared.service import ServiceError

Row = TypeVar("Row")
DEFAULT_SIZE = 100


def page(rows: Sequence[Row], wanted: Mapping[str, Any]) -> tuple[Sequence[Row], str | None]:
    """One page of rows, and the token of the next; None at the end.

    Raises:
        ServiceError: the token is not one that an earlier page gave.
    """
    start = 0
    if wanted.get("nextToken"):
        try:
            start = int(base64.urlsafe_b64decode(wanted["nextToken"].encode()))
        except ValueError as error:
            raise ServiceError(
                "InvalidParameterException", "The nextToken is not of an earlier answer."
            ) from error
    end = start + int(wanted.get("maxResults") or DEFAULT_SIZE)
    token = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(rows) else None
    return rows[start:end], token
