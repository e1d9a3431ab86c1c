"""Settings are checked all at once, and a run leaves the checkout as it was."""

from __future__ import annotations

import contextvars
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
import yaml
from pulumi import automation as auto
from semver import VersionInfo

from automation import paths
from automation.errors import ConfigurationError
from automation.stack import stack_file, workspace
from infra.settings import files, model
from infra.settings.model import Settings


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


def test_a_file_in_another_encoding_is_refused(project: Path) -> None:
    (project / "Pulumi.local.yaml").write_bytes("config: {}".encode("utf-16"))
    with pytest.raises(ConfigurationError, match=r"Pulumi\.local\.yaml is not text in UTF-8"):
        stack_file.load_stack_file("local", project)


def test_a_key_that_stands_twice_is_refused(project: Path) -> None:
    lines = "  fargate-cd:target: local\n  fargate-cd:target: aws\n"
    (project / "Pulumi.local.yaml").write_text(f"config:\n{lines}")
    with pytest.raises(ConfigurationError) as error:
        stack_file.load_stack_file("local", project)
    told = "\n".join(error.value.evidence)
    assert "fargate-cd:target stands twice" in told
    assert "line 3" in told


def test_a_key_without_a_prefix_is_the_projects_as_for_pulumi(project: Path) -> None:
    file = project / "Pulumi.local.yaml"
    file.write_text('config: {"fargate-cd:target": local, desired_count: 3, "other:cpu": 1024}')
    assert stack_file.load_stack_file("local", project).settings.desired_count == 3
    for text, words in (
        ("{target: local, conatiner_port: 1}", "did you mean container_port?"),
        ('{target: local, "fargate-cd:target": local}', "fargate-cd:target and target are the"),
    ):
        file.write_text(f"config: {text}")
        with pytest.raises(ConfigurationError) as error:
            stack_file.load_stack_file("local", project)
        assert words in error.value.evidence[0]


def test_settings_may_carry_the_projects_name(project: Path) -> None:
    declared = project / "Pulumi.yaml"
    declared.write_text(declared.read_text().replace("name: fargate-cd", "name: shop", 1))
    file = project / "Pulumi.local.yaml"
    file.write_text(
        'config: {"fargate-cd:target": local, "shop:desired_count": 3, "other:cpu": 1024}'
    )
    found = stack_file.load_stack_file("local", project)
    assert (found.project, found.settings.target, found.settings.desired_count) == (
        "shop",
        "local",
        3,
    )
    file.write_text('config: {"fargate-cd:cpu": 256, "shop:cpu": 512}')
    with pytest.raises(ConfigurationError) as error:
        stack_file.load_stack_file("local", project)
    assert "fargate-cd:cpu and shop:cpu are the same setting" in error.value.evidence[0]


def test_an_encrypted_value_counts_as_set() -> None:
    assert stack_file._plain({"secure": "v1:abc"}) == "v1:abc"
    assert stack_file._plain({"a": "b"}) == {"a": "b"}


def test_the_copy_keeps_the_salt_of_an_earlier_run(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "ROOT", project)
    work_dir = project / "state" / "workspace"
    before = (project / "Pulumi.local.yaml").read_text()
    workspace._copy_project(stack_file.load_stack_file("local", project), work_dir)
    copy = work_dir / "Pulumi.local.yaml"
    copy.write_text(copy.read_text() + "encryptionsalt: v1:old\n")
    configure(project, target="local", cpu=512, memory=1024)
    workspace._copy_project(stack_file.load_stack_file("local", project), work_dir)
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
    workspace._copy_project(stack_file.load_stack_file("local", project), work_dir)
    copy = yaml.safe_load((work_dir / "Pulumi.local.yaml").read_text())
    assert copy["encryptionsalt"] == "v1:own"


def test_every_committed_stack_is_sound() -> None:
    assert {"dev", "local", "prod"} <= set(stack_file.known_stacks())
    for name in stack_file.known_stacks():
        stack_file.load_stack_file(name)


OWN_VALUES = [
    {"desired_count": 2, "spot": False, "log_retention_days": 30},
    {"cpu": 256, "memory": 512, "environment": {}, "exec": True},
    {"environment": {"A": "012", "B": "no"}, "tags": {"n": "1e3"}},
]


@pytest.mark.parametrize("own", OWN_VALUES)
def test_the_driver_judges_the_settings_that_the_program_deploys(
    project: Path, monkeypatch: pytest.MonkeyPatch, own: dict[str, object]
) -> None:
    """A preview's own value wins over its environment's, also where it equals a default."""
    environment = {"cpu": 512, "memory": 1024, "exec": False, "environment": {"A": "x"}}
    configure(project, target="local", **environment)
    values = {f"fargate-cd:{name}": value for name, value in own.items()}
    values["fargate-cd:preview_of"] = "local"
    (project / "Pulumi.local-preview-login.yaml").write_text(files.written({"config": values}))
    file = stack_file.load_stack_file("local-preview-login", project)
    judged = file.settings.model_dump()
    assert {name: judged[name] for name in own} == own
    assert as_the_program_reads(file, project, monkeypatch) == file.settings


def as_the_program_reads(
    file: stack_file.StackFile, project: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """The settings that the program loads where the engine adds the defaults of Pulumi.yaml."""
    declared = yaml.safe_load((paths.ROOT / "Pulumi.yaml").read_text())["config"]
    defaults = {f"fargate-cd:{name}": row["default"] for name, row in declared.items()}
    given = yaml.safe_load(files.written(file.document))["config"]
    config = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in (defaults | given).items()
    }
    monkeypatch.setattr(model, "PROJECT_ROOT", project)
    monkeypatch.setattr(pulumi, "get_stack", lambda: file.name)

    def load() -> Settings:
        pulumi.runtime.set_all_config(config)
        return Settings.load()

    return contextvars.Context().run(load)


class CountingEngine(auto.PulumiCommand):
    """An engine that notes what it is asked, and exports a state."""

    def __init__(self) -> None:
        self.command, self.version = "pulumi", VersionInfo(3, 250, 0)
        self.asked: list[str] = []

    def run(self, args: list[str], *_: object, **__: object) -> auto.CommandResult:
        self.asked.append(" ".join(args[:2]))
        root = {"type": "pulumi:pulumi:Stack", "outputs": {"service_url": "http://a"}}
        state = {"version": 3, "deployment": {"resources": [root]}}
        return auto.CommandResult(json.dumps(state), "", 0)


def test_after_an_update_the_engine_is_asked_once_more(project: Path) -> None:
    engine = CountingEngine()
    file = stack_file.load_stack_file("local", project)
    target: Any = SimpleNamespace(work_dir=lambda _name: project / "work")
    stack, created = workspace.open_stack(file, target, engine, lambda: None)  # type: ignore[arg-type]
    assert not created
    result = stack.up(program=None)
    assert result.outputs["service_url"].value == "http://a"
    assert engine.asked == ["stack select", "up --yes", "stack export"]


def test_a_new_stack_in_a_folder_is_made_without_a_search(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{project}")
    engine: Any = CountingEngine()
    file = stack_file.load_stack_file("local", project)
    target: Any = SimpleNamespace(name="local", work_dir=lambda _name: project / "work")
    with pytest.raises(ConfigurationError, match="does not exist on the target 'local'"):
        workspace.open_stack(file, target, engine, lambda: None)
    _, created = workspace.open_stack(file, target, engine, lambda: None, create=True)
    assert created
    assert engine.asked == ["stack init"]
