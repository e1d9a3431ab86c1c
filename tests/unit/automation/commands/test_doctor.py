"""Every prerequisite is one row; what is wrong says what to do, and --fix puts it right."""

from __future__ import annotations

import errno
import json
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation import paths
from automation.commands.doctor import _risks_of_addons, doctor
from automation.errors import DriverError
from automation.machine import docker_setup, prerequisites
from automation.machine.prerequisites import CHECKS, FIXES, Check
from automation.stack.target import TARGETS
from infra.settings.model import Settings
from tests.unit.automation.conftest import Captured, script


def test_every_target_has_checks_and_fixes() -> None:
    assert set(CHECKS) == set(FIXES) == set(TARGETS)


def test_wrong_things_end_with_1_and_a_remedy(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (
        lambda: Check("git", True, "/usr/bin/git"),
        lambda: Check("port 80", None, "needs privilege", "sysctl"),
        lambda: Check("docker engine", False, "missing", "install it"),
    )
    monkeypatch.setattr("automation.machine.prerequisites.CHECKS", {"local": rows})
    assert doctor("local", captured.screen) == 1
    told = captured.out.getvalue()
    assert "WRONG  docker engine: missing" in told
    assert "install it" in told
    monkeypatch.setattr("automation.machine.prerequisites.CHECKS", {"local": rows[:2]})
    assert doctor("local", captured.screen) == 0


def test_quiet_says_only_what_is_wrong(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "automation.machine.prerequisites.CHECKS", {"local": (lambda: Check("git", True, "x"),)}
    )
    captured.screen.quiet = True
    assert doctor("local", captured.screen) == 0
    assert captured.out.getvalue() == captured.err.getvalue() == ""


def test_json_has_every_check(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "automation.machine.prerequisites.CHECKS", {"local": (lambda: Check("git", True, "x"),)}
    )
    captured.screen.json = True
    doctor("local", captured.screen)
    document = json.loads(capsys.readouterr().out)
    assert document["checks"][1:] == [{"name": "git", "good": True, "found": "x", "remedy": ""}]


def test_an_accepted_risk_is_listed_with_its_reason(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automation.machine.prerequisites.CHECKS", {"local": ()})
    usual = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::shop/*"]}
    wide = {"actions": ["s3:*"], "resources": ["arn:aws:s3:::shop"], "accept_risk": "a migration"}
    settings = Settings.model_validate({"target": "local", "permissions": [usual, wide]})
    file = SimpleNamespace(settings=settings)
    monkeypatch.setattr("automation.commands.doctor.load_stack_file", lambda _: file)
    assert doctor("local", captured.screen) == 0
    told = captured.out.getvalue()
    assert "note   accepted risk: s3:* on arn:aws:s3:::shop\n" in told
    assert "accept_risk: a migration" in told
    assert "GetObject" not in told


ADDONS = """
WHY = "see the ticket"
Grant(["s3:*"], [arn], accept_risk="a tool of ours")
Grant(["sqs:*"], [arn], accept_risk=WHY)
Grant(["s3:GetObject"], [arn])
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            ADDONS,
            [
                (None, "addons.py, line 3", "accept_risk: a tool of ours"),
                (None, "addons.py, line 4", "accept_risk: WHY"),
            ],
        ),
        ("def addons(:", [(False, "can't be read: invalid syntax", "correct it")]),
        (None, []),
    ],
)
def test_accepted_risks_of_addons_are_listed_without_running_it(
    text: str | None, told: list[tuple[bool | None, str, str]], tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "addons.py").write_text(text)
    found = _risks_of_addons(tmp_path / "addons.py")
    assert [(each.good, each.found.partition(" (")[0], each.remedy) for each in found] == told


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# x\nsurely-not-there==1.0  # why\npytest==0.1\n")
    monkeypatch.setattr("automation.paths.ROOT", tmp_path)
    check = prerequisites.packages()
    assert check.good is False
    assert "surely-not-there is missing" in check.found
    assert "instead of 0.1" in check.found


def test_a_short_disk_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "MINIMUM_FREE_BYTES", 10**18)
    assert prerequisites.disk().good is False


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "no"), OSError(98, "in use")])
def test_port_80_is_made_up_for(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    class Socket(socket.socket):
        def bind(self, _address: object) -> None:
            raise error

    monkeypatch.setattr("automation.machine.prerequisites.socket.socket", Socket)
    check = prerequisites.ports()
    assert check.good is None
    assert check.remedy


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose programs are the scripts in `bin`; packages may be installed."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(docker_setup, "can_install", lambda: True)
    monkeypatch.setattr(docker_setup, "DAEMON_LOG", tmp_path / "dockerd.log")
    monkeypatch.setattr(docker_setup, "DAEMON_PID", tmp_path / "docker.pid")
    monkeypatch.setattr(docker_setup, "_service_command", lambda: None)
    monkeypatch.setattr(docker_setup, "START_SECONDS", 5.0)
    return tmp_path


def docker_that_answers_when(machine: Path, file: str) -> None:
    script(
        machine / "bin" / "docker",
        f"[ -e {machine}/{file} ] && exit 0; echo Cannot connect to the daemon >&2; exit 1",
    )


def test_an_answering_engine_is_left_alone(machine: Path) -> None:
    script(machine / "bin" / "docker", "exit 0")
    docker_setup.ensure_docker(lambda note: pytest.fail(note))


def test_without_root_one_sentence_says_what_to_do(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_setup, "can_install", lambda: False)
    with pytest.raises(DriverError, match=r"the docker command is missing.*Install Docker Engine"):
        docker_setup.ensure_docker(lambda _: None)


def test_a_user_without_rights_is_told_about_the_group(machine: Path) -> None:
    script(machine / "bin" / "docker", "echo permission denied while trying to connect >&2; exit 1")
    with pytest.raises(DriverError, match="usermod -aG docker"):
        docker_setup.ensure_docker(lambda _: None)


def test_an_engine_that_docker_host_names_is_not_ours_to_start(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_that_answers_when(machine, "up")
    script(machine / "bin" / "dockerd", f": > {machine}/up")
    monkeypatch.setenv("DOCKER_HOST", "tcp://build.example.com:2376")
    words = "DOCKER_HOST is tcp://build.example.com:2376: start the engine there, or unset"
    with pytest.raises(DriverError, match=words):
        docker_setup.ensure_docker(lambda note: pytest.fail(note))
    assert words in prerequisites.docker().remedy


def test_a_stopped_engine_is_started_as_a_process_of_its_own(machine: Path) -> None:
    docker_that_answers_when(machine, "up")
    script(machine / "bin" / "dockerd", f"echo started; : > {machine}/up")
    docker_setup.ensure_docker(lambda _: None)
    assert (machine / "dockerd.log").read_text() == "started\n"


def test_a_missing_engine_is_installed_then_started(machine: Path) -> None:
    install = (
        f'echo "$@" >> {machine}/apt; '
        f"printf '#!/bin/sh\\n: > {machine}/up\\n' > {machine}/bin/dockerd; "
        f"/bin/chmod +x {machine}/bin/dockerd"
    )
    script(machine / "bin" / "apt-get", install)
    docker_that_answers_when(machine, "up")
    docker_setup.ensure_docker(lambda _: None)
    assert "docker.io" in (machine / "apt").read_text()


def test_one_that_does_not_start_shows_its_log(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_setup, "START_SECONDS", 0.6)
    (machine / "dockerd.log").write_text("of an earlier start\n")
    docker_that_answers_when(machine, "never")
    script(machine / "bin" / "dockerd", "echo no iptables; exit 1")
    with pytest.raises(DriverError, match="does not answer") as error:
        docker_setup.ensure_docker(lambda _: None)
    assert error.value.evidence == ["no iptables"]


def test_a_package_list_is_renewed_once_before_giving_up(machine: Path) -> None:
    script(machine / "bin" / "apt-get", f"echo $1 >> {machine}/apt; [ $1 = update ]")
    with pytest.raises(DriverError, match="can't install haproxy"):
        docker_setup.ensure_packages(["haproxy"], lambda _: None)
    assert (machine / "apt").read_text().split() == ["install", "update", "install"]


def test_no_packages_need_no_rights(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_setup, "can_install", lambda: False)
    docker_setup.ensure_packages([], lambda _: None)
    with pytest.raises(DriverError, match="sudo apt-get install haproxy"):
        docker_setup.ensure_packages(["haproxy"], lambda _: None)


def test_docker_that_hangs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("docker", 20)

    monkeypatch.setattr("automation.machine.docker_setup.shutil.which", lambda _: "/usr/bin/docker")
    monkeypatch.setattr("automation.machine.docker_setup.subprocess.run", run)
    assert docker_setup.docker_answers() == "it has not answered for 20 s"


@pytest.mark.parametrize(
    ("backend", "good"),
    [
        ("Backend URL: https://app.pulumi.com/mia", True),
        ("Backend URL: s3://team-state?region=eu-central-1", True),
        ("Backend URL: file://~", False),
        ("Backend URL: file:///home/mia/state", False),
    ],
)
def test_a_shared_stack_is_not_on_a_private_backend(backend: str, good: bool) -> None:
    check = prerequisites.judged_backend(backend)
    assert check.good is good
    assert ("docs/state.md" in check.remedy) is not good


def test_the_engine_is_put_where_it_can_be_typed_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(prerequisites.shutil, "which", lambda _name: None)
    engine = tmp_path / "cache" / "pulumi"
    engine.parent.mkdir()
    engine.touch()
    said: list[str] = []
    for _ in range(2):
        prerequisites.link_engine(engine, tmp_path, said.append)
    assert (tmp_path / "pulumi").resolve() == engine
    assert len(said) == 1
    assert f'export PATH="{tmp_path}:$PATH"' in said[0]


@pytest.mark.parametrize(("own", "linked"), [(True, False), (False, True)])
def test_an_engine_on_the_path_is_left_alone_unless_it_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool, linked: bool
) -> None:
    """Only an engine that does not fit is another one than the driver uses."""
    engine, said = tmp_path / "engine", list[str]()
    engine.touch()
    monkeypatch.setattr(prerequisites.sys, "prefix", str(tmp_path))
    found = str(engine) if own else "/usr/bin/pulumi"
    monkeypatch.setattr(prerequisites.shutil, "which", lambda _name: found)
    prerequisites.link_engine(engine, tmp_path, said.append)
    assert ((tmp_path / "pulumi").exists(), bool(said)) == (linked, linked)


def test_the_engine_is_built_beside_the_rest(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)
    done: list[str] = []

    def fix(name: str) -> Callable[[object], None]:
        def put_right(_note: object) -> None:
            together.wait(30)
            done.append(name)

        return put_right

    def fails(_note: object) -> None:
        raise DriverError("no Docker")

    rows = ((fix("docker"), fails, fix("never")), (fix("engine"),))
    monkeypatch.setitem(FIXES, "local", rows)
    with pytest.raises(DriverError, match="no Docker"):
        doctor("local", captured.screen, fix=True)
    assert sorted(done) == ["docker", "engine"]


@pytest.mark.parametrize(
    ("root", "registry", "made"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_the_base_image_is_made_where_it_is_needed_and_can_be(
    monkeypatch: pytest.MonkeyPatch, root: bool, registry: bool, made: bool
) -> None:
    said: list[str] = []
    monkeypatch.setattr(docker_setup, "can_install", lambda: root)
    monkeypatch.setattr(prerequisites, "registry_answers", lambda: registry)
    monkeypatch.setattr(prerequisites.local, "make_base_image", lambda note: note("made"))
    prerequisites._make_base_image(said.append)
    assert bool(said) == made


def test_the_set_up_shows_what_pip_does() -> None:
    text = (paths.ROOT / "Makefile").read_text()
    installs = [line for line in text.splitlines() if "pip install" in line or "$(PIP)" in line]
    assert len(installs) >= 4
    assert not any("--quiet" in line or " -q" in line for line in installs)
