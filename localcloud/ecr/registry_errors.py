"""Errors of the registry's protocol, and answers of it that carry no image.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import json

from werkzeug.wrappers import Response

# ECR's error → (the registry's code, status).
CODES = {
    "RepositoryNotFoundException": ("NAME_UNKNOWN", 404),
    "ImageTagAlreadyExistsException": ("TAG_INVALID", 400),
    "LayersNotFoundException": ("BLOB_UNKNOWN", 404),
    "ReferencedImagesNotFoundException": ("MANIFEST_BLOB_UNKNOWN", 404),
    "AccessDenied": ("DENIED", 403),
}


class RegistryError(Exception):
    """What the registry refuses, in the protocol's own codes."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def error_response(error: RegistryError) -> Response:
    body = {"errors": [{"code": error.code, "message": error.message}]}
    response = Response(json.dumps(body), status=error.status, content_type="application/json")
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Amazon ECR"'
    return response
