"""The status page, where AWS's console has a pipeline's page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from localcloud.codepipeline.core import Core


@dataclass(frozen=True)
class View:
    """The WSGI application of the status pages.

    Args:
        core: the state.
    """

    core: Core

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        Request(environ)
        return Response("not yet", 501)(environ, start_response)
