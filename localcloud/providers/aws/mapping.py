"""Where a row's inputs go: the create call, a step, or the provider itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localcloud.gateway.constraints import service_model
from localcloud.providers.aws.spec import Op, Spec, Step, Values
from localcloud.providers.aws.values import UnmappedError, member_for, property_for, to_shape

ALWAYS = frozenset({"tags", "tagsAll", "region"})
HIDDEN = "__"


def input_shape(spec: Spec, operation: Op) -> Any:
    """The input structure of one of the row's calls."""
    return service_model(spec.service).operation_model(operation.name).input_shape


def creates_with(spec: Spec, name: str) -> str | None:
    """The member of the create call that an input goes to, or None."""
    if not isinstance(spec.create, Op) or name in spec.steering or name in ALWAYS:
        return None
    member = member_for(input_shape(spec, spec.create), name, name, spec.names)
    return None if member in spec.omit or member in spec.create.arguments else member


def step_covers(spec: Spec, step: Step, name: str) -> bool:
    """Whether a step brings this input in line."""
    if step.properties is not None:
        return name in step.properties
    if name in spec.replaces or name in spec.steering or name in ALWAYS:
        return False
    if not isinstance(step.run, Op):
        return False
    member = member_for(input_shape(spec, step.run), name, name, spec.names)
    return member is not None and member not in step.run.arguments


def accepts(spec: Spec, name: str) -> bool:
    """Whether the row has a place for an input."""
    if name == "region":
        return spec.regional
    if name in ("tags", "tagsAll"):
        return spec.tags is not None
    return (
        name in spec.inputs
        or name in spec.steering
        or creates_with(spec, name) is not None
        or any(step_covers(spec, step, name) for step in spec.update)
    )


def replaces(spec: Spec, name: str) -> bool:
    """Whether a change of this input needs a new resource."""
    if name in spec.replaces or name == "region":
        return True
    if name in spec.steering or name in ALWAYS:
        return False
    return not any(step_covers(spec, step, name) for step in spec.update)


def prepared(spec: Spec, inputs: Values) -> Values:
    """The inputs as the row arranges them, without the provider's own."""
    values = {
        name: value
        for name, value in inputs.items()
        if name not in ALWAYS and not name.startswith(HIDDEN) and name not in spec.steering
    }
    return spec.prepare(values) if spec.prepare else values


def create_request(spec: Spec, inputs: Values) -> Values:
    """The members of the create call that the inputs make; raises UnmappedError."""
    if not isinstance(spec.create, Op):
        return {}
    shape = input_shape(spec, spec.create)
    members = {}
    for name, value in prepared(spec, inputs).items():
        if (member := creates_with(spec, name)) is not None:
            members[member] = to_shape(shape.members[member], value, name, spec.names)
        elif not accepts(spec, name):
            raise UnmappedError(name, refusal(spec, name))
    return members


def step_request(spec: Spec, call: Op, inputs: Values, chosen: Iterable[str]) -> Values:
    """The members of a step's call that the chosen inputs make; raises UnmappedError."""
    shape = input_shape(spec, call)
    wanted = frozenset(chosen)
    members = {}
    for name, value in prepared(spec, inputs).items():
        if name not in wanted and name in inputs:
            continue
        member = member_for(shape, name, name, spec.names)
        if member is not None and member not in call.arguments:
            members[member] = to_shape(shape.members[member], value, name, spec.names)
    return members


def covered(spec: Spec, step: Step, names: Iterable[str]) -> list[str]:
    """Those of the inputs that a step is responsible for."""
    return [name for name in names if step_covers(spec, step, name)]


def refusal(spec: Spec, name: str) -> str:
    """Why an input is refused."""
    return (
        f"the local cloud's row for {spec.token} does not map the input {name!r}, so it can't be "
        "honoured; leave it out, or add it to localcloud/providers/aws/specs"
    )


def readable(spec: Spec, found: Mapping[str, Any]) -> dict[str, str]:
    """Input → member of the description in which AWS tells it back."""
    if not isinstance(spec.create, Op):
        return {}
    shape = input_shape(spec, spec.create)
    hidden = spec.omit | spec.arranged
    told = {member.lower(): member for member in found if member not in hidden}
    places = {}
    for member in shape.members:
        if member.lower() in told and member not in spec.create.arguments:
            places[_property(spec, member)] = told[member.lower()]
    for step in spec.update:
        if isinstance(step.run, Op):
            for member in input_shape(spec, step.run).members:
                if member.lower() in told and member not in step.run.arguments:
                    places.setdefault(_property(spec, member), told[member.lower()])
    return {name: member for name, member in places.items() if name not in ALWAYS}


def _property(spec: Spec, member: str) -> str:
    return property_for(member, "", spec.names)
