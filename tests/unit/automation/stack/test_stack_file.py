"""Settings are checked all at once, and a run leaves the checkout as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from automation import paths
from automation.errors import ConfigurationError
from automation.stack import stack_file


def configure(project: Path, **values: object) -> None:
    document = {"config": {f"fargate-cd:{name}": value for name, value in values.items()}}
    (project / "Pulumi.local.yaml").write_text(yaml.safe_dump(document))


def test_a_stack_file_is_read(project: Path) -> None:
    file = stack_file.load_stack_file("local", project)
    assert (file.name, file.project, file.region) == ("local", "fargate-cd", "us-east-1")
    assert file.settings.target == "local"


def test_an_unknown_stack_names_the_known_ones(project: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no stack 'prdo'.*there are: local") as error:
        stack_file.load_stack_file("prdo", project)
    assert error.value.exit_code == 2


@pytest.mark.parametrize("name", ["../local", "a b", "", "/local"])
def test_a_bad_name_is_refused(project: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="not a stack's name"):
        stack_file.load_stack_file(name, project)


def test_every_wrong_setting_is_named(project: Path) -> None:
    wrong = {"container_port": 0, "availability_zones": 1, "colour": "blue", "vpc_cidr": "10/33"}
    configure(project, **wrong)
    with pytest.raises(ConfigurationError) as error:
        stack_file.load_stack_file("local", project)
    told = "\n".join(error.value.evidence)
    assert all(name in told for name in wrong)


@pytest.mark.parametrize("text", ["config: [", "- a", "config: text"])
def test_what_is_no_settings_file_is_refused(project: Path, text: str) -> None:
    (project / "Pulumi.local.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"Pulumi\.local\.yaml"):
        stack_file.load_stack_file("local", project)


def test_an_encrypted_value_counts_as_set() -> None:
    assert stack_file._plain({"secure": "v1:abc"}) == "v1:abc"
    assert stack_file._plain({"a": "b"}) == {"a": "b"}


def test_the_copy_keeps_the_salt_of_an_earlier_run(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "ROOT", project)
    work_dir = project / "state" / "workspace"
    before = (project / "Pulumi.local.yaml").read_text()
    stack_file._copy_project(stack_file.load_stack_file("local", project), work_dir)
    copy = work_dir / "Pulumi.local.yaml"
    copy.write_text(copy.read_text() + "encryptionsalt: v1:old\n")
    configure(project, target="local", cpu=512, memory=1024)
    stack_file._copy_project(stack_file.load_stack_file("local", project), work_dir)
    document = yaml.safe_load(copy.read_text())
    assert document["encryptionsalt"] == "v1:old"
    assert document["config"]["fargate-cd:cpu"] == 512
    assert "encryptionsalt" not in (project / "Pulumi.local.yaml").read_text()
    assert "encryptionsalt" not in before


def test_the_checkouts_own_salt_wins(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "ROOT", project)
    work_dir = project / "workspace"
    work_dir.mkdir()
    (work_dir / "Pulumi.local.yaml").write_text("encryptionsalt: v1:scratch\n")
    with (project / "Pulumi.local.yaml").open("a") as file:
        file.write("encryptionsalt: v1:own\n")
    stack_file._copy_project(stack_file.load_stack_file("local", project), work_dir)
    copy = yaml.safe_load((work_dir / "Pulumi.local.yaml").read_text())
    assert copy["encryptionsalt"] == "v1:own"


def test_every_committed_stack_is_sound() -> None:
    assert {"dev", "local", "prod"} <= set(stack_file.known_stacks())
    for name in stack_file.known_stacks():
        stack_file.load_stack_file(name)
