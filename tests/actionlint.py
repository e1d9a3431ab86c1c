"""actionlint, the linter of GitHub's workflows: from PATH, or built once from the Go proxy.

Its package on PyPI downloads a program from GitHub while it is installed, which fails where only
package registries are in reach.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from automation import paths

VERSION = "1.7.12"
MODULE = f"github.com/rhysd/actionlint/cmd/actionlint@v{VERSION}"
BUILD_SECONDS = 600


def actionlint() -> Path:
    """The program, kept in the user's cache by version.

    Raises:
        AssertionError: it is not installed, and Go is not there or could not build it.
    """
    installed = shutil.which("actionlint")
    if installed:
        return Path(installed)
    folder = paths.cache_dir() / "actionlint" / VERSION
    program = folder / "actionlint"
    with paths.exclusively(folder.parent / "lock", lambda _: None, "building actionlint"):
        if not program.exists():
            go = shutil.which("go") or "/usr/local/go/bin/go"
            assert Path(go).exists(), (
                "install actionlint (https://github.com/rhysd/actionlint) or Go"
            )
            folder.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                [go, "install", MODULE],
                env=os.environ | {"GOBIN": str(folder), "GOFLAGS": "-trimpath"},
                capture_output=True,
                text=True,
                timeout=BUILD_SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    return program
