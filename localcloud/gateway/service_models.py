"""botocore's data files, read once in the process.

moto lists the regions of each partition by boto3 sessions of its own and makes a loader for each
service; the gateway, the providers and the clients have sessions, too. Each would go through all of
botocore's folders and parse the same models anew: a sixth of what a start and a first `up` take.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.loaders
from botocore.loaders import JSONFileLoader, Loader


@cache
def _read(file_path: str) -> Any:
    return JSONFileLoader().load_file(file_path)


class _ReadOnce(JSONFileLoader):  # type: ignore[misc]
    def load_file(self, file_path: str) -> Any:
        """A file's content, which nobody may change; S3's is the caller's: its clients do."""
        return super().load_file(file_path) if "/s3/" in file_path else _read(file_path)


@cache
def _services(search_paths: tuple[str, ...], type_name: str) -> list[str]:
    loader = Loader(extra_search_paths=search_paths, include_default_search_paths=False)
    found: list[str] = loader.list_available_services(type_name)
    return found


class SharedLoader(Loader):  # type: ignore[misc]
    """A loader that reads no file, and lists no folder, that another has."""

    FILE_LOADER_CLASS = _ReadOnce

    def list_available_services(self, type_name: str) -> list[str]:
        """The names of all services that have a file of this type."""
        return _services(tuple(self.search_paths), type_name)


def share() -> None:
    """Loaders that are made from now on share what one of them has read."""
    setattr(botocore.loaders, "Loader", SharedLoader)  # noqa: B010 -- replaced on purpose
