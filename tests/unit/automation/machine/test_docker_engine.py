"""The docker command as the driver calls it: a script stands in for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automation.aws.ecr import Found
from automation.machine import docker_engine
from automation.machine.docker_engine import BuildError, DockerError, Engine, find_engine
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


def test_build_arguments_are_in_the_environment(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    log = script(f"echo $RELEASE $BUILDKIT_PROGRESS > {tmp_path}/values")
    docker_engine.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {"RELEASE": "r1"})
    assert (tmp_path / "values").read_text() == "r1 plain\n"
    (line,) = log.read_text().splitlines()
    assert line.startswith(f"build --tag=t:1 --file={tmp_path}/Dockerfile --platform=linux/amd64")
    assert "--build-arg=HTTPS_PROXY" in line
    assert "--build-arg=RELEASE" in line
    assert line.endswith(f" {tmp_path}")


CLASSIC = """
echo 'Step 1/2 : FROM scratch'; echo ' ---> 1234'
echo 'Step 2/2 : RUN make'; echo 'make: no rule'
echo "The command '/bin/sh -c make' returned a non-zero code: 2" >&2; exit 1
"""
BUILDKIT = """
echo '#4 [1/2] FROM scratch'; echo '#5 [2/2] RUN make'; echo '#5 0.1 make: no rule'
echo 'ERROR: failed to solve: process "/bin/sh -c make" did not complete: exit code: 2'; exit 1
"""


@pytest.mark.parametrize("lines", [CLASSIC, BUILDKIT])
def test_a_failed_build_names_its_step_and_shows_its_last_lines(
    script: Script, tmp_path: Path, lines: str
) -> None:
    script(lines)
    with pytest.raises(BuildError) as failed:
        docker_engine.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {})
    message = str(failed.value)
    assert message.startswith("The image build failed at the step `RUN make`: ")
    assert "failed to solve" not in message
    assert message.endswith(": 2.")
    assert [line.split()[-3:] for line in failed.value.evidence] == [["make:", "no", "rule"]]


def test_a_full_disk_is_told(script: Script, tmp_path: Path) -> None:
    script("echo 'write /x: no space left on device'; exit 1")
    with pytest.raises(BuildError, match="docker system prune"):
        docker_engine.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {})
