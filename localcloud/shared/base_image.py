"""The base image of the app where no public image registry is in reach.

A Dockerfile that says `ARG BASE_IMAGE=…` and `FROM ${BASE_IMAGE}` builds on the public default
wherever that can be pulled. Elsewhere this module makes a stand-in once, a minimal Debian with
Python, from Debian's own packages, and keeps it in the Docker engine.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform as platform_module
import re
import shutil
import ssl
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import docker
from docker.errors import DockerException

from localcloud.shared.cache import cache_dir

Log = Callable[[str], None]

PUBLIC_REGISTRY = "public.ecr.aws"
REPOSITORY = "fargate-cd-base"
SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_DECLARED = re.compile(r"^\s*ARG\s+BASE_IMAGE(?:=[\"']?(?P<default>[^\s\"']+))?", re.I | re.M)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_RECIPE = "1"
_PROBE_SECONDS = 5
_BUILD_SECONDS = 1200
_TRUST = "/etc/ssl/certs/ca-certificates.crt"
_TRUST_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
_NOT_NEEDED = (
    "var/lib/apt/lists",
    "var/cache/apt",
    "var/log",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "tmp",
)
_PHASES = (
    (re.compile(r"^I: Retrieving "), "downloading Debian's packages"),
    (re.compile(r"^I: Extracting "), "unpacking them"),
    (re.compile(r"^I: Configuring "), "configuring them"),
)


class BaseImageError(Exception):
    """The base image can't be had; the message is one sentence with the next step."""


def base_image_argument(log: Log, registry: str = PUBLIC_REGISTRY) -> dict[str, str]:
    """The build argument that makes the app's Dockerfile build here.

    Args:
        log: is told what goes on, a line at a time.
        registry: host of the registry that the Dockerfile's default comes from.

    Returns:
        Nothing when that registry answers; else `BASE_IMAGE` with an image of the local engine,
        made first if it isn't there yet, which takes about a minute.

    Raises:
        BaseImageError: no registry, and the image could not be made.
    """
    if registry_answers(registry):
        return {}
    return {"BASE_IMAGE": local_base_image(log)}


def proxies() -> dict[str, str]:
    """This machine's proxies, which every Dockerfile takes as build arguments undeclared."""
    return {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}


def stands_in_for(image: str) -> bool:
    """Whether the image that is made here, Debian with Python, can take the place of another.

    Args:
        image: such as `python:3.13-slim` or `public.ecr.aws/docker/library/node:22`.
    """
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return name in ("python", "debian", "ubuntu")


def argument_for(
    dockerfile: str, platform: str, has_image: Callable[[str], bool], log: Log
) -> dict[str, str]:
    """The build argument for a Dockerfile that leaves its base open: one rule for every builder.

    Args:
        dockerfile: its text.
        platform: for which it is built, such as `linux/amd64`.
        has_image: whether the engine has an image.
        log: is told what goes on, a line at a time.

    Returns:
        `BASE_IMAGE` where the Dockerfile declares it and its default is out of reach; else nothing.

    Raises:
        BaseImageError: the image can't be made, not for the platform, or not of that kind.
    """
    declared = _DECLARED.search(dockerfile)
    if declared is None:
        return {}
    default = declared["default"]
    registry = registry_of(default) if default else PUBLIC_REGISTRY
    if default and has_image(default):
        return {}
    if registry_answers(registry):
        return {}
    if default and not stands_in_for(default):
        raise BaseImageError(
            f"The Dockerfile builds on {default}, whose registry {registry} is out of reach, and "
            "the local cloud makes Debian with Python alone in its place. Load that image into "
            "this machine's Docker engine (`docker load`), or set BASE_IMAGE in the setting "
            "`build_args` to an image that the engine has."
        )
    if platform != host_platform():
        raise BaseImageError(
            f"No base image for {platform} can be had: {registry} is out of reach, and one made "
            f"here is for {host_platform()}; set `architecture` to that."
        )
    return {"BASE_IMAGE": local_base_image(log)}


def registry_of(name: str) -> str:
    """The host of the registry that an image's name points to."""
    first, slash, _ = name.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return first if named else "registry-1.docker.io"


def host_platform() -> str:
    """The platform of images that run here without emulation."""
    machine = platform_module.machine()
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"


def registry_answers(registry: str) -> bool:
    """Whether an image registry answers within some seconds; one that wants a login does."""
    answers: list[bool] = []
    # In a thread of its own, because no time-out bounds the look-up of a name.
    probe = threading.Thread(target=lambda: answers.append(_probe(registry)), daemon=True)
    probe.start()
    probe.join(_PROBE_SECONDS)
    return answers == [True]


def _probe(registry: str) -> bool:
    try:
        with urllib.request.urlopen(f"https://{registry}/v2/", timeout=_PROBE_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def local_base_image(log: Log) -> str:
    """The name of the local base image; it is made if the engine hasn't got it.

    Raises:
        BaseImageError: it could not be made.
    """
    return image_of_packages(REPOSITORY, PACKAGES, log)


def image_of_packages(repository: str, packages: Sequence[str], log: Log) -> str:
    """The name of an image of a minimal Debian; it is made if the engine hasn't got it.

    Args:
        repository: how the image is called.
        packages: what is installed beside the minimum.
        log: is told what goes on, a line at a time.

    Raises:
        BaseImageError: it could not be made.
    """
    trust = _trusted_certificates()
    name = f"{repository}:{_version(trust, packages)}"
    with _engine() as engine:
        if _has_image(engine, name):
            return name
        with _one_at_a_time(log):
            if not _has_image(engine, name):
                _make(engine, name, (trust, packages), log)
    return name


def _version(trust: bytes, packages: Sequence[str]) -> str:
    """Changes with everything that the image is made of."""
    digest = hashlib.sha256(b"\0".join([_RECIPE.encode(), SUITE.encode(), trust]))
    digest.update(" ".join(packages).encode())
    return f"{SUITE}-{digest.hexdigest()[:12]}"


@contextmanager
def _engine() -> Iterator[docker.DockerClient]:
    try:
        engine = docker.from_env(timeout=600)
    except DockerException as error:
        raise BaseImageError(
            "No Docker engine answers, so the base image can't be made; "
            "start one with `service docker start`."
        ) from error
    try:
        yield engine
    finally:
        engine.close()


def _has_image(engine: docker.DockerClient, name: str) -> bool:
    try:
        return bool(engine.images.list(name))
    except DockerException as error:
        raise BaseImageError(f"The Docker engine does not list its images: {error}.") from error


@contextmanager
def _one_at_a_time(log: Log) -> Iterator[None]:
    """Hold the machine's lock; another process that holds it is waited for."""
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "base-image.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("waiting for another process that makes the base image")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(
    engine: docker.DockerClient, name: str, content: tuple[bytes, Sequence[str]], log: Log
) -> None:
    started = time.monotonic()
    trust, packages = content
    log(f"no public image registry in reach: making the image {name} once (about a minute)")
    with _scratch_folder() as folder:
        root = folder / "root"
        _debootstrap(root, packages, log)
        _trim(root, trust)
        log("handing it to the Docker engine")
        _import(engine, root, name)
    log(f"made the image {name} in {time.monotonic() - started:.0f} s")


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, with what was mounted inside it."""
    folder = Path(tempfile.mkdtemp(prefix="fargate-cd-base-", dir="/var/tmp"))
    try:
        yield folder
    finally:
        _unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _unmount_below(folder: Path) -> None:
    """An interrupted debootstrap leaves /proc mounted, which must not be removed with the rest."""
    for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
        target = line.split()[4]
        if target.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", target], check=False, capture_output=True)


def _debootstrap(root: Path, packages: Sequence[str], log: Log) -> None:
    command = _debootstrap_command(root, packages)
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except OSError as error:
        raise BaseImageError(f"debootstrap does not start: {error}.") from error
    watchdog = threading.Timer(_BUILD_SECONDS, process.kill)
    watchdog.start()
    try:
        last = _follow(process.stdout, log)
        status = process.wait()
    finally:
        watchdog.cancel()
        process.kill()
    if status != 0:
        raise BaseImageError(
            f"The base image could not be made from Debian's packages: {last or 'no word why'}."
        )


def _debootstrap_command(root: Path, packages: Sequence[str]) -> list[str]:
    program = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise BaseImageError(
            "No public image registry is in reach, and debootstrap, which makes a base image "
            "without one, is missing: `apt-get install debootstrap`."
        )
    if os.geteuid() != 0:
        raise BaseImageError(
            "No public image registry is in reach, and only root can make a base image without "
            "one: run this once as root."
        )
    return [program, "--variant=minbase", f"--include={','.join(packages)}", SUITE, str(root)]


def _follow(lines: IO[str] | None, log: Log) -> str:
    """Tell the phases as they begin; returns the last complaint."""
    complaint = ""
    phases = list(_PHASES)
    for line in lines or ():
        if line.startswith(("E:", "W:")):
            complaint = line[2:].strip().rstrip(".")
        if phases and phases[0][0].match(line):
            log(phases.pop(0)[1])
    return complaint


def _trim(root: Path, trust: bytes) -> None:
    for name in _NOT_NEEDED:
        for entry in (root / name).iterdir() if (root / name).is_dir() else ():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    (root / _TRUST.lstrip("/")).write_bytes(trust)


def _trusted_certificates() -> bytes:
    """What this machine trusts, so that `pip` in a build works behind an intercepting proxy too."""
    named = [os.environ.get(variable) for variable in _TRUST_VARIABLES]
    for path in [*named, _TRUST, ssl.get_default_verify_paths().cafile]:
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    raise BaseImageError(
        "No bundle of trusted certificates is on this machine: `apt-get install ca-certificates`."
    )


def _import(engine: docker.DockerClient, root: Path, name: str) -> None:
    repository, _, tag = name.partition(":")
    changes = [f"ENV {variable}={_TRUST}" for variable in _TRUST_VARIABLES]
    changes += [f"LABEL fargate-cd.base={tag}", 'CMD ["python3"]']
    packed = root.with_suffix(".tar")
    with tarfile.open(packed, mode="w") as archive:
        archive.add(root, arcname=".")
    try:
        answer = engine.api.import_image_from_file(str(packed), repository, tag, changes)
    except (DockerException, OSError) as error:
        raise BaseImageError(f"The Docker engine did not take the base image: {error}.") from error
    if '"error"' in answer:
        raise BaseImageError(f"The Docker engine did not take the base image: {answer.strip()}.")
