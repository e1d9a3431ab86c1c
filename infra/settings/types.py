"""The types of settings, and how they are read from text."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic.fields import FieldInfo

from infra.settings import rules
from infra.settings.files import Unquoted


def structured(value: object) -> object:
    """Parse a list or a map, which Pulumi passes as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"must be a list or a map; as text it must be JSON ({error})") from None


def scalar(field: FieldInfo | None, value: object) -> object:
    """Read a scalar of YAML as its setting takes it.

    Every reader reads `True` as the boolean, though it would write it as `true`; and plain digits
    are the same text for every reader.
    """
    kind = field.annotation if field else None
    if kind is bool and isinstance(value, Unquoted) and value.text.lower() in ("true", "false"):
        return value.text.lower()
    if kind is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


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
