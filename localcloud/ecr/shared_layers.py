"""Layers that were pushed to any local cloud of this machine: one is compressed and sent only once.

Before Docker compresses a layer it asks the registry for it (`HEAD`), by the digest that the layer
got in an earlier push to any registry. The base image is most of an image and the same for every
checkout, so most of a first push to a new local cloud is saved.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from uuid import uuid4

LEAST_BYTES = 1024 * 1024
"""A smaller layer is pushed as quickly as it is found."""
MOST_BYTES = 1024 * 1024 * 1024
"""What the folder may hold; the layers that were asked for longest ago go first."""


class SharedLayers:
    """A folder of layers, each named by its digest.

    Args:
        folder: shared by the local clouds of one user.
        most_bytes: what it may hold.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def keep(self, digest: str, file: Path) -> None:
        """Keep a layer that was pushed, if it is large enough.

        Args:
            digest: `sha256:…`, which is the file's.
            file: the layer; it stays where it is.
        """
        if file.stat().st_size < LEAST_BYTES or self._file(digest).is_file():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        _placed(file, self._file(digest))
        self._drop_oldest()

    def give(self, digest: str, target: Path) -> bool:
        """Put a layer to a place; return whether it is here.

        Args:
            digest: `sha256:…`.
            target: where it is put.
        """
        file = self._file(digest)
        try:
            os.utime(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            _placed(file, target)
        except FileNotFoundError:  # never pushed, or dropped just now
            return False
        return True

    def _file(self, digest: str) -> Path:
        return self._folder / digest.removeprefix("sha256:")

    def _drop_oldest(self) -> None:
        found = []
        for file in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another local cloud dropped it
                found.append((file.stat().st_mtime, file.stat().st_size, file))
        held = sum(size for _, size, _ in found)
        for _, size, file in sorted(found):
            if held <= self._most_bytes:
                return
            file.unlink(missing_ok=True)
            held -= size


def _placed(file: Path, target: Path) -> None:
    """Link a file to a second place, or copy it where the two are on different disks."""
    scratch = target.with_name(f"{target.name}.{uuid4().hex}")
    try:
        os.link(file, scratch)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, scratch)
    scratch.replace(target)
