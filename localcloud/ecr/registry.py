"""The registry that Docker speaks to: the OCI distribution protocol over the repositories.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import Range
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import FileWrapper

from localcloud.ecr.blobs import CHUNK_BYTES, DIGEST, DigestMismatchError, Upload
from localcloud.ecr.manifest import InvalidManifestError
from localcloud.ecr.model import Image, Repository
from localcloud.ecr.registry_errors import CODES, RegistryError, error_response
from localcloud.ecr.store import Repositories
from localcloud.ecr.tokens import USER, Caller, Tokens
from localcloud.shared.service import Call, ServiceError

log = logging.getLogger("localcloud.registry")

LARGEST_MANIFEST_BYTES = 4 * 1024 * 1024
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
NAME = r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"


@dataclass(frozen=True)
class Route:
    """A path, its methods, and the IAM action that each needs.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
    """

    path: re.Pattern[str]
    methods: dict[str, tuple[str, Callable[..., Response]]]


@dataclass(frozen=True)
class Exchange:
    """One request to a repository."""

    request: Request
    repository: Repository
    caller: Caller
    reference: str


class Registry:
    """The WSGI application.

    Args:
        repositories: what it serves.
        tokens: reads the passwords of `docker login`.
        authorize: raises ServiceError for what the caller's policies don't allow.
        account: the registry's account.
    """

    def __init__(
        self,
        repositories: Repositories,
        tokens: Tokens,
        authorize: Callable[[Call], None],
        account: str,
    ) -> None:
        self._repositories = repositories
        self._blobs = repositories.blobs
        self._tokens = tokens
        self._authorize = authorize
        self._account = account
        get_blob = ("GetDownloadUrlForLayer", self._get_blob)
        get_image = ("BatchGetImage", self._get_manifest)
        reference = r"(?P<reference>[^/]+)"
        self._routes = [
            Route(
                re.compile(f"/v2/{NAME}/manifests/{reference}"),
                {"GET": get_image, "HEAD": get_image, "PUT": ("PutImage", self._put_manifest)},
            ),
            Route(
                re.compile(f"/v2/{NAME}/blobs/uploads/?(?P<reference>)"),
                {"POST": ("InitiateLayerUpload", self._begin)},
            ),
            Route(
                re.compile(f"/v2/{NAME}/blobs/uploads/{reference}"),
                {
                    "GET": ("UploadLayerPart", self._progress),
                    "PATCH": ("UploadLayerPart", self._append),
                    "PUT": ("CompleteLayerUpload", self._finish),
                    "DELETE": ("UploadLayerPart", self._cancel),
                },
            ),
            Route(
                re.compile(f"/v2/{NAME}/blobs/{reference}"),
                {"GET": get_blob, "HEAD": ("BatchCheckLayerAvailability", self._get_blob)},
            ),
            Route(
                re.compile(f"/v2/{NAME}/tags/list(?P<reference>)"),
                {"GET": ("ListImages", self._list_tags)},
            ),
        ]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The WSGI application."""
        request = Request(environ)
        started = time.monotonic()
        try:
            response = self._respond(request)
        except RegistryError as error:
            response = error_response(error)
        except ServiceError as error:
            code, status = CODES.get(error.code, ("UNKNOWN", error.status))
            response = error_response(RegistryError(code, error.message, status))
        except HTTPException as error:
            response = error_response(RegistryError("UNKNOWN", str(error), error.code or 400))
        except OSError as error:
            log.error("%s %s: %s", request.method, request.path, error)
            response = error_response(RegistryError("UNKNOWN", str(error), 500))
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        milliseconds = (time.monotonic() - started) * 1000
        log.info(
            "%s %s %d %.0fms", request.method, request.path, response.status_code, milliseconds
        )
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        caller = self._caller(request)
        if request.path in ("/v2", "/v2/"):
            return Response("{}", content_type="application/json")
        for route in self._routes:
            match = route.path.fullmatch(request.path)
            if match is not None:
                return self._route(route, request, caller, match["name"], match["reference"])
        raise RegistryError("UNSUPPORTED", f"There is nothing at {request.path}.", 404)

    def _caller(self, request: Request) -> Caller:
        login = request.authorization
        password = login.password if login is not None and login.username == USER else None
        caller = self._tokens.read(password) if password else None
        if caller is None:
            raise RegistryError(
                "UNAUTHORIZED",
                "Your authorization token is missing, foreign or has expired: log in with what "
                "`aws ecr get-login-password` prints, as the user AWS.",
                401,
            )
        return caller

    def _route(
        self, route: Route, request: Request, caller: Caller, name: str, reference: str
    ) -> Response:
        if request.method not in route.methods:
            raise RegistryError(
                "UNSUPPORTED",
                f"{request.method} is not supported here; ECR deletes by BatchDeleteImage.",
                405,
            )
        operation, answer = route.methods[request.method]
        self._allow(caller, operation, name, request.remote_addr or "127.0.0.1")
        repository = self._repositories.get(name)
        return answer(Exchange(request, repository, caller, reference))

    def _allow(self, caller: Caller, operation: str, name: str, address: str) -> None:
        self._authorize(
            Call(
                service="ecr",
                operation=operation,
                input={"registryId": self._account, "repositoryName": name},
                region=caller.region,
                account=self._account,
                principal=caller.principal,
                access_key_id=caller.access_key_id,
                source_ip=address,
            )
        )

    # Manifests

    def _image(self, repository: Repository, reference: str) -> Image:
        image = repository.images.get(reference) or repository.tagged(reference)
        if image is None:
            raise RegistryError("MANIFEST_UNKNOWN", "Requested image not found", 404)
        return image

    def _get_manifest(self, exchange: Exchange) -> Response:
        image = self._image(exchange.repository, exchange.reference)
        content = self._blobs.read(image.digest)
        if exchange.request.method == "GET":
            self._repositories.note_pull(exchange.repository, image)
        response = Response(content, content_type=image.media_type)
        response.headers["Docker-Content-Digest"] = image.digest
        response.set_etag(image.digest)
        return response

    def _put_manifest(self, exchange: Exchange) -> Response:
        request, reference = exchange.request, exchange.reference
        request.max_content_length = LARGEST_MANIFEST_BYTES
        content = request.get_data()
        by_digest = reference.startswith("sha256:")
        if not by_digest and not TAG.fullmatch(reference):
            raise RegistryError("TAG_INVALID", f"{reference} is not a tag", 400)
        actual = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if by_digest and actual != reference:
            raise RegistryError("DIGEST_INVALID", f"The manifest's digest is {actual}", 400)
        try:
            image = self._repositories.put_image(
                exchange.repository,
                content,
                request.mimetype or None,
                None if by_digest else reference,
            )
        except InvalidManifestError as error:
            raise RegistryError("MANIFEST_INVALID", str(error), 400) from error
        headers = {"Docker-Content-Digest": image.digest}
        if image.subject:
            headers["OCI-Subject"] = image.subject
        path = f"/v2/{exchange.repository.name}/manifests/{image.digest}"
        return _located(201, path, headers)

    def _list_tags(self, exchange: Exchange) -> Response:
        name, args = exchange.repository.name, exchange.request.args
        tags = sorted(t for i in list(exchange.repository.images.values()) for t in i.tags)
        last = args.get("last", "")
        left = [tag for tag in tags if tag > last]
        size = args.get("n", type=int)
        page = left if size is None else left[: max(size, 0)]
        response = Response(
            json.dumps({"name": name, "tags": page}), content_type="application/json"
        )
        if page and len(page) < len(left):
            query = urlencode({"n": size, "last": page[-1]})
            response.headers["Link"] = f'</v2/{name}/tags/list?{query}>; rel="next"'
        return response

    # Blobs

    def _get_blob(self, exchange: Exchange) -> Response:
        digest = _digest(exchange.reference)
        if not self._is_in(exchange, digest):
            raise RegistryError("BLOB_UNKNOWN", f"Blob {digest} is not in this repository", 404)
        size = self._blobs.size(digest)
        headers = {"Docker-Content-Digest": digest, "Accept-Ranges": "bytes"}
        if exchange.request.method == "HEAD":
            self._repositories.link(exchange.repository, digest)
            response = Response(content_type="application/octet-stream", headers=headers)
            response.content_length = size
            return response
        return self._stream(digest, size, exchange.request.range, headers)

    def _is_in(self, exchange: Exchange, digest: str) -> bool:
        """Whether a repository has a blob.

        Who may push one need not, where another local cloud of this machine has it. One of another
        repository here is mounted, which takes the right to read that repository.
        """
        if digest in exchange.repository.blobs and self._blobs.has(digest):
            return True
        return (
            exchange.request.method == "HEAD"
            and self._may(exchange, "CompleteLayerUpload", exchange.repository.name)
            and self._blobs.obtain(digest)
        )

    def _stream(
        self, digest: str, size: int, wanted: Range | None, headers: dict[str, str]
    ) -> Response:
        span = wanted.range_for_length(size) if wanted is not None else (0, size)
        if span is None:
            raise RegistryError("RANGE_INVALID", "The range is not within the blob", 416)
        start, end = span
        stream = self._blobs.file(digest).open("rb")
        stream.seek(start)
        response = Response(
            _limited(FileWrapper(stream, CHUNK_BYTES), end - start),
            status=200 if wanted is None else 206,
            content_type="application/octet-stream",
            headers=headers,
            direct_passthrough=True,
        )
        response.call_on_close(stream.close)
        response.content_length = end - start
        if wanted is not None:
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return response

    def _begin(self, exchange: Exchange) -> Response:
        request, repository = exchange.request, exchange.repository
        mount = request.args.get("mount")
        if mount is not None and self._mounted(exchange, _digest(mount)):
            return _located(
                201,
                f"/v2/{repository.name}/blobs/{mount}",
                {"Docker-Content-Digest": mount},
            )
        upload = self._blobs.begin(repository.name)
        if "digest" in request.args:
            return self._complete(exchange, upload)
        return self._accepted(upload)

    def _mounted(self, exchange: Exchange, digest: str) -> bool:
        """Takes a blob over from another repository that the caller may read."""
        source = exchange.request.args.get("from")
        if source is None or source not in self._repositories:
            return False
        if not self._may(exchange, "GetDownloadUrlForLayer", source):
            return False  # the client pushes the blob itself then
        if digest not in self._repositories.get(source).blobs or not self._blobs.has(digest):
            return False
        self._repositories.link(exchange.repository, digest)
        return True

    def _may(self, exchange: Exchange, operation: str, name: str) -> bool:
        try:
            address = exchange.request.remote_addr or "127.0.0.1"
            self._allow(exchange.caller, operation, name, address)
        except ServiceError:
            return False
        return True

    def _upload(self, exchange: Exchange) -> Upload:
        upload = self._blobs.upload(exchange.reference, exchange.repository.name)
        if upload is None:
            raise RegistryError(
                "BLOB_UPLOAD_UNKNOWN", f"There is no upload {exchange.reference}", 404
            )
        return upload

    def _progress(self, exchange: Exchange) -> Response:
        return self._accepted(self._upload(exchange), status=204)

    def _append(self, exchange: Exchange) -> Response:
        upload = self._upload(exchange)
        self._check_position(exchange.request, upload)
        self._blobs.append(upload, exchange.request.stream.read)
        return self._accepted(upload)

    @staticmethod
    def _check_position(request: Request, upload: Upload) -> None:
        position = re.match(r"(?:bytes[ =])?(\d+)-", request.headers.get("Content-Range", ""))
        if position is not None and int(position[1]) != upload.size:
            raise RegistryError(
                "BLOB_UPLOAD_INVALID", f"The upload stands at byte {upload.size}", 416
            )

    def _finish(self, exchange: Exchange) -> Response:
        return self._complete(exchange, self._upload(exchange))

    def _complete(self, exchange: Exchange, upload: Upload) -> Response:
        digest = _digest(exchange.request.args.get("digest", ""))
        self._blobs.append(upload, exchange.request.stream.read)
        try:
            self._blobs.finish(upload, digest)
        except DigestMismatchError as error:
            raise RegistryError(
                "DIGEST_INVALID", f"The content's digest is not {digest}", 400
            ) from error
        self._repositories.link(exchange.repository, digest)
        path = f"/v2/{exchange.repository.name}/blobs/{digest}"
        return _located(201, path, {"Docker-Content-Digest": digest})

    def _cancel(self, exchange: Exchange) -> Response:
        self._blobs.cancel(self._upload(exchange))
        return Response(status=204)

    @staticmethod
    def _accepted(upload: Upload, status: int = 202) -> Response:
        path = f"/v2/{upload.repository}/blobs/uploads/{upload.id}"
        span = f"0-{max(upload.size - 1, 0)}"
        return _located(status, path, {"Range": span, "Docker-Upload-UUID": upload.id})


def _digest(text: str) -> str:
    if not DIGEST.fullmatch(text):
        raise RegistryError("DIGEST_INVALID", f"{text!r} is not a sha256 digest", 400)
    return text


def _limited(chunks: Iterable[bytes], size: int) -> Iterable[bytes]:
    left = size
    for chunk in chunks:
        if left <= 0:
            return
        yield chunk[:left]
        left -= len(chunk)


def _located(status: int, path: str, headers: dict[str, str]) -> Response:
    response = Response(status=status, headers=headers)
    response.headers["Location"] = path
    response.autocorrect_location_header = False
    return response
