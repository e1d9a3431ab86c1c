"""The types of settings, and how they are read from text."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from infra.settings import rules


def structured(value: object) -> object:
    """Parse a list or a map, which Pulumi passes as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"must be JSON, or a list or map in YAML ({error})") from None


def as_text(value: object) -> object:
    """Return a variable's value as text; YAML reads `PORT: 8080` as a number."""
    value = structured(value)
    if not isinstance(value, dict):
        return value
    scalar = (bool, int, float)
    return {
        key: json.dumps(each) if isinstance(each, scalar) else each for key, each in value.items()
    }


Text = Annotated[str, StringConstraints(strip_whitespace=True)]
TextList = Annotated[list[str], BeforeValidator(structured)]
TextMap = Annotated[dict[str, str], BeforeValidator(as_text)]
Structure = Annotated[dict[str, Any], BeforeValidator(structured)]
Percent = Annotated[int, Field(ge=0, le=100)]
Words = Annotated[list[str], BeforeValidator(structured), AfterValidator(rules.words)]
