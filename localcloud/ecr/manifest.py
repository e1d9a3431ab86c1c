"""Image manifests and indexes: what they refer to.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
https://distribution.github.io/distribution/spec/manifest-v2-2/
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from localcloud.ecr.blobs import DIGEST
from localcloud.ecr.model import IMAGE_TYPES, INDEX_TYPES, Image


class InvalidManifestError(ValueError):
    """A manifest that can't be kept; the message says why."""


def read_manifest(content: bytes, media_type: str | None) -> Image:
    """An image without tags, from a manifest's bytes.

    Args:
        content: the manifest as pushed.
        media_type: what the client says it is; the manifest's own word by default.

    Raises:
        InvalidManifestError: it is no manifest that a registry keeps.
    """
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise InvalidManifestError(f"the manifest is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") != 2:
        raise InvalidManifestError("the manifest's schemaVersion is not 2")
    kind = manifest.get("mediaType") or media_type or ""
    if media_type and manifest.get("mediaType") and media_type != kind:
        raise InvalidManifestError(f"the manifest says {kind}, the request {media_type}")
    if kind not in IMAGE_TYPES | INDEX_TYPES:
        raise InvalidManifestError(f"manifests of type {kind or 'unknown'} are not kept")
    config = manifest.get("config") or {}
    parts = [] if kind in INDEX_TYPES else [config, *manifest.get("layers", [])]
    return Image(
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        media_type=kind,
        artifact_type=manifest.get("artifactType") or config.get("mediaType"),
        size=sum(int(part.get("size", 0)) for part in parts),
        blobs=_digests(part for part in parts if not part.get("urls")),
        manifests=_digests(manifest.get("manifests", [])) if kind in INDEX_TYPES else [],
        subject=(manifest.get("subject") or {}).get("digest"),
        tags=[],
        pushed_at=time.time(),
    )


def _digests(descriptors: Any) -> list[str]:
    found = []
    for descriptor in descriptors:
        digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            raise InvalidManifestError(f"the manifest refers to {digest!r}, which is no digest")
        found.append(digest)
    return found
