"""Buildspecs: what is read, and what is refused in words."""

from __future__ import annotations

import pytest

from localcloud.codebuild.buildspec import is_inline, parse
from localcloud.codebuild.errors import PhaseError
from localcloud.tests.checkout import BUILDSPECS

LEAST = "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n"


@pytest.mark.parametrize("name", ["build", "test"])
def test_the_pipelines_own_are_read(name: str) -> None:
    text = (BUILDSPECS / f"{name}.yml").read_text()
    assert is_inline(text)
    assert parse(text).phases["build"].commands


def test_everything_that_is_supported() -> None:
    read = parse(
        """
version: 0.2
env:
  shell: bash
  variables: {LEVEL: 3.10, DEBUG: yes}
  parameter-store: {PASSWORD: /app/password}
  secrets-manager: {TOKEN: "app:token"}
  exported-variables: [LEVEL]
phases:
  install:
    runtime-versions: {python: 3.11}
    on-failure: CONTINUE
    commands: make tools
  build:
    commands: [make, make check]
    finally: [make clean]
artifacts:
  files: ["**/*"]
  base-directory: out
  discard-paths: yes
  secondary-artifacts:
    report: {files: report.txt}
"""
    )
    assert read.shell == "bash"
    assert read.variables == {"LEVEL": "3.10", "DEBUG": "yes"}
    assert read.parameters == {"PASSWORD": "/app/password"}
    assert read.secrets == {"TOKEN": "app:token"}
    assert read.exported == ("LEVEL",)
    assert read.runtimes == {"python": "3.11"}
    assert read.phases["install"].on_failure == "CONTINUE"
    assert read.phases["install"].commands == ("make tools",)
    assert read.phases["build"].finally_commands == ("make clean",)
    assert read.artifact is not None
    assert read.artifact.discard_paths
    assert read.artifact.base_directory == "out"
    assert read.secondary_artifacts["report"].files == ("report.txt",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("0.2", "0.1"), "version is '0.1'"),
        (("phases:", "fases:"), "has no 'fases'"),
        (("build:", "deploy:"), "has no 'deploy'"),
        (("commands:", "command:"), "has no 'command'"),
        (("- make", "- {make: all}"), "is not a text"),
        (("phases:", "reports: {}\nphases:"), "does not support reports"),
        (("phases:", "proxy: {}\nphases:"), "does not support proxy"),
        (("phases:", "batch: {}\nphases:"), "does not support batch"),
        (("phases:", "env: {shell: pwsh}\nphases:"), "sh and bash"),
        (("phases:", "env: {git-credential-helper: yes}\nphases:"), "git-credential-helper"),
        (("commands:", "on-failure: RETRY\n    commands:"), "ABORT and CONTINUE"),
        (("commands:", "runtime-versions: {}\n    commands:"), "runtime-versions"),
        (("phases:", "artifacts: {name: x}\nphases:"), "files is missing"),
        (("phases:", "artifacts: {files: /etc/passwd}\nphases:"), "is not relative"),
        (("version", " - version"), ""),
    ],
)
def test_refusals_name_what_is_wrong(change: tuple[str, str], said: str) -> None:
    with pytest.raises(PhaseError) as refused:
        parse(LEAST.replace(*change))
    assert refused.value.code == "YAML_FILE_ERROR"
    assert said in refused.value.message
