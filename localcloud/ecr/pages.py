"""Answers in pages: `maxResults` and `nextToken`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.shared import paging
from localcloud.shared.paging import Row
from localcloud.shared.service import ServiceError


def page(rows: Sequence[Row], given: Mapping[str, Any]) -> tuple[list[Row], str | None]:
    """One page of rows, and the token of the next; None at the end.

    Raises:
        ServiceError: the token is not one that an earlier page gave.
    """
    words = "The nextToken is not of an earlier answer."
    return paging.page(rows, given, ServiceError("InvalidParameterException", words))
