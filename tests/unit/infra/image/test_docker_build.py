"""A build by the docker command; a script stands in for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.image import docker_build
from infra.image.docker_build import BuildError, Options

Script = Callable[..., Path]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts a docker command on PATH that writes its arguments to a file and runs these lines."""

    def write(lines: str, folder: str = "bin") -> Path:
        program, log = tmp_path / folder / "docker", tmp_path / "arguments"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$@" >> {log}\n{lines}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return log

    return write


def test_build_arguments_are_in_the_environment(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    log = script(f"echo $RELEASE $BUILDKIT_PROGRESS > {tmp_path}/values")
    docker_build.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {"RELEASE": "r1"})
    assert (tmp_path / "values").read_text() == "r1 plain\n"
    (line,) = log.read_text().splitlines()
    file = tmp_path / "Dockerfile"
    assert line.startswith(f"build --force-rm --tag=t:1 --file={file} --platform=linux/amd64")
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
        docker_build.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {})
    message = str(failed.value)
    assert message.startswith("The image build failed at the step `RUN make`: ")
    assert "failed to solve" not in message
    assert message.endswith(": 2.")
    assert [line.split()[-3:] for line in failed.value.evidence] == [["make:", "no", "rule"]]


UNREACHED = """
echo 'Step 1/2 : FROM node:22'
echo 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'
exit 1
"""
UNREACHED_BY_BUILDKIT = """
echo '#2 [internal] load metadata for docker.io/library/node:22'; echo '#2 ERROR: dial tcp: no host'
echo 'ERROR: failed to solve: node:22: failed to resolve source metadata for docker.io/library/node'
exit 1
"""


@pytest.mark.parametrize("lines", [UNREACHED, UNREACHED_BY_BUILDKIT])
def test_a_base_image_that_is_out_of_reach_is_told_with_what_to_do(
    script: Script, tmp_path: Path, lines: str
) -> None:
    script(lines)
    with pytest.raises(BuildError, match=r"FROM|metadata") as failed:
        docker_build.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {})
    assert "`docker load`" in str(failed.value)


def test_a_full_disk_is_told(script: Script, tmp_path: Path) -> None:
    script("echo 'write /x: no space left on device'; exit 1")
    with pytest.raises(BuildError, match="docker system prune"):
        docker_build.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {})


LAYER_GONE = """
echo ' ---> 1234'
echo 'failed to export image: failed to set parent sha256:1: unknown parent image ID sha256:1'
"""


def test_a_build_whose_cached_layer_was_removed_is_done_again(
    script: Script, tmp_path: Path
) -> None:
    """Another stack's image is removed together with layers that this build has just found."""
    tried = tmp_path / "tried"
    log = script(f"test -e {tried} && exit 0; touch {tried}\n{LAYER_GONE}\nexit 1")
    docker_build.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {})
    assert len(log.read_text().splitlines()) == 2


def test_a_layer_that_is_removed_each_time_is_told(script: Script, tmp_path: Path) -> None:
    log = script(f"{LAYER_GONE}\nexit 1")
    with pytest.raises(BuildError, match="unknown parent image ID"):
        docker_build.build(tmp_path, tmp_path / "Dockerfile", "linux/amd64", "t:1", {})
    assert len(log.read_text().splitlines()) == docker_build.ATTEMPTS


OLD = 'case "$1" in version) echo 20.10.24; exit;; esac'
NEW = 'case "$1" in version) echo 28.2.2; exit;; buildx) exit 1;; esac'
PLUGIN = 'case "$1" in version) echo 28.2.2; exit;; buildx) echo v0.20; exit;; esac'


def build_with_secret(folder: Path) -> None:
    docker_build.build(
        folder, folder / "Dockerfile", "linux/amd64", "t:1", {}, "app", {"TOKEN": "hunter2"}
    )


@pytest.mark.parametrize("command", [OLD, PLUGIN])
def test_secrets_are_in_the_environment_of_a_build_by_buildkit(
    script: Script, tmp_path: Path, command: str
) -> None:
    log = script(f"{command}\necho $BUILD_SECRET_TOKEN $DOCKER_BUILDKIT > {tmp_path}/values")
    build_with_secret(tmp_path)
    assert (tmp_path / "values").read_text() == "hunter2 1\n"
    assert "--target=app --secret=id=TOKEN,env=BUILD_SECRET_TOKEN" in log.read_text()
    assert "hunter2" not in log.read_text()


def test_a_command_without_buildkit_is_passed_over(script: Script, tmp_path: Path) -> None:
    script(f"{OLD}\ntouch {tmp_path}/built", folder="old")
    script(f"{NEW}\nexit 1", folder="new")
    build_with_secret(tmp_path)
    assert (tmp_path / "built").exists()


def test_without_buildkit_a_secret_is_refused_in_words(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(NEW)
    monkeypatch.setattr(docker_build, "_commands", lambda: iter([str(tmp_path / "bin/docker")]))
    with pytest.raises(BuildError, match=r"BuildKit.*buildx.*or leave the build to the pipeline"):
        build_with_secret(tmp_path)


def test_a_failed_step_does_not_tell_a_secret(script: Script, tmp_path: Path) -> None:
    script(f"{OLD}\necho 'token hunter2 is wrong'; echo 'hunter2 failed'; exit 1")
    with pytest.raises(BuildError) as failed:
        build_with_secret(tmp_path)
    assert "hunter2" not in str([str(failed.value), *failed.value.evidence])
    assert failed.value.evidence == ["token *** is wrong"]


def test_the_pipelines_options() -> None:
    options = Options({"B": "x y", "A": "1"}, "app", {"TOKEN": "arn"})
    assert options.command() == [
        "--build-arg=A=1",
        "--build-arg=B=x y",
        "--target=app",
        "--secret=id=TOKEN,env=BUILD_SECRET_TOKEN",
    ]
