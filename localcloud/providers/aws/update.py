"""Update: the steps whose inputs changed, the tags, and the wait."""

from __future__ import annotations

from collections.abc import Iterable

from localcloud.providers.aws import read, tags
from localcloud.providers.aws.calls import preview
from localcloud.providers.aws.diff import diff
from localcloud.providers.aws.mapping import covered, create_request, creates_with, step_request
from localcloud.providers.aws.spec import Op, Resource, Step, Values


def plan(resource: Resource, old: Values) -> None:
    """Check what an update would send, as far as it is known."""
    spec = resource.spec
    create_request(spec, resource.inputs)
    for step, chosen in _due(resource, diff(spec, old, resource.inputs).names):
        if isinstance(step.run, Op):
            preview(spec.service, step.run.name, _request(resource, step.run, chosen))
    shown = {name: value for name, value in resource.inputs.items() if not name.startswith("__")}
    resource.outputs = {**resource.outputs, **shown}


def update(resource: Resource, old: Values) -> None:
    """Bring the resource from the old inputs to the new ones, and take its new state.

    An update without a changed input repeats an unfinished one: every step is run.
    """
    spec = resource.spec
    changed = diff(spec, old, resource.inputs).names
    if changed:
        run_steps(resource, old, changed)
        tags.change(resource, old.get("tagsAll", {}), resource.inputs.get("tagsAll", {}))
    else:
        run_steps(resource, {}, resource.inputs)
        take_state(resource)
        tags.change(
            resource, tags.read(resource, resource.outputs), resource.inputs.get("tagsAll", {})
        )
    if spec.ready is not None:
        resource.wait(spec.ready, lambda: read.find(resource))
    try:
        if spec.settle is not None:
            spec.settle(resource)
    finally:
        # Also where it failed: the next update is compared with what is there.
        take_state(resource)


def first_steps(resource: Resource) -> None:
    """Run the steps for inputs that the create call had no members for."""
    spec = resource.spec
    arranged = spec.inputs if isinstance(spec.create, Op) else frozenset()
    left = [
        name
        for name in resource.inputs
        if creates_with(spec, name) is None and name not in arranged
    ]
    run_steps(resource, {}, left)


def run_steps(resource: Resource, old: Values, changed: Iterable[str]) -> None:
    """Run the steps that are responsible for what changed."""
    for step, chosen in _due(resource, changed):
        if isinstance(step.run, Op):
            resource.call(step.run.name, **_request(resource, step.run, chosen))
        else:
            step.run(resource, old)


def take_state(resource: Resource) -> None:
    """Read the state; raises RuntimeError if the resource is gone."""
    if not read.refresh(resource):
        raise RuntimeError(f"{resource.spec.token} {resource.id} is not there any more")


def _due(resource: Resource, changed: Iterable[str]) -> list[tuple[Step, list[str]]]:
    names = list(changed)
    due = []
    for step in resource.spec.update:
        if not (concerned := covered(resource.spec, step, names)):
            continue
        every = covered(resource.spec, step, resource.inputs)
        due.append((step, concerned if step.changed_only else every))
    return due


def _request(resource: Resource, call: Op, chosen: Iterable[str]) -> Values:
    members = step_request(resource.spec, call, resource.inputs, chosen)
    return {**members, **resource.arguments(call)}
