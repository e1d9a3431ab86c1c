"""Settings that are anything: either they are sound, or every problem is told in words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from automation.errors import ConfigurationError
from automation.stack.stack_file import load_stack_file
from infra.settings import files
from infra.settings.model import PROJECT_ROOT, Settings, SettingsError
from infra.settings.previews import preview_values
from tests.unit.bad_input import DEEP, as_json, bounded, values

NAMES = sorted(Settings.model_fields)
ANYTHING = values(
    *("command", "schedule", "timezone", "cpu", "memory", "min_count", "queue", "effect", "path"),
    *("actions", "resources", "at", "cidr", "port", "name", "host", "status", "processes"),
)
LAUGHS = "\n".join(
    [
        "config:",
        "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
        *(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)),
        "  fargate-cd:environment: *a9",
    ]
)


def problems(read: Callable[[], object]) -> list[str]:
    """What is said against settings; nothing of those that are sound."""
    try:
        read()
    except SettingsError as error:
        return error.problems or ["refused without a word"]
    return []


def parsed(settings: dict[str, Any]) -> None:
    """Check settings; what is wrong with them names each by its name."""
    told = problems(lambda: Settings.parse(settings))
    assert all(problem.startswith("fargate-cd:") for problem in told), told


@pytest.mark.parametrize("name", NAMES)
@bounded(12)
@given(value=ANYTHING | ANYTHING.map(as_json))
@example(value="[" * DEEP)
def test_each_setting_is_sound_or_refused(name: str, value: Any) -> None:
    parsed({name: value})


@bounded(80)
@given(
    st.dictionaries(
        st.sampled_from(NAMES) | st.text(max_size=10), ANYTHING | ANYTHING.map(as_json), max_size=5
    )
)
def test_settings_that_meet_are_sound_or_refused(settings: dict[str, Any]) -> None:
    parsed(settings)


def project(folder: Path, content: bytes) -> Path:
    """A checkout whose stack `dev` has a settings file of this content."""
    (folder / "Pulumi.yaml").write_text((PROJECT_ROOT / "Pulumi.yaml").read_text())
    (folder / "Pulumi.dev.yaml").write_bytes(content)
    return folder


FILES: dict[str, bytes] = {
    "not UTF-8": b"\xff\xfe",
    "nested deeply": b"config: " + b"[" * DEEP,
    "nested deeply and closed": b"config: " + b"[" * 2000 + b"]" * 2000,
    "nested deeply by lines": "\n".join(f"{' ' * n}a:" for n in range(2000)).encode(),
    "nested deeply by hyphens": b"config:\n  - " + b"- " * DEEP,
    "an alias of what it is in": b"config: {fargate-cd:tags: &a {a: *a}}",
    "an alias of nothing": b"config: {fargate-cd:tags: *a}",
    "aliases of aliases": LAUGHS.encode(),
    "a number that is none": b'config: {fargate-cd:cpu: !!int "zz"}',
    "an empty number": b'config: {fargate-cd:cpu: !!int ""}',
    "a switch that is none": b'config: {fargate-cd:waf: !!bool "maybe"}',
    "a time that is none": b'config: {fargate-cd:cpu: !!timestamp "x"}',
    "a date that is none": b'config: {a: !!timestamp "2001-13-45"}',
    "an object": b"config: !!python/object:os.system x",
    "a map for a name": b"config: {? {a: 1} : 2}",
    "two documents": b"--- {}\n--- {}",
    "a NUL": b"config: \0",
    "a list": b"[1, 2]",
    "a word": b"config: word",
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_is_no_settings_file_is_refused(what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_stack_file("dev", project(tmp_path, FILES[what]))
    assert "Pulumi.dev.yaml" in str(refused.value)
    assert len(str(refused.value)) < 10_000


def test_as_many_levels_and_aliases_as_anybody_needs_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: &a {b: 1}\nc: {<<: *a, d: *a}\ne: " + "[" * 90 + "]" * 90)
    assert files.read(file)["c"] == {"b": 1, "d": {"b": 1}}


TEXTS = st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass"))
DOCUMENTS = st.dictionaries(
    st.sampled_from(NAMES).map(lambda name: f"fargate-cd:{name}") | st.just("aws:region"),
    ANYTHING,
    max_size=4,
).map(lambda config: {"config": config})


@bounded(120)
@given(
    st.binary(max_size=60)
    | TEXTS
    | (DOCUMENTS | ANYTHING).map(lambda document: yaml.safe_dump(document).encode())
)
def test_any_file_is_sound_or_refused(tmp_path: Path, content: bytes) -> None:
    folder = project(tmp_path, content)
    with contextlib.suppress(ConfigurationError):
        load_stack_file("dev", folder)


@bounded(50)
@given(ANYTHING | ANYTHING.map(as_json))
@example('{"worker": ')
def test_any_processes_of_an_environment_leave_words_for_its_previews(
    tmp_path: Path, processes: Any
) -> None:
    document = {"config": {"fargate-cd:processes": processes}}
    folder = project(tmp_path, yaml.safe_dump(document).encode())
    with contextlib.suppress(SettingsError):
        parsed(preview_values({"preview_of": "dev"}, folder, "fargate-cd"))
