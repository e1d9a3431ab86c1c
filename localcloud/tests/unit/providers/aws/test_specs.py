"""Every row of the table against the service's model and the SDK's class."""

from __future__ import annotations

from collections.abc import Iterator

import jmespath
import pytest
from botocore.model import OperationModel

from localcloud.gateway.constraints import service_model
from localcloud.providers.aws.mapping import ALWAYS, accepts, creates_with, input_shape, step_covers
from localcloud.providers.aws.spec import Op, Spec
from localcloud.providers.aws.specs import SPECS
from localcloud.providers.aws.values import member_for
from localcloud.tests.unit.providers.aws.sdk import sdk
from localcloud.tests.unit.providers.aws.shapes import ANYTHING, reach

ROWS = pytest.mark.parametrize("spec", SPECS.values(), ids=str)
# Inputs that only steer the provider may be arguments that the SDK does not have as such.
SCOPE = {"id", "region", "account", "inputs", "outputs"}
TAG_SCOPE = {"pairs", "lower", "map", "keys", "every", "everyLower"}


def calls(spec: Spec) -> Iterator[Op]:
    """Every call that the row itself names."""
    steps = [step.run for step in spec.update]
    tags = [spec.tags.add, spec.tags.remove, spec.tags.read] if spec.tags else []
    for call in (spec.create, spec.read, spec.delete, spec.taken, *steps, *tags):
        if isinstance(call, Op):
            yield call


def model(spec: Spec, call: Op) -> OperationModel:
    return service_model(spec.service).operation_model(call.name)


def named_properties(spec: Spec) -> set[str]:
    """Every property that the row names anywhere."""
    steps = {name for step in spec.update for name in step.properties or ()}
    renamed = {path for path in spec.names if "." not in path}
    return {
        *spec.inputs,
        *spec.local,
        *spec.replaces,
        *spec.sticky,
        *spec.defaults,
        *spec.outputs,
        *spec.formats,
        *spec.equal,
        *steps,
        *renamed,
    }


@ROWS
def test_calls_and_their_arguments_are_in_the_model(spec: Spec) -> None:
    for call in calls(spec):
        shape = model(spec, call).input_shape
        assert set(call.arguments) <= set(shape.members), call.name


@ROWS
def test_expressions_compile_and_start_from_what_is_there(spec: Spec) -> None:
    for call in calls(spec):
        for expression in call.arguments.values():
            compiled = jmespath.compile(expression)
            first = _first_fields(compiled.parsed)
            assert first <= SCOPE | TAG_SCOPE, expression


@ROWS
def test_outputs_are_in_the_answer_of_read(spec: Spec) -> None:
    if not isinstance(spec.read, Op):
        return
    found = reach(spec.found, model(spec, spec.read).output_shape)
    for expression in (*spec.outputs.values(), *filter(None, [spec.found_id])):
        reach(expression, found)
    if spec.ready is not None:
        reach(spec.ready.value, found)
    if spec.tags is not None and spec.tags.read is None:
        reach(spec.tags.found, found)


@ROWS
def test_tags_are_in_the_answer_that_lists_them(spec: Spec) -> None:
    if spec.tags is None or spec.tags.read is None:
        return
    assert reach(spec.tags.found, model(spec, spec.tags.read).output_shape) is not ANYTHING


@ROWS
def test_the_id_is_in_the_answer_of_create(spec: Spec) -> None:
    if not isinstance(spec.create, Op) or "inputs" in spec.id:
        return
    if _first_fields(jmespath.compile(spec.id).parsed) == set():
        return
    shape = model(spec, spec.create).output_shape
    fields = _first_fields(jmespath.compile(spec.id).parsed)
    known = set(shape.members if shape is not None else ()) | {"inputs"}
    if fields - known:
        assert fields <= set(input_shape(spec, spec.create).members), spec.id


@ROWS
def test_named_properties_are_in_the_sdk(spec: Spec) -> None:
    known = sdk(spec.token)
    assert named_properties(spec) - known.inputs - known.outputs == set()


@ROWS
def test_inputs_of_steps_are_inputs_of_the_sdk(spec: Spec) -> None:
    known = sdk(spec.token)
    for step in spec.update:
        assert set(step.properties or ()) <= known.inputs


@ROWS
def test_required_inputs_have_a_place(spec: Spec) -> None:
    assert [name for name in sdk(spec.token).required if not accepts(spec, name)] == []


@ROWS
def test_local_inputs_are_arguments(spec: Spec) -> None:
    assert spec.local <= sdk(spec.token).inputs


@ROWS
def test_tags_and_region_as_in_the_sdk(spec: Spec) -> None:
    known = sdk(spec.token)
    assert (spec.tags is not None) == ("tags" in known.inputs)
    assert spec.regional == ("region" in known.inputs)


@ROWS
def test_a_step_with_a_call_can_send_its_properties(spec: Spec) -> None:
    for step in spec.update:
        if not isinstance(step.run, Op):
            continue
        shape = input_shape(spec, step.run)
        reached = set(step.run.arguments)
        arranged = spec.prepare is not None
        for name in step.properties or ():
            member = member_for(shape, name, name, spec.names)
            assert member is not None or arranged, f"{step.run.name} has no member for {name}"
            if member is not None:
                reached.add(member)
        if step.properties is not None and not arranged:
            assert set(shape.required_members) <= reached, step.run.name


@ROWS
def test_renames_are_needed(spec: Spec) -> None:
    shapes = [
        input_shape(spec, call)
        for call in (spec.create, *(step.run for step in spec.update))
        if isinstance(call, Op)
    ]
    for path, member in spec.names.items():
        assert any(_member_exists(shape, path, member, spec) for shape in shapes), path


@ROWS
def test_every_input_of_the_sdk_has_one_place_at_most(spec: Spec) -> None:
    for name in sdk(spec.token).inputs - ALWAYS:
        owners = [step for step in spec.update if step_covers(spec, step, name)]
        assert len(owners) <= 1, name
        if name in spec.local:
            assert creates_with(spec, name) is None
            assert owners == []


def _member_exists(shape: object, path: str, member: str, spec: Spec) -> bool:
    current = shape
    parts = path.split(".")
    for depth, key in enumerate(parts):
        while getattr(current, "type_name", "") == "list":
            current = current.member
        if getattr(current, "type_name", "") != "structure":
            return False
        here = ".".join(parts[: depth + 1])
        found = member if depth == len(parts) - 1 else member_for(current, key, here, spec.names)
        if found not in current.members:
            return False
        current = current.members[found]
    return True


def _first_fields(node: dict) -> set[str]:
    """The fields that an expression reads from the top of what it is given."""
    kind = node["type"]
    if kind == "field":
        return {node["value"]}
    if kind in ("subexpression", "index_expression", "projection", "filter_projection", "pipe"):
        return _first_fields(node["children"][0])
    if kind in ("literal", "current", "identity"):
        return set()
    found: set[str] = set()
    for child in node.get("children", []):
        if isinstance(child, dict):
            found |= _first_fields(child)
    return found
