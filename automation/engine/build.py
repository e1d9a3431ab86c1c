"""Build the Pulumi engine from Go's module proxy.

Tried on two cores: 20 s of downloads, four and a half minutes of building, 113 MB. `go.mod` and
`go.sum` beside this file pin the engine and everything below it; a newer SDK needs new ones:
`go get -tool github.com/pulumi/pulumi/pkg/v3/cmd/pulumi@vVERSION && go mod tidy`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from semver import VersionInfo

from automation.errors import DriverError

MODULE = "github.com/pulumi/pulumi/pkg/v3"
PACKAGE = f"{MODULE}/cmd/pulumi"
VERSION_SYMBOL = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
FREE_BYTES = 6 * 1024**3
"""Room that modules, build cache and result take together."""
PROGRESS_SECONDS = 15.0

Note = Callable[[str], None]


def pinned_version(folder: Path | None = None) -> VersionInfo:
    """The engine's version that `go.mod` pins."""
    text = ((folder or Path(__file__).parent) / "go.mod").read_text()
    found = re.search(rf"^\s*{re.escape(MODULE)} v(\S+)", text, re.MULTILINE)
    if not found:
        raise DriverError(f"automation/engine/go.mod does not require {MODULE}.")
    return VersionInfo.parse(found.group(1))


def build_engine(version: VersionInfo, target: Path, note: Note) -> None:
    """Build the engine into `target`, whole or not at all.

    Raises:
        DriverError: Go is missing or failed, the disk is short, or `go.mod` pins another version.
    """
    go = shutil.which("go") or _usual_place()
    if go is None:
        raise DriverError(
            f"The Pulumi engine {version} is missing, its installer can't be reached, and there is "
            "no Go to build it: install Pulumi (https://www.pulumi.com/docs/install/) or Go "
            "(https://go.dev/doc/install), and run this again."
        )
    if pinned_version() != version:
        raise DriverError(
            f"automation/engine/go.mod pins {pinned_version()}, the SDK is {version}: "
            "see automation/engine/build.py for how to renew it."
        )
    free = shutil.disk_usage(target.parent).free
    if free < FREE_BYTES:
        raise DriverError(
            f"Building the Pulumi engine takes {FREE_BYTES // 1024**3} GB of disk, and "
            f"{target.parent} has {free / 1024**3:.1f} GB: free some, and run this again."
        )
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as scratch:
        folder = Path(scratch)
        for name in ("go.mod", "go.sum"):
            shutil.copy(Path(__file__).parent / name, folder / name)
        _go(go, ["mod", "download"], folder, note, "downloading the engine's modules")
        flags = f"-s -w -X {VERSION_SYMBOL}=v{version}"
        command = ["build", "-trimpath", "-ldflags", flags, "-o", "pulumi", PACKAGE]
        _go(go, command, folder, note, "building the engine, once, about five minutes on two cores")
        (folder / "pulumi").replace(target)
    note(f"Pulumi engine {version} is ready: {target}")


def _usual_place() -> str | None:
    place = Path("/usr/local/go/bin/go")
    return str(place) if place.exists() else None


def _go(go: str, arguments: list[str], folder: Path, note: Note, what: str) -> None:
    """Run one Go command, with a line of progress every few seconds."""
    note(f"Go: {what}")
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen(
            [go, *arguments], cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        ) as process:
            try:
                code = _wait(process, note, what, started)
            except BaseException:
                process.terminate()
                raise
        log.seek(0)
        lines = log.read().decode(errors="replace").splitlines()
    if code != 0:
        raise DriverError(
            f"Go failed while {what}: go {arguments[0]} ended with {code}.", lines[-15:]
        )


def _wait(process: subprocess.Popen[bytes], note: Note, what: str, started: float) -> int:
    while True:
        try:
            return process.wait(timeout=PROGRESS_SECONDS)
        except subprocess.TimeoutExpired:
            note(f"Go: still {what} ({time.monotonic() - started:.0f} s)")
