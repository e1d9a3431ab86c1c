"""What ECR keeps: repositories, and the images in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

INDEX_TYPES = {
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
}
IMAGE_TYPES = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
}


@dataclass
class Image:
    """A manifest in a repository.

    Attributes:
        digest: `sha256:…` of the manifest's bytes.
        media_type: the manifest's type.
        artifact_type: its configuration's type.
        size: bytes of configuration and layers, as ECR counts them; of an index, 0.
        blobs: digests of its configuration and layers.
        manifests: digests of the manifests that an index refers to.
        subject: the manifest that this one is about, if any.
        tags: its tags, oldest first.
        pushed_at: when it came, in seconds since 1970.
        pulled_at: when it was last pulled, in seconds since 1970.
    """

    digest: str
    media_type: str
    artifact_type: str | None
    size: int
    blobs: list[str]
    manifests: list[str]
    subject: str | None
    tags: list[str]
    pushed_at: float
    pulled_at: float | None = None


@dataclass
class Repository:
    """A repository with its settings.

    Attributes:
        name: such as `team/app`.
        created_at: in seconds since 1970.
        mutability: MUTABLE, IMMUTABLE, or one of both with exclusions.
        exclusions: wildcards of tags that `mutability` is the other way round for.
        scan_on_push: whether pushed images would be scanned.
        encryption: `encryptionConfiguration` as the API shows it.
        tags: the repository's own tags.
        policy: its resource policy, as text.
        lifecycle: its lifecycle policy, as text.
        lifecycle_evaluated_at: when that was last evaluated, in seconds since 1970.
        images: by digest.
        blobs: digests of blobs that were pushed or mounted here → when last touched.
    """

    name: str
    created_at: float
    mutability: str = "MUTABLE"
    exclusions: list[str] = field(default_factory=list)
    scan_on_push: bool = False
    encryption: dict[str, str] = field(default_factory=lambda: {"encryptionType": "AES256"})
    tags: dict[str, str] = field(default_factory=dict)
    policy: str | None = None
    lifecycle: str | None = None
    lifecycle_evaluated_at: float | None = None
    images: dict[str, Image] = field(default_factory=dict)
    blobs: dict[str, float] = field(default_factory=dict)

    def tagged(self, tag: str) -> Image | None:
        """The image of a tag."""
        # A copy: images are pushed to the repository while others are pulled.
        return next((image for image in list(self.images.values()) if tag in image.tags), None)

    def is_immutable(self, tag: str) -> bool:
        """Whether a tag that exists may not be moved.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
        """
        immutable = self.mutability.startswith("IMMUTABLE")
        excluded = any(fnmatchcase(tag, wildcard) for wildcard in self.exclusions)
        return immutable != excluded

    def index_of(self, digest: str) -> Image | None:
        """An index that refers to an image of this digest."""
        return next((i for i in list(self.images.values()) if digest in i.manifests), None)


def to_json(repository: Repository) -> dict[str, Any]:
    """A repository as its file holds it."""
    return asdict(repository)


def from_json(row: dict[str, Any]) -> Repository:
    """A repository from its file."""
    images = {digest: Image(**image) for digest, image in row.pop("images").items()}
    return Repository(images=images, **row)
