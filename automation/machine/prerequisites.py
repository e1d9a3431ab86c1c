"""The prerequisites of this machine: a check and a fix for each."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from automation import paths
from automation.engine import VERSION, find_engine, obtain_engine
from automation.machine import docker_setup, requirements
from automation.machine import local_cloud as local

MINIMUM_PYTHON = (3, 11)
MINIMUM_FREE_BYTES = 5 * 1024**3
REGISTRY_URL = "https://public.ecr.aws/v2/"
Note = Callable[[str], None]


@dataclass(frozen=True)
class Check:
    """One prerequisite as it was found.

    Attributes:
        name: what was looked at.
        good: True, False, or None where the lack is made up for.
        found: what is there.
        remedy: what a person does about it; empty if there is nothing to do.
    """

    name: str
    good: bool | None
    found: str
    remedy: str = ""


def python() -> Check:
    """The interpreter's version."""
    found = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= MINIMUM_PYTHON
    need = ".".join(map(str, MINIMUM_PYTHON))
    return Check("python", good, found, "" if good else f"Install Python {need} or newer.")


def packages(files: Sequence[Path] = (requirements.AWS,)) -> Check:
    """The packages of the requirements, in this interpreter, in the pinned versions."""
    names = " and ".join(map(str, files))
    wrong = [problem for file in files for problem in requirements.wrong(file)]
    if not wrong:
        return Check("packages", True, f"as in {names} ({sys.prefix})")
    given = " ".join(f"-r {file}" for file in files)
    return Check("packages", False, "; ".join(wrong), f"pip install {given}")


def local_packages() -> Check:
    """The packages that the local cloud needs as well."""
    return packages((requirements.AWS, requirements.LOCAL))


def engine() -> Check:
    """A Pulumi engine that fits the SDK."""
    found = find_engine()
    if found:
        return Check("pulumi engine", True, f"{found.version} ({found.command})")
    return Check(
        "pulumi engine",
        False,
        f"{VERSION} is missing",
        "`python automation/run.py doctor --fix` installs or builds it.",
    )


def docker() -> Check:
    """A Docker engine that answers this user."""
    reason = docker_setup.docker_answers()
    if reason is None:
        return Check("docker engine", True, "answers")
    remedy = docker_setup.engine_elsewhere() or (
        "`python automation/run.py doctor --fix` installs and starts it."
        if docker_setup.can_install()
        else docker_setup.MANUAL
    )
    return Check("docker engine", False, reason, remedy)


def haproxy() -> Check:
    """The program that carries the load balancers' traffic."""
    missing = local.missing_packages()
    if not missing:
        return Check("haproxy", True, "installed")
    names = " ".join(missing)
    return Check("haproxy", False, "missing", f"sudo apt-get install {names}")


def base_image() -> Check:
    """A public image registry, or what makes the base image without one."""
    if registry_answers():
        return Check("base image", True, "the public registry answers")
    if shutil.which("debootstrap"):
        return Check("base image", True, "no public registry in reach; debootstrap makes it")
    return Check(
        "base image",
        False,
        "no public registry in reach, and debootstrap is missing",
        "sudo apt-get install debootstrap",
    )


def registry_answers() -> bool:
    """Whether a public image registry is in reach; one that wants a login is."""
    try:
        with urllib.request.urlopen(REGISTRY_URL, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except (urllib.error.URLError, OSError):
        return False


def disk() -> Check:
    """Room for images and containers."""
    free = shutil.disk_usage(paths.ROOT).free
    good = free >= MINIMUM_FREE_BYTES
    need = f"Free some: {MINIMUM_FREE_BYTES // 1024**3} GB are needed; try `docker system prune`."
    return Check("disk", good, f"{free / 1024**3:.1f} GB free", "" if good else need)


def ports() -> Check:
    """Whether port 80 of a loopback address can be bound, so that URLs need no port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.83.17.5", 80))
        except PermissionError:
            return Check(
                "port 80",
                None,
                "needs privilege; the service's URL will carry a port",
                "sudo sysctl net.ipv4.ip_unprivileged_port_start=80",
            )
        except OSError as error:
            found = f"can't be bound ({error.strerror}); the service's URL will carry a port"
            return Check("port 80", None, found, "Find what listens: ss -ltnp 'sport = :80'")
    return Check("port 80", True, "can be bound on a loopback address")


def git() -> Check:
    """The commit of a release is read with git."""
    path = shutil.which("git")
    if path:
        return Check("git", True, path)
    return Check("git", None, "missing; releases carry no commit", "Install git.")


def credentials() -> Check:
    """AWS credentials, and whose they are."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        caller = boto3.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return Check("aws credentials", False, str(error), "`aws configure` or `aws sso login`.")
    return Check("aws credentials", True, caller["Arn"])


def backend() -> Check:
    """The Pulumi backend that holds the stacks' state."""
    found = find_engine()
    if found is None:
        return Check("pulumi backend", None, "asked for once the engine is there")
    done = subprocess.run(
        [found.command, "--non-interactive", "whoami", "--verbose"],
        capture_output=True,
        text=True,
        cwd=paths.ROOT,
        env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
        check=False,
    )
    if done.returncode == 0:
        lines = [line for line in done.stdout.splitlines() if "URL" in line]
        return judged_backend(lines[0].strip() if lines else "logged in")
    return Check(
        "pulumi backend",
        False,
        (done.stderr.strip().splitlines() or ["no answer"])[-1],
        "Run `pulumi login`, or set PULUMI_BACKEND_URL (for example s3://BUCKET).",
    )


def judged_backend(found: str) -> Check:
    """Judge whether a team can share the backend; a local folder is its owner's alone.

    Args:
        found: what the engine says about the backend, such as `Backend URL: file://~`.
    """
    if "file://" not in found:
        return Check("pulumi backend", True, found)
    return Check(
        "pulumi backend",
        False,
        f"{found}: no one else, and no workflow, sees a stack whose state is on this machine",
        "Move it to a bucket or to Pulumi Cloud: docs/state.md, Moving.",
    )


def local_cloud() -> Check:
    """The checkout's own local cloud."""
    if importlib.util.find_spec("localcloud") is None:
        return Check("local cloud", False, "this checkout has no localcloud/", "git checkout it.")
    if missing := requirements.missing(requirements.LOCAL):
        found = f"packages are missing: {', '.join(missing)}"
        return Check("local cloud", False, found, f"pip install -r {requirements.LOCAL}")
    running = local.local_cloud().status()
    if running is None:
        return Check("local cloud", None, "does not run; `up` starts it")
    return Check("local cloud", True, f"process {running.pid} on {running.api_url}")


COMMON = (engine, git, docker, base_image, disk)

CHECKS: Mapping[str, tuple[Callable[[], Check], ...]] = {
    "aws": (python, packages, *COMMON, credentials, backend),
    "local": (python, local_packages, *COMMON, haproxy, ports, local_cloud),
}
"""Target → what it needs. On AWS Docker builds the image as well."""


def checks(target: str) -> list[Check]:
    """Look at every prerequisite of a target."""
    return [check() for check in CHECKS[target]]


def _fix_engine(note: Note) -> None:
    link_engine(Path(obtain_engine(note).command), Path(sys.prefix) / "bin", note)


def link_engine(executable: Path, folder: Path, note: Note) -> None:
    """Put an engine into the virtual environment if PATH has none that fits, and say how to use it.

    Args:
        executable: the engine.
        folder: where the environment's programs are.
        note: gets the line to type.
    """
    link = folder / "pulumi"
    used = shutil.which("pulumi") == str(executable) or link.resolve() == executable
    if used or sys.prefix == sys.base_prefix:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(executable)
    note(f'The Pulumi engine is {link}; to type `pulumi`: export PATH="{folder}:$PATH"')


def _fix_haproxy(note: Note) -> None:
    docker_setup.ensure_packages(local.missing_packages(), note)


def _fix_base_image(note: Note) -> None:
    if shutil.which("debootstrap") is None and not registry_answers():
        docker_setup.ensure_packages(["debootstrap"], note)


def _make_base_image(note: Note) -> None:
    """Make the image already while the engine is built; who may not make it learns so in `up`."""
    if docker_setup.can_install() and not registry_answers():
        local.make_base_image(note)


Fix = Callable[[Note], None]
FIXES: dict[str, tuple[tuple[Fix, ...], ...]] = {
    "aws": ((docker_setup.ensure_docker, _fix_base_image), (_fix_engine,)),
    "local": (
        (docker_setup.ensure_docker, _fix_haproxy, _fix_base_image, _make_base_image),
        (_fix_engine,),
    ),
}
"""Target → rows of fixes; the rows need nothing of each other. Each fix may run twice."""


def put_right(target: str, note: Note) -> None:
    """Put right what can be put right, row beside row.

    Args:
        target: whose prerequisites are meant.
        note: is told what goes on, a line at a time.

    Raises:
        DriverError: something can't be put right; the other rows have been run to their end.
    """
    *others, last = FIXES[target]
    with ThreadPoolExecutor(thread_name_prefix="fix") as pool:
        running = [pool.submit(_one_by_one, row, note) for row in others]
        _one_by_one(last, note)  # here, where Ctrl-C ends it: it is the longest
    for each in running:
        each.result()


def _one_by_one(row: Sequence[Fix], note: Note) -> None:
    for fix in row:
        fix(note)
