"""A local run reaches the local cloud only; a run on AWS keeps the user's own environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from automation import paths
from automation.errors import ConfigurationError
from automation.stack.target import TARGETS
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured


def test_every_target_of_the_settings_has_a_row() -> None:
    annotation = Settings.model_fields["target"].annotation
    assert set(TARGETS) == set(annotation.__args__)


def test_the_users_cloud_does_not_leak_into_a_local_run(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endpoints:
        def environment(self) -> dict[str, str]:
            return {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "PULUMI_BACKEND_URL": "file:///x"}

    monkeypatch.setattr("automation.machine.local_cloud.start", lambda _screen: Endpoints())
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "PULUMI_STACK", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("PULUMI_HOME", "/kept")
    # Restores whatever `activate` changes.
    for name in ("AWS_ENDPOINT_URL", "PULUMI_BACKEND_URL", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "before")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "before")
    TARGETS["local"].activate(captured.screen)
    assert "mine" not in os.environ.values()
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert os.environ["PULUMI_BACKEND_URL"] == "file:///x"
    assert os.environ["PULUMI_HOME"] == "/kept"
    assert os.environ["AWS_CONFIG_FILE"] == os.devnull


def test_on_aws_the_users_environment_stays(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("AWS_PROFILE", "mine")
    before = dict(os.environ)
    TARGETS["aws"].activate(captured.screen)
    assert dict(os.environ) == before
    assert TARGETS["aws"].work_dir("dev") == paths.ROOT


def test_a_missing_passphrase_is_a_sentence(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    with pytest.raises(ConfigurationError, match="PULUMI_CONFIG_PASSPHRASE"):
        TARGETS["aws"].activate(captured.screen)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    TARGETS["aws"].activate(captured.screen)


def test_a_local_stack_is_worked_on_beside_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARGATE_CD_STATE_DIR", str(tmp_path))
    own = tmp_path / "projects" / "fargate-cd"
    assert TARGETS["local"].work_dir("x") == own / "workspace" / "x"
    assert TARGETS["local"].lock_dir() == own / "locks"


@pytest.mark.parametrize("target", ["aws", "local"])
def test_projects_with_a_stack_of_the_same_name_share_no_lock(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARGATE_CD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("automation.paths.PROJECT_FILE", tmp_path / "Pulumi.yaml")
    folders = set()
    for line in ("name: fargate-cd", 'name: "shop"'):
        (tmp_path / "Pulumi.yaml").write_text(f"{line}\nruntime: python\n")
        folders |= {TARGETS[target].lock_dir(), TARGETS[target].work_dir("dev-preview-x")}
    assert len(folders) == 4


def test_a_target_refuses_what_it_would_refuse_midway() -> None:
    settings = Settings.parse({"access_logs": True, "waf": True, "waf_logs": True})
    TARGETS["aws"].check(settings)
    with pytest.raises(ConfigurationError) as refused:
        TARGETS["local"].check(settings)
    assert refused.value.exit_code == 2
    (told,) = refused.value.evidence
    assert "fargate-cd:waf_logs = True: the local firewall" in told
    TARGETS["local"].check(Settings.parse({}))


def test_refused_settings_are_settings() -> None:
    rows = [row for target in TARGETS.values() for row in target.refused]
    assert {row.setting for row in rows} <= set(Settings.model_fields)
