"""Buildspecs that are anything: read, or refused as CodeBuild refuses them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from localcloud.codebuild.buildspec import PHASES, parse
from localcloud.codebuild.errors import PhaseError

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=8,
)


def maps(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Maps that have some of these names, and anything as their values."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES))


PHASE = maps("commands", "finally", "on-failure", "runtime-versions")
ARTIFACT = ("files", "name", "discard-paths", "base-directory", "exclude-paths")
FILES = st.fixed_dictionaries(
    {"files": st.just("**")}, optional=dict.fromkeys(ARTIFACT[1:], VALUES)
)
SPECS = st.fixed_dictionaries(
    {
        "version": st.just("0.2") | VALUES,
        "phases": st.dictionaries(st.sampled_from(PHASES), PHASE | VALUES, max_size=3) | VALUES,
    },
    optional={
        "env": maps("shell", "variables", "parameter-store", "exported-variables") | VALUES,
        "artifacts": FILES | maps(*ARTIFACT, "secondary-artifacts") | VALUES,
        "cache": VALUES,
    },
).map(lambda spec: yaml.safe_dump(spec, allow_unicode=True))
GOOD = "version: 0.2\nphases: {build: {commands: [make]}}\n"


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(SPECS | st.text(max_size=100))
@example(f"{GOOD}env: {{shell: [sh]}}")
@example(f"{GOOD}env: {{variables: {{null: a}}}}")
@example(f"{GOOD}env: {{variables: {{A: !!int '1'}}}}")
@example(f"{GOOD}artifacts: {{files: a, base-directory: [b]}}")
@example(f"{GOOD}artifacts: {{files: a, name: {{b: c}}}}")
@example("a: !!timestamp x")
@example("phases: &a {build: *a}")
@example("phases: " + "[" * 3000)
def test_any_text_is_a_buildspec_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except PhaseError as error:
        refused = error.code == "YAML_FILE_ERROR" and len(str(error)) < 10_000
        assert refused, error  # noqa: PT017 - what is refused is refused as CodeBuild does
        return
    assert found.phases
    every = [*found.variables.items(), *found.parameters.items(), *found.secrets.items()]
    assert all(isinstance(text, str) for row in every for text in row)
    assert found.artifact is None or isinstance(found.artifact.base_directory, str)


def test_a_number_with_a_tag_is_refused_in_words() -> None:
    with pytest.raises(PhaseError, match="int"):
        parse(f"{GOOD}env: {{variables: {{A: !!int '1'}}}}")
