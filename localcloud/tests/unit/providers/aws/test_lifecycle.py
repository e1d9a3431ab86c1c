"""Every row's resource through its life, verb by verb, as the engine plays it."""

from __future__ import annotations

import re

import pytest
from pulumi.runtime import rpc

from localcloud.providers.aws.specs import SPECS
from localcloud.providers.aws.values import UNKNOWN
from localcloud.tests.unit.gateway_harness import Served
from localcloud.tests.unit.providers.aws.cases import Case, World
from localcloud.tests.unit.providers.aws.engine import Engine, Held, RefusedError
from localcloud.tests.unit.providers.aws.lives import LIVES, WITHOUT_EMULATOR
from localcloud.tests.unit.providers.aws.sdk import sdk

IDS = [f"{case}-{index}" for index, case in enumerate(LIVES)]
LIFE = pytest.mark.parametrize("case", LIVES, ids=IDS)


@pytest.fixture
def world(cloud: Served, request: pytest.FixtureRequest) -> World:
    name = re.sub(r"[^a-z0-9-]+", "-", request.node.name.lower()).strip("-")
    return World(cloud, name.removeprefix("test-")[-40:].strip("-"))


def typed_as_in_the_sdk(held: Held) -> None:
    """The SDK refuses a list where it has an object, and the other way round."""
    resource = sdk(held.token).resource
    hints = {
        getattr(value.fget, "_pulumi_name", None) or key: value.fget.__annotations__["return"]
        for key, value in vars(resource).items()
        if isinstance(value, property)
    }
    for name, value in held.outputs.items():
        if name == "id":
            continue
        assert name in hints, f"{name} is no property of the SDK"
        text = str(hints[name])
        if isinstance(value, list):
            assert "Sequence" in text, f"{name}: {text}"
        elif isinstance(value, dict):
            assert "outputs." in text or "Mapping" in text, f"{name}: {text}"
            assert "Sequence[ForwardRef('outputs." not in text, f"{name}: {text}"
        else:
            assert "Sequence" not in text, f"{name}: {text}"
            assert "outputs." not in text, f"{name}: {text}"


@LIFE
def test_life(case: Case, engine: Engine, world: World) -> None:
    inputs = case.inputs(world)
    previewed = engine.preview(case.token, world.name, inputs)
    held = engine.create(case.token, world.name, inputs)
    assert held.id
    for name in case.outputs:
        assert held.outputs.get(name) not in (None, ""), name
        assert previewed[name] is UNKNOWN or previewed[name] == held.outputs[name]
    typed_as_in_the_sdk(held)
    assert not engine.diff(held, inputs).changed
    seen = engine.read(held)
    assert seen is not None
    assert seen.id == held.id
    assert seen.outputs == held.outputs
    assert seen.inputs == held.inputs
    _change(case, engine, world, held)


def _change(case: Case, engine: Engine, world: World, held: Held) -> None:
    changed = case.change(world)
    if changed:
        changes = engine.diff(held, changed)
        assert changes.changed
        assert bool(changes.replaces) == case.replaces, changes.replaces
        if not case.replaces:
            engine.update(held, changed, preview=True)
            held = engine.update(held, changed)
            assert not engine.diff(held, changed).changed
            seen = engine.read(held)
            assert seen is not None
            assert seen.inputs == held.inputs
    engine.delete(held)
    if SPECS[case.token].delete is not None and not held.token.endswith("TopicPolicy"):
        assert engine.read(held) is None or not _is_own(held)
    engine.delete(held)


def _is_own(held: Held) -> bool:
    """Some resources are a setting of another one, and reading that tells its defaults."""
    return SPECS[held.token].service not in ("s3",) and not held.token.endswith(
        ("ClusterCapacityProviders",)
    )


@LIFE
def test_import(case: Case, engine: Engine, world: World) -> None:
    held = engine.create(case.token, world.name, case.inputs(world))
    identifier = case.imports(held.outputs) if case.imports else held.id
    if SPECS[case.token].imports == "":
        with pytest.raises(RefusedError, match="can't import"):
            engine.imported(case.token, identifier)
        return
    found = engine.imported(case.token, identifier)
    assert found is not None
    assert found.id == held.id
    required = sdk(case.token).required - {"secretString"}
    assert required <= set(found.inputs), required - set(found.inputs)
    engine.delete(held)


def test_every_row_has_a_life() -> None:
    alive = {case.token for case in LIVES}
    assert set(SPECS) - alive == set(WITHOUT_EMULATOR)
    assert alive & set(WITHOUT_EMULATOR) == set()


def test_unknown_is_the_marker_of_the_sdk() -> None:
    assert rpc.UNKNOWN == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
