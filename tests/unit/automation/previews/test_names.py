"""Which stack previews a branch, and what its settings are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from automation.errors import ConfigurationError
from automation.previews.preview_stacks import readable
from automation.stack import stack_file
from automation.stack.chosen import stack_of


def test_a_branch_names_a_stack_of_its_environment() -> None:
    assert stack_of("dev", None) == "dev"
    assert stack_of("dev", "login") == "dev-preview-login"
    assert stack_of("dev", "--stack=prod").startswith("dev-preview-stack-prod-")


@pytest.mark.parametrize(("stack", "branch"), [("dev", ""), ("dev", "  "), ("dev-preview-a", "b")])
def test_what_names_no_preview_is_refused(stack: str, branch: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        stack_of(stack, branch)
    assert error.value.exit_code == 2


def test_a_branch_of_any_bytes_is_text() -> None:
    assert readable("a\udcff") == "a\ufffd"
    assert readable("Ü") == "Ü"


def test_a_preview_needs_no_file(project: Path) -> None:
    file = stack_file.load_stack_file("local-preview-login", project)
    assert (file.environment, file.region) == ("local", "us-east-1")
    assert file.settings.preview_of == "local"
    assert (file.settings.desired_count, file.settings.target) == (1, "local")
    assert file.document["config"] == {
        "aws:region": "us-east-1",
        "fargate-cd:preview_of": "local",
    }


def test_a_preview_encrypts_as_its_environment_does(project: Path) -> None:
    path = project / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text())
    keys = {"secretsprovider": "awskms://alias/x", "encryptedkey": "abc"}
    path.write_text(yaml.safe_dump(document | keys))
    found = stack_file.load_stack_file("local-preview-login", project).document
    assert {key: found[key] for key in keys} == keys


@pytest.mark.parametrize("name", ["prod-preview-login", "local-preview"])
def test_a_preview_of_nothing_is_refused(project: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="There is no stack"):
        stack_file.load_stack_file(name, project)


def test_an_environment_with_a_previews_name_is_refused(project: Path) -> None:
    (project / "Pulumi.x-preview.yaml").write_text("config: {}\n")
    with pytest.raises(ConfigurationError) as error:
        stack_file.load_stack_file("x-preview", project)
    assert "must name an environment" in error.value.evidence[0]
