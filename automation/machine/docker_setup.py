"""Docker Engine and the Debian packages of the local cloud: found, installed, started."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from automation.errors import DriverError

Note = Callable[[str], None]

DOCKER_PACKAGES = ("docker.io", "iptables")
START_SECONDS = 60.0
DEFAULT_HOST = "unix:///var/run/docker.sock"
DAEMON_LOG = Path("/var/log/fargate-cd-dockerd.log")
DAEMON_PID = Path("/var/run/docker.pid")

MANUAL = (
    "Install Docker Engine (https://docs.docker.com/engine/install/), start it, and run this again."
)


def docker_answers() -> str | None:
    """None if the Docker engine answers this user, else why not, in one line."""
    if shutil.which("docker") is None:
        return "the docker command is missing"
    try:
        done = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "it has not answered for 20 s"
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"docker version ended with {done.returncode}"


def can_install() -> bool:
    """Whether packages can be installed here: Debian or Ubuntu, as root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def engine_elsewhere() -> str | None:
    """Return the advice for an engine that DOCKER_HOST names and that does not answer."""
    host = os.environ.get("DOCKER_HOST")
    if not host or host == DEFAULT_HOST:
        return None
    return f"DOCKER_HOST is {host}: start the engine there, or unset DOCKER_HOST."


def ensure_docker(note: Note) -> None:
    """Ensure that Docker Engine answers; install and start it if needed and allowed.

    Raises:
        DriverError: none answers and none can be started; the message says what a person does.
    """
    reason = docker_answers()
    if reason is None:
        return
    if "permission denied" in reason.lower():
        raise DriverError(
            "The Docker engine refuses this user: `sudo usermod -aG docker $USER`, then log in "
            "again."
        )
    if elsewhere := engine_elsewhere():
        raise DriverError(f"No Docker engine answers ({reason}). {elsewhere}")
    if platform.system() != "Linux" or not can_install():
        raise DriverError(f"No Docker engine answers ({reason}). {MANUAL}")
    if shutil.which("dockerd") is None:
        ensure_packages(DOCKER_PACKAGES, note)
    if docker_answers() is not None:
        start_docker(note)


def ensure_packages(packages: Sequence[str], note: Note) -> None:
    """Install Debian packages.

    Raises:
        DriverError: they can't be installed here; the message has the command for a person.
    """
    if not packages:
        return
    names = " ".join(packages)
    if not can_install():
        raise DriverError(f"Missing: {names}. On Debian or Ubuntu: sudo apt-get install {names}")
    note(f"Installing {names}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if _quietly(install, environment) is None:
        return
    failed = _quietly(["apt-get", "update", "-qq"], environment) or _quietly(install, environment)
    if failed is not None:
        raise DriverError(f"apt-get can't install {names}:", failed)


def _quietly(command: Sequence[str], environment: dict[str, str]) -> list[str] | None:
    """Run a command; None if it succeeded, else its last lines."""
    done = subprocess.run(
        list(command),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else done.stdout.strip().splitlines()[-8:]


def start_docker(note: Note) -> None:
    """Start the installed Docker engine: as a service, or else as a process of its own.

    In a container there may be no service manager, or one that may not raise its limits; the
    daemon then runs detached, with its log in DAEMON_LOG and its process id in DAEMON_PID.

    Raises:
        DriverError: it does not answer.
    """
    note("Starting the Docker engine")
    told_before = DAEMON_LOG.stat().st_size if DAEMON_LOG.exists() else 0
    service = _service_command()
    if service and _quietly(service, dict(os.environ)) is None and _wait(10.0):
        return
    if not _dockerd_runs():
        _spawn_dockerd()
    if not _wait(START_SECONDS):
        log = DAEMON_LOG.read_bytes()[told_before:] if DAEMON_LOG.exists() else b""
        tail = log.decode(errors="replace").splitlines()[-8:]
        raise DriverError(f"The Docker engine does not answer; its log is {DAEMON_LOG}.", tail)
    note("The Docker engine answers")


def _service_command() -> list[str] | None:
    if Path("/run/systemd/system").exists():
        return ["systemctl", "start", "docker"]
    return ["service", "docker", "start"] if shutil.which("service") else None


def _dockerd_runs() -> bool:
    """Whether the process that the daemon's pid file names lives and is a daemon."""
    try:
        pid = int(DAEMON_PID.read_text())
        return "dockerd" in Path(f"/proc/{pid}/cmdline").read_text()
    except (OSError, ValueError):
        return False


def _spawn_dockerd() -> None:
    daemon = shutil.which("dockerd")
    if daemon is None:
        raise DriverError(f"The Docker packages brought no dockerd. {MANUAL}")
    with DAEMON_LOG.open("ab") as log:
        subprocess.Popen(
            [daemon, "--pidfile", str(DAEMON_PID)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if docker_answers() is None:
            return True
        time.sleep(0.5)
    return False
