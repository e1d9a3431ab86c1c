"""Projects and builds on disk: a JSON file each, whole at every moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import RLock
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from localcloud.codebuild.model import Build, Project
from localcloud.shared.state_file import write_atomically

Row = TypeVar("Row", Project, Build)


class Table(Generic[Row]):
    """The rows of one kind.

    Args:
        folder: where their files are.
        kind: the rows' class.
    """

    def __init__(self, folder: Path, kind: type[Row]) -> None:
        self._folder = folder
        self._adapter: TypeAdapter[Row] = TypeAdapter(kind)
        self._rows: dict[str, Row] = {}
        for file in sorted(folder.glob("*.json")):
            self._rows[file.stem] = self._adapter.validate_json(file.read_bytes())

    def __iter__(self) -> Iterator[Row]:
        return iter(list(self._rows.values()))

    def get(self, key: str) -> Row | None:
        """The row of a key."""
        return self._rows.get(key)

    def put(self, key: str, row: Row) -> None:
        """Keep a row, or its changes."""
        write_atomically(self._folder / f"{key}.json", self._adapter.dump_json(row))
        self._rows[key] = row

    def remove(self, key: str) -> None:
        """Forget a row; nothing happens where there is none."""
        self._rows.pop(key, None)
        (self._folder / f"{key}.json").unlink(missing_ok=True)


class Store:
    """All that CodeBuild keeps.

    Args:
        folder: of the service.
    """

    def __init__(self, folder: Path) -> None:
        self.lock = RLock()
        self.projects: Table[Project] = Table(folder / "projects", Project)
        self.builds: Table[Build] = Table(folder / "builds", Build)

    def project(self, region: str, name: str) -> Project | None:
        """A project by its name or its ARN."""
        return self.projects.get(f"{region}.{name.rpartition('project/')[2]}")

    def build(self, build_id: str) -> Build | None:
        """A build by its id or its ARN."""
        found = self.builds.get(build_id.rpartition(":")[2])
        return found if found is not None and build_id in (found.id, found.arn) else None

    def save(self, row: Project | Build) -> None:
        """Keep a row, or its changes."""
        with self.lock:
            if isinstance(row, Project):
                self.projects.put(row.key, row)
            else:
                self.builds.put(row.uuid, row)

    def keep(self, build: Build) -> None:
        """Keep a build's changes, unless it was deleted meanwhile."""
        with self.lock:
            if self.builds.get(build.uuid) is not None:
                self.builds.put(build.uuid, build)

    def builds_of(self, project: Project) -> list[Build]:
        """A project's builds, the oldest first."""
        found = [b for b in self.builds if (b.region, b.project) == (project.region, project.name)]
        return sorted(found, key=lambda build: build.shape["startTime"])
