"""The program's own resources against the table, under every row of the matrix of settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import localcloud
from localcloud.providers.aws.functions import FUNCTIONS
from localcloud.providers.aws.specs import SPECS
from localcloud.providers.aws.values import UNKNOWN
from localcloud.tests.unit.providers.aws.engine import Engine
from localcloud.tests.unit.providers.aws.sdk import sdk
from tests.policy.matrix import MATRIX, recorded
from tests.unit.infra.recorder import Registered, custom

LOCALCLOUD = Path(localcloud.__file__).parent
SETTINGS = pytest.mark.parametrize("settings", MATRIX)


def of_aws(settings: str) -> list[Registered]:
    made = custom(recorded(settings).resources)
    return [each for each in made if each.token.startswith("aws:")]


@SETTINGS
def test_every_type_has_a_row(settings: str) -> None:
    assert {each.token for each in of_aws(settings)} - set(SPECS) == set()


def test_a_row_that_the_program_does_not_need_is_documented_as_the_users() -> None:
    made = {each.token for settings in MATRIX for each in of_aws(settings)}
    text = (LOCALCLOUD / "docs" / "services.md").read_text()
    chapter = text.partition("## Resource types that the program does not make")[2]
    documented = set(re.findall(r"`(aws:\w+/\w+:\w+)`", chapter.partition("\n## ")[0]))
    built = (LOCALCLOUD / "providers" / "awsx").glob("*.py")
    network = "\n".join(file.read_text() for file in built)
    assert {token for token in set(SPECS) - made if token not in network} == documented


@SETTINGS
def test_every_function_is_there(settings: str) -> None:
    asked = {token for token, _ in recorded(settings).invokes if token.startswith("aws:")}
    assert asked - set(FUNCTIONS) == set()


@SETTINGS
def test_every_input_has_a_place_and_every_request_satisfies_the_model(
    settings: str, engine: Engine
) -> None:
    resources = of_aws(settings)
    assert resources
    for each in resources:
        # The mocks leave some outputs out, on which other resources build.
        given = {**dict.fromkeys(sdk(each.token).required, UNKNOWN), **each.inputs}
        inputs, failures = engine.check(each.token, each.name, given)
        assert failures == {}, each.name
        outputs = engine.preview(each.token, each.name, given)
        assert {name: outputs[name] for name in given} == {name: inputs[name] for name in given}
