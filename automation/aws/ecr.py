"""What an image in ECR tells about itself."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code

PLATFORM_NAMES = {"X86_64": "amd64", "ARM64": "arm64"}
"""The setting `architecture` → the name that images have for it."""

_REFERENCE = re.compile(
    r"(?:(?P<host>[^/]*[.:][^/]*|localhost)/)?(?P<name>[^@]+?)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)

_BY_DIGEST = re.compile(r"(?P<host>[^/]+)/(?P<name>.+)@(?P<digest>sha256:[0-9a-f]{64})")

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)

INDEXES = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
"""Manifests of images for several platforms."""

ABSENT = frozenset({"RepositoryNotFoundException"})

COMMIT_LABEL = "org.opencontainers.image.revision"
"""https://github.com/opencontainers/image-spec/blob/main/annotations.md"""


def commit_of(cloud: Cloud, image: str) -> str | None:
    """The commit that an image was built from.

    It is the image's label `org.opencontainers.image.revision`, or its variable `COMMIT`.

    Returns:
        The commit; None if the image is not in this account's ECR by digest, is gone, or does not
        tell.
    """
    found = _BY_DIGEST.fullmatch(image)
    if not found:
        return None
    document = _configuration(cloud, found["name"], found["digest"])
    configuration = document.get("config") if document else None
    if not isinstance(configuration, dict):
        return None
    labels = configuration.get("Labels") or {}
    variables = dict(entry.partition("=")[::2] for entry in configuration.get("Env") or [])
    commit = labels.get(COMMIT_LABEL) or variables.get("COMMIT")
    return None if commit in {None, "", "unknown"} else str(commit)


@dataclass(frozen=True)
class Found:
    """What a registry says about an image.

    Attributes:
        exists: None if the registry can't be asked from here.
        architectures: such as amd64 and arm64; empty if the image does not tell.
        why: the registry's words where there is no image, or no answer.
    """

    exists: bool | None
    architectures: frozenset[str] = frozenset()
    why: str = ""


@dataclass(frozen=True)
class Reference:
    """An image's name in its parts.

    Attributes:
        host: the registry.
        name: the repository.
        tag: `latest` where neither a tag nor a digest is named.
        digest: empty where none is named.
    """

    host: str
    name: str
    tag: str
    digest: str


def reference_of(image: str) -> Reference | None:
    """The parts of an image's name; None if it names no registry."""
    found = _REFERENCE.fullmatch(image)
    if found is None or not found["host"]:
        return None
    return Reference(found["host"], found["name"], found["tag"] or "latest", found["digest"] or "")


def login(cloud: Cloud, image: str) -> tuple[str, str] | None:
    """How `docker` logs in to pull an image of this account's ECR.

    Returns:
        The registry, and user and password in base64; None if the image's name points elsewhere.
    """
    reference = reference_of(image)
    if reference is None:
        return None
    access = cloud.client("ecr").get_authorization_token()["authorizationData"][0]
    host = access["proxyEndpoint"].partition("://")[2].rstrip("/")
    return (host, access["authorizationToken"]) if reference.host == host else None


def look_up_in_ecr(cloud: Cloud, image: str) -> Found | None:
    """Look an image up in this account's ECR; None if its name points elsewhere."""
    reference = reference_of(image)
    if reference is None or login(cloud, image) is None:
        return None
    ecr = cloud.client("ecr")
    repository = reference.name
    identity = (
        {"imageDigest": reference.digest} if reference.digest else {"imageTag": reference.tag}
    )
    try:
        answer = ecr.batch_get_image(
            repositoryName=repository,
            imageIds=[identity],
            acceptedMediaTypes=[*MANIFESTS, *INDEXES],
        )
    except ClientError as error:
        if error_code(error) not in ABSENT:
            raise
        return Found(False, why=f"there is no repository {repository}")
    if not answer["images"]:
        return Found(
            False, why=f"the repository {repository} has no {next(iter(identity.values()))}"
        )
    return Found(True, _architectures(cloud, repository, answer["images"][0]))


def _architectures(cloud: Cloud, repository: str, image: dict[str, Any]) -> frozenset[str]:
    manifest = json.loads(image["imageManifest"])
    if "manifests" in manifest:
        platforms = (row.get("platform", {}) for row in manifest["manifests"])
        return frozenset(p["architecture"] for p in platforms if p.get("os") == "linux")
    document = _configuration(cloud, repository, image["imageId"]["imageDigest"])
    architecture = (document or {}).get("architecture")
    return frozenset({architecture}) if architecture else frozenset()


@lru_cache(maxsize=256)
def _configuration(cloud: Cloud, repository: str, digest: str) -> dict[str, Any] | None:
    """An image's configuration, read from the registry.

    https://github.com/opencontainers/image-spec/blob/main/config.md
    """
    ecr = cloud.client("ecr")
    try:
        images = ecr.batch_get_image(
            repositoryName=repository,
            imageIds=[{"imageDigest": digest}],
            acceptedMediaTypes=list(MANIFESTS),
        )["images"]
    except ClientError as error:
        if error_code(error) not in ABSENT:
            raise
        return None
    if not images:
        return None
    manifest = json.loads(images[0]["imageManifest"])
    if "config" not in manifest:  # an index of several platforms
        return None
    access = ecr.get_authorization_token()["authorizationData"][0]
    url = f"{access['proxyEndpoint']}/v2/{repository}/blobs/{manifest['config']['digest']}"
    return _blob(url, access["authorizationToken"])


class _StayHere(urllib.request.HTTPRedirectHandler):
    """ECR sends a reader on to S3, which refuses a request with a second authorization."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _blob(url: str, token: str) -> dict[str, Any] | None:
    """A JSON blob of a registry; None if it can't be had, since the commit is a courtesy."""
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})  # noqa: S310
    try:
        with urllib.request.build_opener(_StayHere).open(request, timeout=10) as answer:
            document = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        address = error.headers.get("Location")
        return _plain_blob(address) if address else None
    except (urllib.error.URLError, OSError):
        return None
    return document if isinstance(document, dict) else None


def _plain_blob(address: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - AWS's address
            document = json.loads(answer.read())
    except (urllib.error.URLError, OSError):
        return None
    return document if isinstance(document, dict) else None
