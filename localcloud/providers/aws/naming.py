"""Physical names for resources that the program leaves unnamed, as pulumi-aws makes them.

https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from localcloud.providers.aws.spec import AutoName, Spec, Values

DEFAULTS = "__defaults"
_DIGITS = 7
_PREFIX_DIGITS = 26


class NameRequiredError(ValueError):
    """The stack's settings turn automatic naming off, and the program gives no name.

    Attributes:
        property: the input that must hold one.
    """

    def __init__(self, name: str) -> None:
        super().__init__("automatic naming is off in this stack, so a name is required")
        self.property = name


def complete(spec: Spec, new: Values, old: Values, request: Any) -> Values:
    """The inputs with a name, and under `__defaults` which the provider chose.

    The chosen name of before stays; after it the engine's own autonaming settings count.
    """
    rule = spec.name
    if rule is None or rule.property in new:
        return new
    if rule.property in old.get(DEFAULTS, []) and old.get(_prefix(rule)) == new.get(_prefix(rule)):
        name = old[rule.property]
    else:
        name = _generated(rule, new, request)
    return {**new, rule.property: name, DEFAULTS: [rule.property]}


def is_fixed(spec: Spec, inputs: Values) -> bool:
    """Whether the program chose the name, so that two of them can't be there at once."""
    return spec.name is not None and spec.name.property not in inputs.get(DEFAULTS, [])


def _prefix(rule: AutoName) -> str:
    return f"{rule.property}Prefix"


def _generated(rule: AutoName, new: Values, request: Any) -> str:
    prefix = new.get(_prefix(rule))
    if isinstance(prefix, str):
        room = rule.length - len(prefix) - len(rule.suffix)
        return f"{prefix}{_hex(request.randomSeed, min(_PREFIX_DIGITS, room))}{rule.suffix}"
    options = request.autonaming if request.HasField("autonaming") else None
    if options is not None and options.mode == options.DISABLE:
        raise NameRequiredError(rule.property)
    if options is not None and options.proposed_name:
        return str(options.proposed_name)
    room = rule.length - _DIGITS - len(rule.prefix + rule.joint + rule.suffix)
    base = (request.name or request.urn.split("::")[-1])[:room]
    if rule.lower:
        base = base.lower()
    return f"{rule.prefix}{base}{rule.joint}{_hex(request.randomSeed, _DIGITS)}{rule.suffix}"


def _hex(seed: bytes, digits: int) -> str:
    return hashlib.sha256(seed or secrets.token_bytes(16)).hexdigest()[:digits]
