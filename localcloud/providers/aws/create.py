"""Create: the call, the steps that it has no members for, the tags, and the wait."""

from __future__ import annotations

from localcloud.providers.aws import read, tags, update
from localcloud.providers.aws.calls import CallError, preview, search
from localcloud.providers.aws.mapping import create_request
from localcloud.providers.aws.spec import Op, Resource, Values
from localcloud.providers.aws.values import UNKNOWN


class IncompleteError(Exception):
    """The resource exists, but not as it should; its state must be kept all the same."""


def request(resource: Resource) -> Values:
    """The create call's members, tags and the row's arguments included."""
    spec = resource.spec
    if not isinstance(spec.create, Op):
        return {}
    members = create_request(spec, resource.inputs)
    return {**resource.arguments(spec.create), **members, **tags.at_create(resource)}


def plan(resource: Resource) -> None:
    """Check what a create would send, as far as it is known, and leave unknown what AWS chooses."""
    spec = resource.spec
    if isinstance(spec.create, Op):
        preview(spec.service, spec.create.name, request(resource))
    chosen = {*spec.outputs, *spec.formats, *spec.sticky}
    shown = {name: value for name, value in resource.inputs.items() if not name.startswith("__")}
    resource.outputs = {**dict.fromkeys(chosen, UNKNOWN), **shown}


def create(resource: Resource) -> None:
    """Make the resource and leave its id and state in it.

    Raises:
        CallError: it was not made.
        IncompleteError: it was made, and something after that failed.
    """
    spec = resource.spec
    if spec.taken is not None:
        _refuse_taken(resource, spec.taken)
    if isinstance(spec.create, Op):
        answer = resource.call(spec.create.name, **request(resource))
        resource.id = str(search(spec.id, {**answer, **resource.scope()}))
    else:
        resource.id = spec.create(resource)
    resource.outputs = {**resource.inputs}
    try:
        complete(resource)
    except Exception as error:
        # Whatever it was: what exists must come into the state, or nobody finds it again.
        raise IncompleteError(str(error) or repr(error)) from error


def _refuse_taken(resource: Resource, look: Op) -> None:
    """Refuse a name that exists, though AWS would answer a repeated creation with what exists."""
    try:
        resource.run(look)
    except CallError as error:
        if error.code in resource.spec.absent:
            return
        raise
    kind = resource.spec.token.rpartition(":")[2]
    raise ValueError(f"{kind} ({resource.inputs['name']}) already exists")


def complete(resource: Resource) -> None:
    """Bring a resource that exists to what its inputs say, and wait until it is usable."""
    spec = resource.spec
    if spec.ready is not None:
        resource.wait(spec.ready, lambda: read.find(resource))
    update.take_state(resource)
    update.first_steps(resource)
    every = resource.inputs.get("tagsAll", {})
    if spec.tags is not None and (spec.tags.at_create is None or not isinstance(spec.create, Op)):
        tags.change(resource, {}, every)
    if spec.settle is not None:
        spec.settle(resource)
    update.take_state(resource)
