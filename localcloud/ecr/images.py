"""The operations of ECR's API on images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.ecr.manifest import InvalidManifestError, read_manifest
from localcloud.ecr.model import Image, Repository
from localcloud.ecr.pages import page
from localcloud.ecr.store import Repositories
from localcloud.shared.service import Call, Handler, ServiceError

FAILURES = {
    "ImageNotFound": "Requested image not found",
    "ImageTagDoesNotMatchDigest": "Image with specified tag has another digest",
    "MissingDigestAndTag": "Invalid request parameters: both tag and digest cannot be null",
    "ImageReferencedByManifestList": "Requested image referenced by manifest list: [{by}]",
}


class LookupFailure(Exception):  # noqa: N818 -- the API's own term
    """An image that an identifier does not yield; the code is one of `FAILURES`."""

    def __init__(self, code: str, **facts: str) -> None:
        self.code = code
        self.reason = FAILURES[code].format(**facts)
        super().__init__(self.reason)


def find(repository: Repository, identifier: Mapping[str, str]) -> Image:
    """The image of an identifier.

    Raises:
        LookupFailure: there is none, or tag and digest disagree.
    """
    tag, digest = identifier.get("imageTag"), identifier.get("imageDigest")
    if tag is None and digest is None:
        raise LookupFailure("MissingDigestAndTag")
    image = repository.images.get(digest) if digest is not None else repository.tagged(tag or "")
    if image is None:
        raise LookupFailure("ImageNotFound")
    if tag is not None and tag not in image.tags:
        raise LookupFailure("ImageTagDoesNotMatchDigest")
    return image


class Images:
    """Handlers of the operations on images."""

    def __init__(self, repositories: Repositories, account: str) -> None:
        self._repositories = repositories
        self._account = account
        self.handlers: dict[str, Handler] = {
            "BatchCheckLayerAvailability": self._check_layers,
            "BatchDeleteImage": self._delete,
            "BatchGetImage": self._get,
            "DescribeImages": self._describe,
            "ListImages": self._list,
            "PutImage": self._put,
        }

    def _of(self, call: Call) -> Repository:
        return self._repositories.get(call.input["repositoryName"])

    def _put(self, call: Call) -> Mapping[str, Any]:
        repository, wanted = self._of(call), call.input
        content = wanted["imageManifest"].encode()
        media_type, tag = wanted.get("imageManifestMediaType"), wanted.get("imageTag")
        try:
            image = read_manifest(content, media_type)
        except InvalidManifestError as error:
            raise ServiceError(
                "InvalidParameterException",
                f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{error}'",
            ) from error
        if wanted.get("imageDigest", image.digest) != image.digest:
            raise ServiceError(
                "ImageDigestDoesNotMatchException",
                f"The provided digest does not match the calculated one, {image.digest}",
            )
        present = repository.images.get(image.digest)
        if present is not None and (tag is None or tag in present.tags):
            self._refuse_again(repository, image, tag)
        kept = self._repositories.put_image(repository, content, media_type, tag)
        identifier = {"imageDigest": kept.digest, "imageTag": tag}
        return {"image": self._shown(repository, kept, identifier)}

    @staticmethod
    def _refuse_again(repository: Repository, image: Image, tag: str | None) -> None:
        if tag is not None and repository.is_immutable(tag):
            return  # the store refuses it, with the code for tags
        raise ServiceError(
            "ImageAlreadyExistsException",
            f"Image with digest '{image.digest}' and tag '{tag}' already exists in the repository "
            f"with name '{repository.name}'",
        )

    def _shown(
        self, repository: Repository, image: Image, identifier: Mapping[str, str | None]
    ) -> dict[str, Any]:
        return {
            "registryId": self._account,
            "repositoryName": repository.name,
            "imageId": {
                "imageDigest": image.digest,
                "imageTag": identifier.get("imageTag"),
            },
            "imageManifest": self._repositories.blobs.read(image.digest).decode(),
            "imageManifestMediaType": image.media_type,
        }

    def _get(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        images, failures = [], []
        for identifier in call.input["imageIds"]:
            try:
                image = find(repository, identifier)
            except LookupFailure as failure:
                failures.append(_failed(identifier, failure))
                continue
            self._repositories.note_pull(repository, image)
            images.append(self._shown(repository, image, identifier))
        return {"images": images, "failures": failures}

    def _describe(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        identifiers = call.input.get("imageIds")
        if identifiers is None:
            every = list(repository.images.values())
            images = [image for image in every if _fits(image, call)]
        else:
            images = [self._named(call, repository, identifier) for identifier in identifiers]
        rows, token = page(images, call.input)
        return {
            "imageDetails": [self._detail(repository, image) for image in rows],
            "nextToken": token,
        }

    @staticmethod
    def _named(call: Call, repository: Repository, identifier: Mapping[str, str]) -> Image:
        try:
            return find(repository, identifier)
        except LookupFailure as failure:
            shown = ", ".join(f"{key}:'{value}'" for key, value in sorted(identifier.items()))
            raise ServiceError(
                "ImageNotFoundException",
                f"The image with imageId {{{shown}}} does not exist within the repository with "
                f"name '{repository.name}' in the registry with id '{call.account}'",
            ) from failure

    def _detail(self, repository: Repository, image: Image) -> dict[str, Any]:
        return {
            "registryId": self._account,
            "repositoryName": repository.name,
            "imageDigest": image.digest,
            "imageTags": image.tags or None,
            "imageSizeInBytes": image.size,
            "imagePushedAt": image.pushed_at,
            "imageManifestMediaType": image.media_type,
            "artifactMediaType": image.artifact_type,
            "lastRecordedPullTime": image.pulled_at,
            "subjectManifestDigest": image.subject,
        }

    def _list(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        identifiers: list[dict[str, str]] = []
        for image in list(repository.images.values()):
            if not _fits(image, call):
                continue
            tags = [{"imageDigest": image.digest, "imageTag": tag} for tag in image.tags]
            identifiers += tags or [{"imageDigest": image.digest}]
        rows, token = page(identifiers, call.input)
        return {"imageIds": rows, "nextToken": token}

    def _delete(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        deleted: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        with self._repositories.lock:
            for identifier in call.input["imageIds"]:
                try:
                    deleted += self._delete_one(repository, identifier)
                except LookupFailure as failure:
                    failures.append(_failed(identifier, failure))
        self._repositories.collect()
        return {"imageIds": deleted, "failures": failures}

    def _delete_one(
        self, repository: Repository, identifier: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Deletes a tag, and the image with its last one; a digest deletes all tags.

        https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
        """
        image = find(repository, identifier)
        tag = identifier.get("imageTag")
        if tag is not None and len(image.tags) > 1:
            image.tags.remove(tag)
            self._repositories.save(repository)
            return [{"imageDigest": image.digest, "imageTag": tag}]
        index = repository.index_of(image.digest)
        if index is not None:
            raise LookupFailure("ImageReferencedByManifestList", by=index.digest)
        tags: list[str | None] = [*image.tags] or [None]
        self._repositories.delete_image(repository, image)
        return [{"imageDigest": image.digest, "imageTag": each} for each in tags]

    def _check_layers(self, call: Call) -> Mapping[str, Any]:
        repository, blobs = self._of(call), self._repositories.blobs
        layers, failures = [], []
        for digest in call.input["layerDigests"]:
            if digest in repository.blobs and blobs.has(digest):
                self._repositories.link(repository, digest)
                layers.append(
                    {
                        "layerDigest": digest,
                        "layerAvailability": "AVAILABLE",
                        "layerSize": blobs.size(digest),
                    }
                )
            elif digest.startswith("sha256:"):
                layers.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
            else:
                failures.append(
                    {
                        "layerDigest": digest,
                        "failureCode": "InvalidLayerDigest",
                        "failureReason": "Invalid layer digest",
                    }
                )
        return {"layers": layers, "failures": failures}


def _failed(identifier: Mapping[str, str], failure: LookupFailure) -> dict[str, Any]:
    return {
        "imageId": dict(identifier),
        "failureCode": failure.code,
        "failureReason": failure.reason,
    }


def _fits(image: Image, call: Call) -> bool:
    wanted = call.input.get("filter", {}).get("tagStatus", "ANY")
    return bool(wanted == "ANY" or (wanted == "TAGGED") == bool(image.tags))
