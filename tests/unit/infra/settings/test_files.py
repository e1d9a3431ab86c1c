"""A text in a settings file is the same text for every reader, or is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings import files
from infra.settings.model import Settings, SettingsError

QUOTED = [
    "012345678912",
    "1e10",
    "0o17",
    "089",
    "0123",
    "1.10",
    "no",
    "12:30:45",
    "~",
    "",
    "=",
    "y",
]
TEXTS = [*QUOTED, "é \U0001f600\u2028\x85", "a\tb\r\n c \\ \"'", "x" * 300 + " " + "y" * 300]

DISPUTED = [
    *("0123", "1.10", "no", "12:30:45", "1e10", "0o17", "089", "0x10", "0b11", "1_000", "+5", "-0"),
    *("2026-01-01", "2026-01-01T10:00:00Z", "True", "Off", ".5", "1.0", ".inf", "="),
    "12345678901234567890123",
]
"""Scalars that Pulumi's engine or PyYAML reads as something else than this text."""

AGREED: list[tuple[str, str]] = [
    ("8080", "8080"),
    ("-5", "-5"),
    ("0", "0"),
    ("1.25", "1.25"),
    ("true", "true"),
    ("y", "y"),
    ("v1.10", "v1.10"),
]


def parsed(folder: Path, text: str) -> Settings:
    path = folder / "Pulumi.dev.yaml"
    path.write_text(text)
    return Settings.parse(files.of_project(files.read(path), "fargate-cd"))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_survives_a_copy_for_every_reader(tmp_path: Path, text: str) -> None:
    document = {"config": {"fargate-cd:environment": {"A": text}, "b": [text, 1, 1.5, True, None]}}
    path = tmp_path / "copy.yaml"
    path.write_text(files.written(document))
    assert files.read(path) == document
    written = yaml.compose(path.read_text(), yaml.SafeLoader)
    scalars = [node for node in _scalars(written) if node.value == text]
    assert scalars
    assert {node.style for node in scalars} == {'"'}


def _scalars(node: Any) -> list[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        return [node]
    parts = [each for pair in node.value for each in pair] if node.id == "mapping" else node.value
    return [scalar for part in parts for scalar in _scalars(part)]


@pytest.mark.parametrize("text", DISPUTED)
@pytest.mark.parametrize("name", ["environment", "tags", "secrets"])
def test_a_text_on_which_readers_disagree_must_be_quoted(
    tmp_path: Path, name: str, text: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        parsed(tmp_path, f"config:\n  fargate-cd:{name}: {{A: {text}}}\n")
    assert f"fargate-cd:{name}['A'] = {text}: quote it" in refused.value.problems[0]


@pytest.mark.parametrize("text", DISPUTED)
def test_the_same_text_in_quotes_is_taken_as_it_is(tmp_path: Path, text: str) -> None:
    settings = parsed(tmp_path, f'config:\n  fargate-cd:environment: {{A: "{text}"}}\n')
    assert settings.environment == {"A": text}


@pytest.mark.parametrize(("written", "text"), AGREED)
def test_a_plain_value_is_text_all_the_same(tmp_path: Path, written: str, text: str) -> None:
    settings = parsed(tmp_path, f"config:\n  fargate-cd:environment: {{A: {written}}}\n")
    assert settings.environment == {"A": text}


def test_accounts_in_quotes_are_accounts(tmp_path: Path) -> None:
    text = 'config:\n  fargate-cd:promotion: true\n  fargate-cd:pull_accounts: ["012345678912"]\n'
    assert parsed(tmp_path, text).pull_accounts == ["012345678912"]
    with pytest.raises(SettingsError, match=r"pull_accounts\[0\] = 012345678912: quote it"):
        parsed(tmp_path, text.replace('"', ""))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("cpu: 0512", "cpu = 0512: must be a whole number in plain digits"),
        ("protect: yes", "protect = yes: must be true or false"),
        ("github_owner: 0123", "github_owner = 0123: quote it"),
        ("environment: {no: x}", "environment = no: quote it"),
        ("preview_settings: {environment: {A: 1.10}}", "['environment']['A'] = 1.10: quote it"),
    ],
)
def test_other_settings_are_refused_in_their_own_words(
    tmp_path: Path, line: str, problem: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        parsed(tmp_path, f"config:\n  fargate-cd:{line}\n  fargate-cd:desired_count: 0\n")
    assert problem in refused.value.problems[0]
    assert "desired_count" in refused.value.problems[1], "all problems are told together"


def test_a_boolean_may_begin_with_a_capital(tmp_path: Path) -> None:
    assert parsed(tmp_path, "config:\n  fargate-cd:protect: True\n").protect is True


def test_what_the_settings_do_not_own_is_copied_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text("config: {'aws:skipMetadataApiCheck': no, 'aws:x': 012345678912}\n")
    copy = files.written(files.read(path))
    assert '"aws:skipMetadataApiCheck": no\n' in copy
    assert '"aws:x": 012345678912\n' in copy
