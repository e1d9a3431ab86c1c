"""The docker command as the driver calls it: a script stands in for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automation.aws.ecr import Found
from automation.machine.docker_engine import DockerError, Engine, find_engine
from automation.preflight import smoke_test

ENGINE = Engine("amd64")
Script = Callable[[str], Path]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts a docker command on PATH that writes its arguments to a file and runs these lines."""

    def write(lines: str) -> Path:
        program, log = tmp_path / "bin" / "docker", tmp_path / "arguments"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$@" >> {log}\n{lines}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return log

    return write


def test_an_engine_that_answers_is_found(script: Script) -> None:
    script("echo arm64")
    assert find_engine() == Engine("arm64")


@pytest.mark.parametrize("lines", ["echo Cannot connect >&2; exit 1"])
def test_an_engine_that_does_not_answer_is_none(script: Script, lines: str) -> None:
    script(lines)
    assert find_engine() is None


def test_without_the_command_there_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_engine() is None


def test_a_failure_is_told_in_dockers_last_line(script: Script) -> None:
    script("echo warning >&2; echo 'no such image: x' >&2; exit 1")
    with pytest.raises(DockerError, match=r"^no such image: x$"):
        ENGINE.call("pull", "x")
    assert not ENGINE.has_image("x")


def test_logs_are_of_both_streams(script: Script) -> None:
    log = script("echo out; echo err >&2")
    assert ENGINE.logs("c", 50) == ("out", "err")
    assert log.read_text() == "logs --tail=50 c\n"


PLATFORMS = [("linux", "amd64"), ("linux", "arm64"), ("unknown", "unknown")]


def manifest(system: str, architecture: str) -> dict[str, Any]:
    platform = {"os": system, "architecture": architecture}
    return {"Ref": "nginx", "Descriptor": {"platform": platform}}


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (f"echo '{json.dumps([manifest(*row) for row in PLATFORMS])}'", {"amd64", "arm64"}),
        (f"echo '{json.dumps(manifest(*PLATFORMS[0]))}'", {"amd64"}),
        (f"echo '{json.dumps({'Ref': 'nginx', 'Descriptor': {}})}'", set()),
    ],
)
def test_the_registry_tells_an_images_architectures(
    script: Script, lines: str, found: set[str]
) -> None:
    script(lines)
    assert smoke_test.look_up(ENGINE, "nginx:1", own=False) == Found(True, frozenset(found))


@pytest.mark.parametrize(
    ("words", "exists"),
    [("no such manifest: docker.io/library/nginx:0", False), ("lookup x: no such host", None)],
)
def test_what_a_registry_does_not_tell(script: Script, words: str, exists: bool | None) -> None:
    script(f"echo '{words}' >&2; exit 1")
    assert smoke_test.look_up(ENGINE, "nginx:0", own=False) == Found(exists, why=words)


def test_where_the_engine_runs_the_tasks_it_is_asked_first(script: Script) -> None:
    script("""echo '[{"Architecture": "arm64"}]'""")
    assert smoke_test.look_up(ENGINE, "mine", own=True) == Found(True, frozenset({"arm64"}))


PULLS = """
case "$*" in
  context*) echo unix:///run/docker.sock ;;
  --config*) cat "$2/config.json" > "$0.configuration" ;;
esac
"""


def test_a_login_is_used_for_one_pull_and_kept_nowhere(script: Script) -> None:
    log = script(PULLS)
    ENGINE.pull("registry.example/web:1", ("registry.example", "QVdTOng="))
    *_, pull = log.read_text().splitlines()
    _, folder, *rest = pull.split()
    assert rest == [
        "--host",
        "unix:///run/docker.sock",
        "pull",
        "--quiet",
        "registry.example/web:1",
    ]
    configuration = json.loads((log.parent / "bin" / "docker.configuration").read_text())
    assert configuration == {"auths": {"registry.example": {"auth": "QVdTOng="}}}
    assert not Path(folder).exists()


def test_without_a_login_the_users_own_is_used(script: Script) -> None:
    log = script("")
    ENGINE.pull("nginx:1")
    assert log.read_text() == "pull --quiet nginx:1\n"
