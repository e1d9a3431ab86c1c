"""The repositories of one state folder: on disk after every change, images put and deleted."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from localcloud.ecr.blobs import Blobs
from localcloud.ecr.lifecycle import expiries, parse_policy
from localcloud.ecr.manifest import InvalidManifestError, read_manifest
from localcloud.ecr.model import Image, Repository, from_json, to_json
from localcloud.ecr.shared_layers import SharedLayers
from localcloud.shared.service import ServiceError
from localcloud.shared.state_file import write_atomically

log = logging.getLogger("localcloud.ecr")

# A blob without a manifest belongs to a push under way, for this long.
UNREFERENCED_KEPT_SECONDS = 3600
# Between a blob's arrival on disk and its entry in a repository.
ARRIVAL_SECONDS = 60
PULL_TIME_RESOLUTION_SECONDS = 60


class Repositories:
    """All repositories; `lock` guards them, not the streaming of blobs.

    Args:
        folder: where they are kept.
        registry_id: the account.
        shared: layers of other local clouds; none by default.
    """

    def __init__(self, folder: Path, registry_id: str, shared: SharedLayers | None = None) -> None:
        self.lock = threading.RLock()
        self.blobs = Blobs(folder, shared)
        self._folder = folder / "repositories"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._registry_id = registry_id
        self._by_name: dict[str, Repository] = {}
        for file in sorted(self._folder.glob("*.json")):
            repository = from_json(json.loads(file.read_text()))
            self._by_name[repository.name] = repository

    def __iter__(self) -> Iterator[Repository]:
        with self.lock:
            return iter(sorted(self._by_name.values(), key=lambda r: r.name))

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str) -> Repository:
        """A repository; ServiceError RepositoryNotFoundException where there is none."""
        found = self._by_name.get(name)
        if found is None:
            raise ServiceError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id "
                f"'{self._registry_id}'",
            )
        return found

    def add(self, repository: Repository) -> None:
        """Keeps a new repository."""
        with self.lock:
            if repository.name in self._by_name:
                raise ServiceError(
                    "RepositoryAlreadyExistsException",
                    f"The repository with name '{repository.name}' already exists in the registry "
                    f"with id '{self._registry_id}'",
                )
            self._by_name[repository.name] = repository
            self.save(repository)

    def remove(self, repository: Repository) -> None:
        """Drops a repository with all that is in it."""
        with self.lock:
            del self._by_name[repository.name]
            self._file(repository).unlink()
        self.collect()

    def save(self, repository: Repository) -> None:
        """Puts a repository's present state on disk."""
        with self.lock:
            if self._by_name.get(repository.name) is repository:
                content = json.dumps(to_json(repository)).encode()
                write_atomically(self._file(repository), content)

    def _file(self, repository: Repository) -> Path:
        return self._folder / f"{quote(repository.name, safe='')}.json"

    def link(self, repository: Repository, digest: str) -> None:
        """Notes that a blob was pushed to, mounted in, or found in a repository."""
        with self.lock:
            is_new = digest not in repository.blobs
            repository.blobs[digest] = time.time()
            if is_new:
                self.save(repository)

    def put_image(
        self, repository: Repository, content: bytes, media_type: str | None, tag: str | None
    ) -> Image:
        """Keeps a manifest, and moves the tag to it.

        Raises:
            InvalidManifestError: it is no manifest.
            ServiceError: a layer or image that it refers to is missing, or the tag is immutable.
        """
        image = read_manifest(content, media_type)
        with self.lock:
            self._check_references(repository, image)
            if tag is not None:
                self._check_tag(repository, tag)
            kept = repository.images.setdefault(image.digest, image)
            if kept is image:
                self.blobs.write(content)
            before = repository.tagged(tag) if tag is not None else kept
            if tag is not None and before is not kept:
                if before is not None:
                    before.tags.remove(tag)
                kept.tags.append(tag)
            self.save(repository)
        self.expire(repository)
        return kept

    @staticmethod
    def _check_references(repository: Repository, image: Image) -> None:
        layers = [digest for digest in image.blobs if digest not in repository.blobs]
        if layers:
            raise ServiceError(
                "LayersNotFoundException",
                f"Layers with digests '{', '.join(layers)}' required for pushing image into "
                f"repository with name '{repository.name}' don't exist",
            )
        images = [digest for digest in image.manifests if digest not in repository.images]
        if images:
            raise ServiceError(
                "ReferencedImagesNotFoundException",
                f"Images with digests '{', '.join(images)}' required for pushing image into "
                f"repository with name '{repository.name}' don't exist",
            )

    @staticmethod
    def _check_tag(repository: Repository, tag: str) -> None:
        if repository.tagged(tag) is not None and repository.is_immutable(tag):
            raise ServiceError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{tag}' already exists in the '{repository.name}' repository and "
                "cannot be overwritten because the repository is immutable.",
            )

    def note_pull(self, repository: Repository, image: Image) -> None:
        """Notes that an image is pulled."""
        now = time.time()
        if image.pulled_at is None or now - image.pulled_at > PULL_TIME_RESOLUTION_SECONDS:
            image.pulled_at = now
            self.save(repository)

    def delete_image(self, repository: Repository, image: Image) -> None:
        """Drops an image with its tags; its layers go with the next collection."""
        with self.lock:
            del repository.images[image.digest]
            for digest in image.blobs:
                repository.blobs[digest] = min(
                    repository.blobs.get(digest, 0), time.time() - UNREFERENCED_KEPT_SECONDS
                )
            self.save(repository)

    def expire(self, repository: Repository) -> None:
        """Evaluates the repository's lifecycle policy."""
        if repository.lifecycle is None:
            return
        with self.lock:
            now = time.time()
            found = expiries(parse_policy(repository.lifecycle), repository, now)
            repository.lifecycle_evaluated_at = now
            for expiry in found:
                log.info(
                    "%s: rule %d expires %s %s",
                    repository.name,
                    expiry.priority,
                    expiry.image.digest,
                    " ".join(expiry.image.tags),
                )
                self.delete_image(repository, expiry.image)
            self.save(repository)
        if found:
            self.collect()

    def collect(self) -> None:
        """Removes the blobs that no image needs and no push under way brought."""
        now = time.time()
        with self.lock:
            wanted: set[str] = set()
            for repository in self._by_name.values():
                needed = {d for image in repository.images.values() for d in image.blobs}
                limit = now - UNREFERENCED_KEPT_SECONDS
                stale = [d for d, t in repository.blobs.items() if t <= limit and d not in needed]
                for digest in stale:
                    del repository.blobs[digest]
                if stale:
                    self.save(repository)
                wanted.update(repository.blobs, repository.images)
            removed = self.blobs.keep_only(wanted, now - ARRIVAL_SECONDS)
        if removed:
            log.info("removed %d unused blobs", removed)


__all__ = ["InvalidManifestError", "Repositories"]
