"""IAM policy documents: text → statements, checked against the policy grammar.

Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from localcloud.iam.conditions import OPERATORS, Condition

VERSIONS = ("2012-10-17", "2008-10-17")
DOCUMENT_MEMBERS = {"Version", "Id", "Statement"}
STATEMENT_MEMBERS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
    "Resource", "NotResource", "Condition",
}  # fmt: skip
PRINCIPAL_TYPES = {"AWS", "Service", "Federated", "CanonicalUser"}
ACTION_PATTERN = re.compile(r"^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$")
SID_PATTERN = re.compile(r"^[A-Za-z0-9]*$")

Kind = Literal["identity", "trust", "resource"]
"""Where a document is attached: to an identity, to a role as its trust, to another resource."""


class PolicyError(ValueError):
    """A document that is no policy; the text says which part and why."""


@dataclass(frozen=True)
class Statement:
    """One statement; of each pair (`action`, `not_action`) exactly one is set, if any."""

    sid: str
    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    not_principals: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()
    variables: bool = True
    label: str = ""


@dataclass(frozen=True)
class Policy:
    """A parsed document.

    Attributes:
        version: its language version; only 2012-10-17 knows policy variables.
        statements: in the document's order.
    """

    version: str
    statements: tuple[Statement, ...]


@lru_cache(maxsize=4096)
def parse(text: str, kind: Kind = "identity") -> Policy:
    """The statements of a policy document; remembered by its text.

    Raises:
        PolicyError: the text is not JSON or breaks the grammar.
    """
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise PolicyError(f"This policy contains invalid Json: {error}") from error
    if not isinstance(document, dict):
        raise PolicyError("The policy is not a JSON object")
    _refuse_unknown(document, DOCUMENT_MEMBERS, "policy")
    version = document.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise PolicyError(f"Version {version!r} is none of {', '.join(VERSIONS)}")
    rows = document.get("Statement")
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list) or (not rows and kind != "identity"):
        raise PolicyError("The policy has no Statement")
    statements = tuple(_statement(row, kind, version, number) for number, row in enumerate(rows))
    sids = [s.sid for s in statements if s.sid]
    if len(sids) != len(set(sids)):
        raise PolicyError("Statement IDs (SID) in a single policy must be unique.")
    return Policy(version, statements)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise PolicyError(f"The member {key!r} stands twice")
        found[key] = value
    return found


def _refuse_unknown(value: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(value) - known)
    if unknown:
        raise PolicyError(f"Has prohibited field {', '.join(unknown)} in the {what}")


def _statement(row: Any, kind: Kind, version: str, number: int) -> Statement:
    if not isinstance(row, dict):
        raise PolicyError("A statement is not a JSON object")
    _refuse_unknown(row, STATEMENT_MEMBERS, "statement")
    effect = row.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"Invalid effect: {effect}; it is Allow or Deny")
    sid = row.get("Sid", "")
    if not isinstance(sid, str) or (kind == "identity" and not SID_PATTERN.match(sid)):
        raise PolicyError(f"Statement IDs (SID) must be alpha-numeric; {sid!r} is not")
    actions = _one_of(row, "Action", "NotAction", required=True)
    resources = _one_of(row, "Resource", "NotResource", required=kind == "identity")
    _check_members(row, kind, actions[0] + actions[1], resources[0] + resources[1])
    return Statement(
        sid=sid,
        effect=effect,
        actions=actions[0],
        not_actions=actions[1],
        resources=resources[0],
        not_resources=resources[1],
        principals=_principals(row.get("Principal")),
        not_principals=_principals(row.get("NotPrincipal")),
        conditions=_conditions(row.get("Condition", {})),
        variables=version == "2012-10-17",
        label=sid or f"statement {number + 1}",
    )


def _one_of(
    row: Mapping[str, Any], name: str, negated: str, *, required: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if name in row and negated in row:
        raise PolicyError(f"A statement has both {name} and {negated}")
    if required and name not in row and negated not in row:
        raise PolicyError(f"Policy statement must contain {name.lower()}s.")
    return _strings(row.get(name, []), name), _strings(row.get(negated, []), negated)


def _strings(value: Any, name: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise PolicyError(f"{name} is neither a string nor a list of strings")
    return tuple(values)


def _check_members(
    row: Mapping[str, Any], kind: Kind, actions: tuple[str, ...], resources: tuple[str, ...]
) -> None:
    for action in actions:
        if not ACTION_PATTERN.match(action):
            raise PolicyError(
                f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.; "
                f"{action!r} is not"
            )
    has_principal = "Principal" in row or "NotPrincipal" in row
    if kind == "identity" and has_principal:
        raise PolicyError("Policy document should not specify a principal.")
    if kind != "identity" and not has_principal:
        raise PolicyError("Missing required field Principal")
    if kind == "trust" and ("Resource" in row or "NotResource" in row):
        raise PolicyError("Has prohibited field Resource")
    if kind == "trust" and "NotPrincipal" in row and row["Effect"] == "Allow":
        raise PolicyError("Allow with NotPrincipal is not allowed.")
    if kind == "identity":
        for resource in resources:
            if resource != "*" and not resource.startswith(("arn:", "${")):
                raise PolicyError(f'Resource {resource} must be in ARN format or "*".')


def _principals(value: Any) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if value == "*":
        return (("AWS", "*"),)
    if not isinstance(value, dict) or not value:
        raise PolicyError('Invalid principal in policy: it is "*" or an object')
    _refuse_unknown(value, PRINCIPAL_TYPES, "principal")
    return tuple((kind, name) for kind in value for name in _strings(value[kind], kind))


def _conditions(block: Any) -> tuple[Condition, ...]:
    if not isinstance(block, dict):
        raise PolicyError("Condition is not a JSON object")
    found = []
    for operator, keys in block.items():
        if not isinstance(keys, dict):
            raise PolicyError(f"Condition {operator} is not a JSON object")
        for key, values in keys.items():
            found.append(_condition(operator, key, values))
    return tuple(found)


def _condition(written: str, key: str, values: Any) -> Condition:
    quantifier, _, name = written.rpartition(":")
    if quantifier and quantifier.lower() not in ("forallvalues", "foranyvalue"):
        raise PolicyError(f"Invalid Condition type : {written}.")
    if_exists = name.lower().endswith("ifexists")
    name = name[: -len("IfExists")] if if_exists else name
    spelled = {known.lower(): known for known in OPERATORS}.get(name.lower())
    if spelled is None or (spelled == "Null" and (if_exists or quantifier)):
        raise PolicyError(f"Invalid Condition type : {written}.")
    texts = tuple(_text(value) for value in (values if isinstance(values, list) else [values]))
    if ":" not in key:
        raise PolicyError(f"Condition key {key!r} has no vendor; write vendor:key")
    return Condition(spelled, quantifier or None, if_exists, key, texts)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise PolicyError(f"A condition's value is neither text, number nor truth value: {value!r}")
