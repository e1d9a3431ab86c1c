"""botocore's data files, read once while moto is imported.

moto lists the regions of each partition by a boto3 session of its own, and each parses EC2's model
and the endpoints anew: half a second that every start of a local cloud would wait. Afterwards
everybody reads for himself again, since clients of S3 change their model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader, Loader


@contextmanager
def shared() -> Iterator[None]:
    """Sessions that are made inside share what another has read; they must make no clients."""
    before = Loader.FILE_LOADER_CLASS
    read = cache(before().load_file)

    class ReadOnce(JSONFileLoader):  # type: ignore[misc]
        def load_file(self, file_path: str) -> Any:
            return read(file_path)

    Loader.FILE_LOADER_CLASS = ReadOnce
    try:
        yield
    finally:
        Loader.FILE_LOADER_CLASS = before
