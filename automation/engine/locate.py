"""Find the Pulumi engine, or get one: its installer first, then a build by Go."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from pulumi._version import version as sdk_version
from pulumi.automation import PulumiCommand
from semver import VersionInfo

from automation import paths
from automation.engine.build import build_engine
from automation.engine.command import Engine
from automation.errors import DriverError

VERSION: VersionInfo = sdk_version
"""The engine's version: the SDK's own, so that both ends of the protocol are released together."""

Note = Callable[[str], None]


def cached_executable(version: VersionInfo = VERSION) -> Path:
    """Where an engine that the driver got itself is kept, by version."""
    return paths.cache_dir() / "pulumi" / str(version) / "bin" / "pulumi"


def find_engine() -> Engine | None:
    """An engine that is here already, from PATH or the cache; None if there is none that fits."""
    for executable in _candidates():
        version = _known_version(executable)
        if version is not None and fits(version):
            return Engine(executable, version)
    return None


def fits(version: VersionInfo) -> bool:
    """Whether an engine of this version can run a program of our SDK: same major, not older."""
    return bool(version.major == VERSION.major and version >= VERSION)


def _known_version(executable: Path) -> VersionInfo | None:
    """The version of an engine; the one in the cache is asked once, until its file changes.

    Every other `pulumi` may be a script that chooses another version from day to day.
    """
    own = cached_executable()
    if executable.resolve() != own.resolve():  # `make setup` links to it
        return engine_version(executable)
    note, status = own.with_name("version.txt"), own.stat()
    file = f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    with suppress(OSError, ValueError):
        known, _, version = note.read_text().partition("\n")
        if known == file:
            return VersionInfo.parse(version)
    found = engine_version(executable)
    if found is not None:
        with suppress(OSError):  # a cache that can't be written to is asked each time
            note.write_text(f"{file}\n{found}")
    return found


def engine_version(executable: Path) -> VersionInfo | None:
    """What `pulumi version` answers; None if the file doesn't run or answers something else."""
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [str(executable), "version"],
            capture_output=True,
            text=True,
            env=environment,
            timeout=30,
            check=True,
        )
        return VersionInfo.parse(done.stdout.strip().removeprefix("v"))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def obtain_engine(note: Note) -> Engine:
    """The engine; installed or built if there is none yet, which is noted line by line.

    Raises:
        DriverError: neither way worked; the message names what a person would do.
    """
    if engine := find_engine():
        return engine
    target = cached_executable()
    target.parent.mkdir(parents=True, exist_ok=True)
    with paths.exclusively(target.parent.parent / "lock", note, "the set-up of the Pulumi engine"):
        if engine := find_engine():
            return engine
        note(f"Pulumi engine {VERSION} is missing: trying Pulumi's installer")
        reason = _install(target)
        if reason:
            note(f"Pulumi's installer can't be used here ({reason}): building it with Go instead")
            build_engine(VERSION, target, note)
    version = engine_version(target)
    if version is None:
        raise DriverError(f"{target} does not run; delete that file and try again.")
    return Engine(target, version)


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("pulumi")
    if on_path:
        yield Path(on_path)
    if cached_executable().exists():
        yield cached_executable()


def _install(target: Path) -> str | None:
    """Run Pulumi's own installer; returns why it failed, or None."""
    try:
        PulumiCommand.install(root=str(target.parent.parent), version=VERSION)
    except urllib.error.URLError as error:
        return str(error.reason)
    except subprocess.CalledProcessError as error:
        lines = [
            line for line in (error.output or b"").decode(errors="replace").splitlines() if line
        ]
        return lines[-1] if lines else f"it ended with {error.returncode}"
    except OSError as error:
        return str(error)
    return None
