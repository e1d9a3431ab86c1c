"""Read: what is there now, as state and as inputs."""

from __future__ import annotations

import datetime
import re
from typing import Any

from localcloud.providers.aws import tags
from localcloud.providers.aws.calls import CallError, search
from localcloud.providers.aws.comparing import differences
from localcloud.providers.aws.mapping import HIDDEN, accepts, readable
from localcloud.providers.aws.spec import Op, Resource, Values
from localcloud.providers.aws.values import from_shape

# Maps in which AWS adds nothing by itself, so that every entry counts.
_WHOLE = frozenset({"tags", "tagsAll"})


def find(resource: Resource) -> Values | None:
    """AWS's description of the resource, or None if there is none."""
    spec = resource.spec
    try:
        if not isinstance(spec.read, Op):
            return spec.read(resource)
        found = search(spec.found, resource.run(spec.read))
    except CallError as error:
        if error.code in spec.absent:
            return None
        raise
    return found or None


def refresh(resource: Resource, blocks: bool = False) -> bool:
    """Take the resource's state from AWS into `found` and `outputs`; False if it is gone.

    Args:
        blocks: take nested values too that the program did not give. AWS has a list, or a single
            block, where Pulumi may have the other, and only the program's inputs tell which.
    """
    found = find(resource)
    if found is None:
        return False
    resource.found = found
    told = readable(resource.spec, found)
    live = _properties(resource, told)
    given = {
        name: value
        for name, value in resource.inputs.items()
        if not name.startswith(HIDDEN) and (name in live or name not in resource.spec.outputs)
    }
    resource.outputs = {
        **given,
        **{
            name: value if name in _WHOLE | resource.spec.whole else project(value, given.get(name))
            for name, value in live.items()
            if blocks or name in given or name not in told or not _nested(value)
        },
        "id": resource.id,
    }
    return True


def read(resource: Resource) -> bool:
    """Refresh state and inputs, or import by id; False if there is no such resource."""
    imported = not resource.inputs
    if imported and resource.spec.imports == "":
        raise ValueError(f"the local cloud can't import {resource.spec.token}; create it instead")
    if imported and resource.spec.imports:
        resource.inputs = _parsed(resource.spec.imports, resource.id)
        resource.id = resource.inputs.pop("id", resource.id)
    if not refresh(resource, blocks=imported):
        return False
    if resource.spec.found_id:
        resource.id = resource.outputs["id"] = search(
            resource.spec.found_id, {**resource.found, "inputs": resource.inputs}
        )
    resource.inputs = _imported_inputs(resource) if imported else _current_inputs(resource)
    return True


def told_as(key: str, live: Values) -> str | None:
    """The key under which AWS tells a property, which may differ in case and number."""
    if key in live:
        return key
    spellings = {place.lower(): place for place in live}
    low = key.lower()
    return next(
        (spellings[low] for low in (low, f"{low}s", low.removesuffix("s")) if low in spellings),
        None,
    )


def project(live: Any, given: Any) -> Any:
    """The live value with only what was given: AWS fills in defaults that are no drift."""
    if isinstance(given, dict) and isinstance(live, list) and len(live) == 1:
        live = live[0]
    if isinstance(given, list) and isinstance(live, dict):
        live = [live]
    if isinstance(given, dict) and isinstance(live, dict):
        told = {key: told_as(key, live) for key in given}
        return {
            key: project(live[place], given[key])
            for key, place in told.items()
            if place is not None
        }
    if isinstance(given, list) and isinstance(live, list) and len(live) == len(given):
        if not list(differences(given, live, "")):
            return given
        return [project(one, other) for one, other in zip(live, given, strict=True)]
    return given if not list(differences(given, live, "")) else live


def _nested(value: Any) -> bool:
    """Whether a value is a block or a list of blocks."""
    return isinstance(value, dict) or (
        isinstance(value, list) and all(isinstance(item, dict) for item in value)
    )


def _properties(resource: Resource, told: dict[str, str]) -> Values:
    spec, found = resource.spec, resource.found
    live = {
        name: from_shape(found[member], name, spec.names)
        for name, member in told.items()
        if found[member] is not None
    }
    for name, expression in spec.outputs.items():
        live[name] = _plain(search(expression, found))
    if spec.regional:
        live["region"] = resource.api.region
    facts = {**live, "id": resource.id, "region": resource.api.region, "account": resource.account}
    for name, text in spec.formats.items():
        live[name] = text.format_map({**resource.inputs, **facts})
    if spec.tags is not None:
        live.update(_tags(resource, live))
    if spec.present is not None:
        live.update(spec.present(resource, found))
    return {name: value for name, value in live.items() if value is not None}


def _tags(resource: Resource, live: Values) -> Values:
    every = tags.read(resource, live)
    own, known = resource.inputs.get("tags", {}), resource.inputs.get("tagsAll", {})
    mine = {key: value for key, value in every.items() if key in own or key not in known}
    return {"tagsAll": every, "tags": mine} if every or own else {}


def _current_inputs(resource: Resource) -> Values:
    """The inputs as they would have to be for what AWS tells."""
    spec, current = resource.spec, _added_by_hand(resource)
    for name, given in resource.inputs.items():
        live = resource.outputs.get(name, None if name in spec.outputs else given)
        equal = spec.equal.get(name)
        current[name] = given if equal is not None and equal(given, live) else live
    return {name: value for name, value in current.items() if value is not None}


def _added_by_hand(resource: Resource) -> Values:
    """What the program does not give and AWS does not choose, and is set all the same."""
    spec = resource.spec
    return {
        name: value
        for name, value in resource.outputs.items()
        if value and name not in spec.sticky and name != "id" and accepts(spec, name)
    }


def _imported_inputs(resource: Resource) -> Values:
    told = {
        name: value
        for name, value in resource.outputs.items()
        if value not in ("", [], {}) and name != "id" and accepts(resource.spec, name)
    }
    return {**resource.spec.defaults, **told}


def _parsed(pattern: str, identifier: str) -> Values:
    match = re.fullmatch(pattern, identifier)
    if match is None:
        raise ValueError(f"the import id {identifier!r} must look like {pattern}")
    return {name: value for name, value in match.groupdict().items() if value is not None}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.datetime) else value
