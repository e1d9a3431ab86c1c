"""Layers and manifests on disk, by digest, streamed; shared by all repositories."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from localcloud.ecr.shared_layers import SharedLayers

CHUNK_BYTES = 1024 * 1024
ABANDONED_AFTER_SECONDS = 24 * 3600
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class DigestMismatchError(ValueError):
    """Content that is not what its digest says."""


@dataclass
class Upload:
    """A blob on its way in.

    Attributes:
        repository: where it is pushed to.
        size: bytes so far.
    """

    id: str
    repository: str
    file: Path
    size: int = 0
    hasher: Any = field(default_factory=hashlib.sha256)
    touched: float = field(default_factory=time.time)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Blobs:
    """The content of one state folder.

    Args:
        folder: the state's.
        shared: layers of other local clouds; none by default.
    """

    def __init__(self, folder: Path, shared: SharedLayers | None = None) -> None:
        self._folder = folder / "blobs"
        self._shared = shared
        self._incoming = folder / "uploads"
        shutil.rmtree(self._incoming, ignore_errors=True)  # their pushes ended with the process
        self._incoming.mkdir(parents=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._uploads: dict[str, Upload] = {}

    def file(self, digest: str) -> Path:
        """Where a blob is, or would be."""
        value = digest.removeprefix("sha256:")
        return self._folder / value[:2] / value

    def has(self, digest: str) -> bool:
        """Whether the blob is here."""
        return self.file(digest).is_file()

    def obtain(self, digest: str) -> bool:
        """Whether the blob came just now, from another local cloud of this machine."""
        shared = self._shared
        return bool(shared and not self.has(digest) and shared.give(digest, self.file(digest)))

    def size(self, digest: str) -> int:
        """Bytes of a blob; FileNotFoundError where it is not here."""
        return self.file(digest).stat().st_size

    def read(self, digest: str) -> bytes:
        """A small blob, such as a manifest."""
        return self.file(digest).read_bytes()

    def write(self, content: bytes) -> str:
        """Keeps a small blob; returns its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        upload = self.begin("")
        self.append(upload, lambda _: b"", first=content)
        self.finish(upload, digest)
        return digest

    def begin(self, repository: str) -> Upload:
        """A new upload."""
        self._drop_abandoned()
        name = str(uuid4())
        upload = Upload(name, repository, self._incoming / name)
        upload.file.touch(mode=0o600)
        self._uploads[name] = upload
        return upload

    def upload(self, name: str, repository: str) -> Upload | None:
        """An upload under way."""
        found = self._uploads.get(name)
        return found if found is not None and found.repository == repository else None

    def append(self, upload: Upload, read: Callable[[int], bytes], first: bytes = b"") -> None:
        """Adds to an upload what `read` yields until it is empty."""
        with upload.lock, upload.file.open("ab") as stream:
            chunk = first or read(CHUNK_BYTES)
            while chunk:
                self._take(upload, stream, chunk)
                chunk = read(CHUNK_BYTES)

    @staticmethod
    def _take(upload: Upload, stream: IO[bytes], chunk: bytes) -> None:
        stream.write(chunk)
        upload.hasher.update(chunk)
        upload.size += len(chunk)
        upload.touched = time.time()

    def finish(self, upload: Upload, digest: str) -> None:
        """Makes a blob of an upload.

        Raises:
            DigestMismatchError: the content has another digest; the upload is dropped.
        """
        with upload.lock:
            self._uploads.pop(upload.id, None)
            if f"sha256:{upload.hasher.hexdigest()}" != digest:
                upload.file.unlink(missing_ok=True)
                raise DigestMismatchError(digest)
            target = self.file(digest)
            target.parent.mkdir(exist_ok=True)
            with upload.file.open("rb") as stream:
                os.fsync(stream.fileno())
            upload.file.replace(target)
        if self._shared is not None:
            self._shared.keep(digest, target)

    def cancel(self, upload: Upload) -> None:
        """Drops an upload."""
        with upload.lock:
            self._uploads.pop(upload.id, None)
            upload.file.unlink(missing_ok=True)

    def _drop_abandoned(self) -> None:
        for upload in list(self._uploads.values()):
            if upload.touched < time.time() - ABANDONED_AFTER_SECONDS:
                self.cancel(upload)

    def keep_only(self, wanted: Iterable[str], older_than: float) -> int:
        """Removes blobs that nobody wants and that came before a time; returns how many."""
        names = {digest.removeprefix("sha256:") for digest in wanted}
        removed = 0
        for file in self._folder.glob("*/*"):
            try:
                if file.name not in names and file.stat().st_mtime < older_than:
                    file.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
        return removed
