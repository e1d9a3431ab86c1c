"""Answers in pages of a hundred, as CodeBuild gives them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.codebuild.errors import invalid

SIZE = 100


def page(rows: Sequence[str], wanted: Mapping[str, Any]) -> tuple[list[str], str | None]:
    """One page of names, and the token of the next; None at the end.

    Raises:
        ServiceError: the token is not one that an earlier page gave.
    """
    start = 0
    if wanted.get("nextToken"):
        try:
            start = int(base64.urlsafe_b64decode(wanted["nextToken"].encode()))
        except ValueError as error:
            raise invalid("Invalid next token") from error
    end = start + SIZE
    token = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(rows) else None
    return list(rows[start:end]), token
