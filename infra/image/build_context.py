"""What goes into an image: the files that Docker would send, as one hash."""

from __future__ import annotations

import hashlib
import stat
import subprocess
from pathlib import Path

from infra.image.dockerignore import context_files

TAG_LENGTH = 16


def content_hash(folder: Path, dockerfile: Path, *parameters: str) -> str:
    """A hash of the build context, blind to times and owners.

    Args:
        folder: the build context.
        dockerfile: the Dockerfile, inside the context or not.
        parameters: what else the image depends on, such as its platform.

    Returns:
        Sixteen hexadecimal digits; the same as long as a build would see the same names, modes
        and contents, as filtered by `.dockerignore`.
    """
    digest = hashlib.sha256()

    def add(*parts: bytes) -> None:
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)

    add(*(parameter.encode() for parameter in parameters), dockerfile.read_bytes())
    for relative in context_files(folder, _patterns(folder)):
        path = folder / relative
        mode = path.lstat().st_mode
        add(relative.encode(), f"{stat.S_IFMT(mode):o} {stat.S_IMODE(mode):o}".encode())
        if path.is_symlink():
            add(str(path.readlink()).encode())
        elif path.is_file():
            add(path.read_bytes())
    return digest.hexdigest()[:TAG_LENGTH]


def _patterns(folder: Path) -> list[str]:
    ignore = folder / ".dockerignore"
    if not ignore.is_file():
        return []
    lines = (line.strip() for line in ignore.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def commit(folder: Path) -> str:
    """The commit whose files `folder` holds; empty where it holds others, or there is no Git."""
    try:
        changed = _git(folder, "status", "--porcelain", "--", ".")
        return "" if changed else _git(folder, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(folder: Path, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=30
    )
    return answer.stdout.strip()
