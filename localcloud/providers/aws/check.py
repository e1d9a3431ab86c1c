"""Check: defaults, a name, all tags, and the refusal of inputs without a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.providers.aws import naming, tags
from localcloud.providers.aws.mapping import HIDDEN, accepts, create_request, refusal
from localcloud.providers.aws.spec import Spec, Values
from localcloud.providers.aws.values import UnmappedError


@dataclass(frozen=True)
class Checked:
    """Inputs with what the provider adds, and property → why it is refused."""

    inputs: Values
    failures: dict[str, str]


def _completed(value: Any, path: list[str], block: Mapping[str, Any]) -> Any:
    """The value with what a block at the path leaves out; where there is no block, nothing."""
    if isinstance(value, list):
        return [_completed(item, path, block) for item in value]
    if not isinstance(value, dict):
        return value
    if not path:
        return {**block, **value}
    name, *rest = path
    return {**value, name: _completed(value[name], rest, block)} if name in value else value


def check(spec: Spec, new: Values, old: Values, request: Any, defaults: Values) -> Checked:
    """Complete the inputs of one resource and find what is wrong with them.

    Args:
        spec: its row.
        new: the inputs of the program.
        old: the checked inputs of the last update, if any.
        request: the engine's request: names, seed and autonaming settings.
        defaults: the provider's own: `region` and `defaultTags`.
    """
    given = {name: value for name, value in new.items() if not name.startswith(HIDDEN)}
    failures = {name: refusal(spec, name) for name in given if not accepts(spec, name)}
    inputs = {**spec.defaults, **given}
    for name, block in spec.nested.items():
        inputs = _completed(inputs, name.split("."), block)
    if spec.regional:
        inputs.setdefault("region", defaults["region"])
    if spec.tags is not None and (every := tags.merged(defaults["defaultTags"], given.get("tags"))):
        inputs["tagsAll"] = every
    try:
        inputs = naming.complete(spec, inputs, old, request)
    except naming.NameRequiredError as error:
        failures[error.property] = str(error)
    if not failures:
        try:
            create_request(spec, inputs)
        except UnmappedError as error:
            failures[error.path] = error.reason
        except ValueError as error:
            failures[""] = str(error)
    return Checked(inputs, failures)
