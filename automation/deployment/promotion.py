"""Copy a promoted image into the stack's own repository, under the same digest.

An image that stays in another stack's repository goes with that stack, or when newer images push
it out; then no task that uses it can start. By the registry's own protocol nothing is changed on
the way, so that the digest stays what was tested. An image for several platforms is copied with
all of them, since they make up its digest.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html#registry_auth_http
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

import requests
from botocore.exceptions import ClientError

from automation.aws.clients import NO_ANSWER, Cloud, error_code
from automation.aws.ecr import INDEXES, MANIFESTS, Reference, reference_of
from automation.errors import DriverError
from automation.screen import Screen
from automation.stack.operations import Session
from infra.image.pull_permissions import ECR_HOST

SECONDS = 60
PIECE_BYTES = 1024**2
TAG_DIGITS = 12


@dataclass(frozen=True)
class Manifest:
    """What a registry says about an image.

    Attributes:
        content: as it is, which its digest is of.
        media_type: its kind.
    """

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """The image's digest."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def children(self) -> list[str]:
        """The digests of the images of an index."""
        return [row["digest"] for row in json.loads(self.content).get("manifests", [])]

    @property
    def blobs(self) -> list[str]:
        """The digests of configuration and layers; those that lie elsewhere stay there."""
        document = json.loads(self.content)
        rows = [document["config"], *document["layers"]] if "layers" in document else []
        return [row["digest"] for row in rows if not row.get("urls")]


class Repository:
    """One repository, by the registry's protocol.

    Args:
        endpoint: the registry's address with its scheme.
        name: the repository's name there.
        token: ECR's token of whoever asks.
    """

    def __init__(self, endpoint: str, name: str, token: str) -> None:
        self._url = f"{endpoint.rstrip('/')}/v2/{name}/"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Basic {token}"

    def manifest(self, reference: str) -> Manifest | None:
        """An image by tag or digest; None if there is none, or it may not be read."""
        accepted = ", ".join([*MANIFESTS, *INDEXES])
        url = f"{self._url}manifests/{reference}"
        answer = self._session.get(url, headers={"Accept": accepted}, timeout=SECONDS)
        if answer.status_code in (401, 403, 404):
            return None
        answer.raise_for_status()
        return Manifest(answer.content, answer.headers["Content-Type"])

    def has(self, digest: str) -> bool:
        """Whether a blob is here."""
        return self._session.head(f"{self._url}blobs/{digest}", timeout=SECONDS).ok

    def read(self, digest: str) -> Iterator[bytes]:
        """A blob, piece by piece."""
        with self._session.get(
            f"{self._url}blobs/{digest}", stream=True, timeout=SECONDS
        ) as answer:
            answer.raise_for_status()
            yield from answer.iter_content(PIECE_BYTES)

    def write(self, digest: str, pieces: Iterator[bytes]) -> None:
        """Take in a blob; the registry compares the digest."""
        begun = self._checked("POST", f"{self._url}blobs/uploads/")
        place = urljoin(self._url, begun.headers["Location"])
        sent = self._checked("PATCH", place, data=pieces)
        place = urljoin(place, sent.headers["Location"])
        self._checked("PUT", place, params={"digest": digest})

    def put(self, manifest: Manifest, reference: str) -> None:
        """Take in an image whose parts are here."""
        headers = {"Content-Type": manifest.media_type}
        url = f"{self._url}manifests/{reference}"
        self._checked("PUT", url, data=manifest.content, headers=headers)

    def _checked(self, method: str, url: str, **more: Any) -> requests.Response:
        answer = self._session.request(method, url, timeout=SECONDS, **more)
        answer.raise_for_status()
        return answer


def copy(source: Repository, own: Repository, manifest: Manifest, reference: str) -> None:
    """Copy an image with all its parts, except those that are there.

    Args:
        source: where it is.
        own: where it goes.
        manifest: the image.
        reference: the tag or digest under which it is put.
    """
    for digest in manifest.children:
        child = source.manifest(digest)
        if child is None:
            raise DriverError(f"The image {manifest.digest} is not whole: {digest} is missing.")
        copy(source, own, child, digest)
    for digest in manifest.blobs:
        if not own.has(digest):
            own.write(digest, source.read(digest))
    own.put(manifest, reference)


class Promotion:
    """Takes the images of other repositories of ECR into the stack's own.

    Args:
        screen: is told what is copied.

    Attributes:
        session: the open stack; set before the engine runs.
    """

    def __init__(self, screen: Screen) -> None:
        self.session: Session | None = None
        self._screen = screen

    def digest(self, image: str) -> str | None:
        """The digest of an image that is to be copied, or is copied already.

        Returns:
            None if it is in no other repository of ECR, or can't be had there by this user: it is
            then deployed from where it is.
        """
        copying = self._copying(image)
        try:
            return None if copying is None else copying.digest
        except requests.RequestException as error:
            self._screen.note(f"{image} can't be looked up, so it stays where it is: {error}")
            return None

    def copy(self, image: str) -> None:
        """Copy an image that `digest` has found, unless it is in the own repository already.

        Raises:
            DriverError: a registry refuses.
        """
        copying = self._copying(image)
        if copying is None:
            return
        try:
            if copying.digest is None or copying.is_done:
                return
            self._screen.note(f"Copying {image} into {copying.own_name}")
            copying.perform()
        except requests.RequestException as error:
            raise DriverError(
                f"The image {image} can't be copied into {copying.own_name}: {error}. Whoever "
                "promotes must be allowed to pull from the one and to push to the other."
            ) from error

    def _copying(self, image: str) -> _Copying | None:
        assert self.session is not None  # noqa: S101 - the command sets it once the stack is open
        reference = reference_of(image)
        if reference is None:
            return None
        try:
            return _Copying.of(self.session.cloud, reference, self.session.names.repository)
        except ClientError as error:
            if error_code(error) not in NO_ANSWER:
                raise
            return None


@dataclass(frozen=True)
class _Copying:
    """An image on its way."""

    reference: Reference
    source: Repository
    own: Repository
    own_name: str

    @classmethod
    def of(cls, cloud: Cloud, reference: Reference, own_name: str) -> _Copying | None:
        """None where the image is not in ECR."""
        here = cloud.client("ecr").get_authorization_token()["authorizationData"][0]
        endpoint, token = here["proxyEndpoint"], here["authorizationToken"]
        own = Repository(endpoint, own_name, token)
        is_here = reference.host == endpoint.partition("://")[2].rstrip("/")
        if is_here and reference.name == own_name:
            return None
        if not is_here:
            found = re.match(ECR_HOST, reference.host)
            if found is None:
                return None
            # A token is of a region, and good for every account that lets its owner in.
            there = cloud.session.create_client("ecr", region_name=found["region"])
            token = there.get_authorization_token()["authorizationData"][0]["authorizationToken"]
            endpoint = f"https://{reference.host}"
        return cls(reference, Repository(endpoint, reference.name, token), own, own_name)

    @cached_property
    def manifest(self) -> Manifest | None:
        return self.source.manifest(self.reference.digest or self.reference.tag)

    @cached_property
    def is_done(self) -> bool:
        return bool(self.digest) and self.own.manifest(str(self.digest)) is not None

    @cached_property
    def digest(self) -> str | None:
        wanted = self.reference.digest
        if wanted and self.own.manifest(wanted) is not None:
            return wanted  # also where its source is gone by now
        return None if self.manifest is None else self.manifest.digest

    def perform(self) -> None:
        assert self.manifest is not None  # noqa: S101 - `digest` has read it
        digest = self.manifest.digest.partition(":")[2]
        copy(self.source, self.own, self.manifest, f"promoted-{digest[:TAG_DIGITS]}")
