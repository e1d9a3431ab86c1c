"""Check: defaults, a name, all tags, and the refusal of inputs without a place."""

from __future__ import annotations

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


def _filled(given: Any, block: Values) -> Any:
    """A block, or each of a list of them, with what the vendor's provider takes for the rest."""
    if isinstance(given, list):
        return [_filled(each, block) for each in given]
    return {**block, **given} if isinstance(given, dict) else given


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
        inputs |= {name: _filled(inputs[name], block)} if name in inputs else {}
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
