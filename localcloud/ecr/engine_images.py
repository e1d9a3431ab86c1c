"""What the Docker engine still holds of images that the registry no longer has.

Builds tag their image on this machine before they push it, and tasks pull by digest; without a
sweep every release of every stack would stay in the engine for good.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from localcloud.ecr.model import Repository

log = logging.getLogger("localcloud.ecr")

PUSH_WITHIN = timedelta(minutes=30)
"""A tag that the registry does not know may be about to be pushed, for this long."""


def stale(
    images: Iterable[Mapping[str, Any]],
    registry_host: str,
    repositories: Mapping[str, Repository],
    now: datetime,
) -> Iterator[str]:
    """The references to remove.

    Args:
        images: what Docker's `inspect` says of each image.
        registry_host: whose images alone are meant.
    """
    prefix = f"{registry_host}/"
    for image in images:
        tagged_at = (image.get("Metadata") or {}).get("LastTagTime") or ""
        fresh = _moment(tagged_at) > now - PUSH_WITHIN
        for reference in [*(image.get("RepoTags") or []), *(image.get("RepoDigests") or [])]:
            if not reference.startswith(prefix):
                continue
            name, tag, digest = _parts(reference.removeprefix(prefix))
            repository = repositories.get(name)
            if repository is None or not (fresh or _has(repository, tag, digest)):
                yield reference


def _has(repository: Repository, tag: str, digest: str) -> bool:
    return digest in repository.images if digest else repository.tagged(tag) is not None


def _parts(reference: str) -> tuple[str, str, str]:
    """Name, tag, digest of `team/app:v1` or `team/app@sha256:…`."""
    name, _, digest = reference.partition("@")
    if digest:
        return name, "", digest
    name, _, tag = reference.rpartition(":")
    return name, tag, ""


def _moment(text: str) -> datetime:
    """Docker's time, whose fractions are too fine for Python and whose zone has many forms."""
    try:
        return datetime.strptime(text[:19].replace("T", " "), "%Y-%m-%d %H:%M:%S").replace(
            tzinfo=UTC
        )
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def sweep(registry_host: str, repositories: Mapping[str, Repository]) -> int:
    """Remove what is stale from the engine; what a container uses stays until the next time.

    Returns:
        How many references went; where there is no engine to ask, the log says so.
    """
    removed = 0
    try:
        client = docker.from_env()
        try:
            for reference in stale(
                _pushed_here(client, registry_host), registry_host, repositories, datetime.now(UTC)
            ):
                removed += _remove(client, reference)
        finally:
            client.close()
    except (DockerException, RequestException) as error:
        log.warning("the engine's images were not looked through: %s", error)
    return removed


def _pushed_here(client: Any, registry_host: str) -> Iterator[Mapping[str, Any]]:
    """What `inspect` says of the images of a registry; the machine's others are not inspected."""
    for row in client.api.images():
        names = [*(row["RepoTags"] or []), *(row["RepoDigests"] or [])]
        if any(name.startswith(f"{registry_host}/") for name in names):
            try:
                described = client.api.inspect_image(row["Id"])
            except ImageNotFound:  # removed since it was listed
                continue
            yield described


def _remove(client: Any, reference: str) -> int:
    try:
        client.images.remove(reference)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise
        return 0
    log.info("removed %s from the Docker engine: the registry has it no longer", reference)
    return 1
